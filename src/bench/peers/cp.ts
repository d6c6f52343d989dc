import { pathIn, type PeerTool } from './tool.js';
import { transferRuns } from './transfer-runs.js';

/** A copy on this machine: what the disk, or the memory, does with nothing between. */
export const cp: PeerTool = {
  name: 'cp',
  isSealed: false,
  isLocal: true,
  patterns: { file: 'both ways', 'small-files': 'both ways' },
  needs: [{ name: 'cp', packageName: 'coreutils', ask: ['--version'], says: /GNU coreutils\D+(\d+\.\d+)/ }],
  open(context) {
    // A file system that only notes where the content is would copy nothing.
    const flags = [
      ...(context.setup.work.pattern === 'small-files' ? ['-r'] : []),
      ...['--reflink=never', '--sparse=never'],
    ];
    return transferRuns('cp', context, {
      how: ['cp', ...flags].join(' '),
      commandsOf: ({ source, target }) => ({
        near: { commands: [{ argv: [pathIn(context, 'cp'), ...flags, source, target], process: 'cp' }] },
      }),
    });
  },
};
