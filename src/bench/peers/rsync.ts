import { sshProgram, sshdProgram } from '../sshd.js';
import type { NeededProgram } from '../programs.js';
import { processNames } from './flow.js';
import { sshAccess } from './ssh-command.js';
import { pathIn, type PeerTool } from './tool.js';
import { transferRuns } from './transfer-runs.js';

export const rsyncProgram: NeededProgram = {
  ...{ name: 'rsync', packageName: 'rsync', ask: ['--version'], says: /^rsync +version v?(\d+\.\d+)/m },
  least: [3, 1],
};

/** With a slash behind it the content of a directory is meant, so that the target is what it becomes. */
export const rsyncSource = (path: string, pattern: string): string =>
  pattern === 'small-files' ? `${path}/` : path;

/** rsync over ssh. */
export const rsync: PeerTool = {
  name: 'rsync',
  isSealed: true,
  patterns: { file: 'both ways', 'small-files': 'both ways' },
  needs: [rsyncProgram, sshProgram, sshdProgram],
  async open(context) {
    const { sshd, configuration, remote } = await sshAccess(context.setup);
    return transferRuns('rsync', context, {
      how: `rsync -a -e 'ssh -c ${sshd.cipher}'`,
      server: { process: 'sshd', pid: sshd.pid },
      commandsOf: (flow) => {
        const source = rsyncSource(flow.source, flow.pattern);
        const [from, to] =
          flow.direction === 'there' ? [source, remote(flow.target)] : [remote(source), flow.target];
        const shell = `${pathIn(context, 'ssh')} -F ${configuration}`;
        return {
          near: {
            commands: [
              {
                argv: [pathIn(context, 'rsync'), '-a', '-e', shell, from, to],
                process: processNames(flow).near,
              },
            ],
          },
        };
      },
    });
  },
};
