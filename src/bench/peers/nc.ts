import { isIP } from 'node:net';
import { pipeBetween } from './flow.js';
import { pathIn, type PeerTool } from './tool.js';
import { transferRuns } from './transfer-runs.js';

/** What a netcat is told to listen, to connect, to send until its stdin ends, and to take. */
export interface NetcatWords {
  listen(host: string, port: string): readonly string[];
  readonly sends: readonly string[];
  readonly receives: readonly string[];
}

/** The three netcats that end when they should; by what they say of themselves. */
export const netcats: readonly {
  readonly says: RegExp;
  readonly how: string;
  readonly words: NetcatWords;
}[] = [
  {
    says: /OpenBSD netcat/,
    how: 'nc -N (OpenBSD)',
    words: { listen: (host, port) => ['-l', host, port], sends: ['-N'], receives: ['-d'] },
  },
  {
    says: /^\[v1\.\d+/m,
    how: 'nc -q 0 (traditional)',
    words: { listen: (host, port) => ['-l', '-s', host, '-p', port], sends: ['-q', '0'], receives: [] },
  },
  {
    says: /^Ncat \d|^Ncat: Version \d/m,
    how: 'ncat',
    words: {
      listen: (host, port) => ['-l', host, port],
      sends: ['--send-only'],
      receives: ['--recv-only'],
    },
  },
];

export const nc = netcat('nc', 'netcat-openbsd', ['-h']);
export const ncat = netcat('ncat', 'ncat', ['--version']);

function netcat(name: string, packageName: string, ask: readonly string[]): PeerTool {
  return {
    name,
    isSealed: false,
    patterns: { pipe: 'both ways' },
    needs: [
      { name, packageName, ask, says: new RegExp(netcats.map(({ says }) => says.source).join('|'), 'm') },
    ],
    open(context) {
      const said = context.programs.get(name)?.said ?? '';
      const { how, words } = netcats.find(({ says }) => says.test(said)) ?? { how: name, words: undefined };
      const host = context.setup.place.farHost;
      // Names are looked up by those that need it alone.
      const command = [pathIn(context, name), ...(isIP(host) ? ['-n'] : [])];
      const { listen, sends, receives } = words ?? { listen: () => [], sends: [], receives: [] };
      return transferRuns(name, context, {
        how,
        commandsOf: (flow, port) => {
          const [listening, connecting] = [listen(host, String(port)), [host, String(port)]];
          return pipeBetween(
            flow,
            {
              sends: [...command, ...sends, ...listening],
              receives: [...command, ...receives, ...listening],
            },
            {
              sends: [...command, ...sends, ...connecting],
              receives: [...command, ...receives, ...connecting],
            },
          );
        },
      });
    },
  };
}
