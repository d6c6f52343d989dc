import { sshProgram, sshdProgram } from '../sshd.js';
import { processNames } from './flow.js';
import { sshAccess } from './ssh-command.js';
import { pathIn, type PeerTool } from './tool.js';
import { transferRuns } from './transfer-runs.js';

export const scp: PeerTool = {
  name: 'scp',
  isSealed: true,
  patterns: { file: 'both ways', 'small-files': 'both ways' },
  // Without arguments it says how it is used: it has no way of telling its version.
  needs: [
    { name: 'scp', packageName: 'openssh-client', ask: [], says: /usage: scp \[-/ },
    sshProgram,
    sshdProgram,
  ],
  async open(context) {
    const { sshd, configuration, remote } = await sshAccess(context.setup);
    const flags = context.setup.work.pattern === 'small-files' ? ['-r'] : [];
    return transferRuns('scp', context, {
      how: ['scp', ...flags, '-c', sshd.cipher].join(' '),
      server: { process: 'sshd', pid: sshd.pid },
      commandsOf: (flow) => {
        const [from, to] =
          flow.direction === 'there'
            ? [flow.source, remote(flow.target)]
            : [remote(flow.source), flow.target];
        const argv = [pathIn(context, 'scp'), '-q', '-F', configuration, '-S', pathIn(context, 'ssh')];
        return {
          near: { commands: [{ argv: [...argv, ...flags, from, to], process: processNames(flow).near }] },
        };
      },
    });
  },
};
