import { fileURLToPath } from 'node:url';
import { finish, program, start } from './processes.mjs';
import { ratioOf, spread } from './stats.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** What a command costs before it does anything, against the import of all that oclif is. */
export const startupRow = {
  name: 'startup',
  title: 'xfer --version',
  async measure({ directory, runs, smoke }) {
    const env = { PATH: process.env.PATH, HOME: directory };
    const once = async (args) => {
      const run = start(process.execPath, args, { cwd: root, env });
      return (await finish(run, `node ${args.join(' ')}`)).seconds;
    };
    const times = { ours: [], peer: [] };
    for (let round = smoke ? 1 : 0; round <= runs * 3; round++) {
      const ours = await once([program, '--version']);
      const peer = await once(['-e', "import('@oclif/core')"]);
      if (round === 0) continue;
      times.ours.push(ours);
      times.peer.push(peer);
      if (smoke) break;
    }
    const peer = { peer: spread(times.peer), peerName: 'import @oclif/core' };
    const ratio = ratioOf(times.ours, times.peer);
    return [{ unit: 's', ours: spread(times.ours), ...peer, ...ratio, goal: { atMost: 1.5 } }];
  },
};
