import { mkdir, open, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { startReceiver } from '../support/receiver.js';
import { runXfer, temporaryDirectory } from '../support/run-xfer.js';
import { canMountTmpfs, runOnSmallTmpfs } from '../support/small-tmpfs.js';

if (!canMountTmpfs)
  process.stderr.write('NOT TESTED: --delete and other file systems, for none can be mounted here\n');

it.skipIf(!canMountTmpfs).each([
  ['in a directory that was offered', 'tree/mounted'],
  ['below a directory that is surplus itself', 'tree/surplus/deep/mounted'],
])('--delete leaves a file system alone that is mounted %s', async (_, path) => {
  const work = await temporaryDirectory();
  const [tree, out] = [join(work, 'tree'), join(work, 'out')];
  await mkdir(tree);
  await writeFile(join(tree, 'new'), 'new');
  const mounted = join(out, path);
  await mkdir(mounted, { recursive: true });
  await writeFile(join(out, 'tree/old'), 'old');
  const { recv, address, code } = await startReceiver(out, {
    flags: ['--delete', '--once'],
    start: (args, options) => runOnSmallTmpfs(mounted, 2 ** 20, args, options),
  });
  // As the receiver sees it: with the file system.
  const seen = `/proc/${recv.child.pid}/root`;
  await writeFile(join(seen, mounted, 'other'), 'of another file system');
  const args = ['send', tree, address, '--update', '--delete', '--yes', '--json'];
  const handle = await open(join(seen, mounted));
  const held = `/proc/self/fd/${handle.fd}`;
  const { status } = await (await runXfer(args, { env: { XFER_CODE: code } })).ended;
  expect(status).toBe(0);
  expect((await recv.ended).status).toBe(0);
  expect(await readdir(held)).toEqual(['other']);
  expect(await readFile(join(held, 'other'), 'utf8')).toBe('of another file system');
  expect((await readdir(join(out, 'tree'))).sort()).toEqual(['new', path.split('/')[1]].sort());
  await handle.close();
});
