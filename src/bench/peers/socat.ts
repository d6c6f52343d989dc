import type { NeededProgram } from '../programs.js';
import { pipeBetween } from './flow.js';
import { pathIn, type PeerTool } from './tool.js';
import { transferRuns } from './transfer-runs.js';

export const socatProgram: NeededProgram = {
  ...{ name: 'socat', packageName: 'socat', ask: ['-V'], says: /socat version (\d+\.\d+)/ },
};

/** Its own default of 8 KiB makes it half as fast. */
export const socatBlocks = ['-b', String(1 << 20)];

export const socatHost = (host: string): string => (host.includes(':') ? `[${host}]` : host);

export const socat: PeerTool = {
  name: 'socat',
  isSealed: false,
  patterns: { pipe: 'both ways' },
  needs: [socatProgram],
  open(context) {
    const host = socatHost(context.setup.place.farHost);
    const command = [pathIn(context, 'socat'), ...socatBlocks, '-u'];
    return transferRuns('socat', context, {
      how: ['socat', ...socatBlocks].join(' '),
      commandsOf: (flow, port) => {
        const listen = `TCP-LISTEN:${port},bind=${host},reuseaddr`;
        const connect = `TCP:${host}:${port}`;
        return pipeBetween(
          flow,
          { sends: [...command, 'STDIN', listen], receives: [...command, listen, 'STDOUT'] },
          { sends: [...command, 'STDIN', connect], receives: [...command, connect, 'STDOUT'] },
        );
      },
    });
  },
};
