import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { finish, start } from './processes.mjs';
import { hasProgram, rsyncOnce, tarOnce } from './ssh-peers.mjs';
import { writeTree } from './file-tree.mjs';
import { ratioOf, spread } from './stats.mjs';
import { transferOnce } from './xfer.mjs';

const code = '7-benchmark-of-small-files';

/** Files of 4 KiB in 100 directories, whole commands, beside rsync -a (judged), tar and scp -r over ssh. */
export const smallFilesRow = {
  name: 'small-files',
  title: 'files of 4 KiB in 100 directories',
  async measure(context) {
    const { directory, runs, smoke, say } = context;
    const source = join(directory, 'tree');
    const target = join(directory, 'tree-target');
    writeTree(source, { files: smoke ? 500 : 10_000, directories: 100, bytes: 4096 });
    const contestants = { xfer: () => transferOnce(context, { path: source, directory: target, code }) };
    const server = await context.sshd();
    if (!server.missing) {
      const ssh = { from: source, to: target };
      if (hasProgram('rsync')) contestants['rsync -a'] = () => rsyncOnce(server, { ...ssh, flags: ['-a'] });
      contestants['tar over ssh'] = () => tarOnce(server, ssh);
      contestants['scp -r'] = () => server.scp(source, target, { flags: ['-r', '-p'] });
    }
    const times = Object.fromEntries(Object.keys(contestants).map((name) => [name, []]));
    for (let round = smoke ? 1 : 0; round <= runs; round++)
      for (const [name, once] of Object.entries(contestants)) {
        rmSync(target, { recursive: true, force: true });
        mkdirSync(target);
        const { seconds } = await once();
        await finish(start('diff', ['-rq', source, join(target, 'tree')]), `${name}: diff`);
        say(`${name} ${seconds.toFixed(3)} s`);
        if (round > 0) times[name].push(seconds);
      }
    for (const path of [source, target]) rmSync(path, { recursive: true });
    const { xfer: ours, ...peers } = times;
    const row = { unit: 's', ours: spread(ours) };
    if (!peers['rsync -a']) return [{ ...row, skipped: server.missing ?? 'no rsync (Debian: rsync)' }];
    return Object.entries(peers).map(([peerName, theirs]) => {
      const goal = peerName === 'rsync -a' ? { goal: { atMost: 1 } } : {};
      const beside = { part: `beside ${peerName}`, peer: spread(theirs), peerName };
      return { ...row, ...beside, ...ratioOf(ours, theirs), ...goal };
    });
  },
};
