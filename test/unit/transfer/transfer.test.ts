import { randomBytes } from 'node:crypto';
import { lstat, mkdir, readFile, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { transferDefaults } from '../../../src/config/index.js';
import type { NativeApi } from '../../../src/native/api.js';
import { nativeApi } from '../../../src/native/index.js';
import { failure } from './rogue-kit.js';
import {
  creatingParts,
  held,
  namesIn,
  sessionPair,
  sizesIn,
  startReceiving,
  startSending,
  temporaryDirectory,
  withFiles,
} from './transfer-kit.js';

async function transfer(paths: readonly string[], native?: NativeApi) {
  const [near, far] = await sessionPair();
  const receiver = await startReceiving(far, native);
  return { receiver, sender: startSending(near, paths) };
}

const { files } = nativeApi();

describe('a transfer', () => {
  it('brings entries of every kind as they are', async () => {
    const top = await temporaryDirectory();
    const tree = join(top, 'tree');
    await mkdir(join(tree, 'sub', 'empty'), { recursive: true, mode: 0o750 });
    const large = randomBytes(3 * 2 ** 20 + 7);
    await writeFile(join(tree, 'large'), large);
    await writeFile(join(tree, 'sub', 'none'), '', { mode: 0o400 });
    await symlink('../large', join(tree, 'sub', 'link'));
    await symlink('nowhere', join(tree, 'dangling'));
    await utimes(join(tree, 'sub'), 1, 5);
    const { sender, receiver } = await transfer([tree]);
    expect(await sender.running).toMatchObject({ files: 2, bytes: large.length });
    expect(await receiver.running).toMatchObject({ files: 2, bytes: large.length });
    expect(await namesIn(join(receiver.directory, 'tree'))).toEqual(await namesIn(tree));
    expect(large.equals(await readFile(join(receiver.directory, 'tree', 'large')))).toBe(true);
    for (const name of ['', 'sub', 'sub/empty', 'sub/none', 'large']) {
      const [there, here] = [
        await lstat(join(receiver.directory, 'tree', name)),
        await lstat(join(tree, name)),
      ];
      expect([there.mode, Math.floor(there.mtimeMs)]).toEqual([here.mode, Math.floor(here.mtimeMs)]);
    }
    expect([sender.problems, receiver.notes]).toEqual([[], []]);
  });

  it('of more files than are taken at once ends, whichever side is slow', async () => {
    const top = join(await temporaryDirectory(), 'many');
    await mkdir(top);
    const names = Array.from({ length: 3000 }, (_, n) => `f${n}`);
    await Promise.all(names.map((name, n) => writeFile(join(top, name), n % 3 === 0 ? 'abc' : '')));
    const writing = held(files.writeFiles.bind(files));
    const { sender, receiver } = await transfer([top], withFiles({ writeFiles: writing.call }));
    await vi.waitFor(() => expect(writing.waiting.length).toBeGreaterThanOrEqual(4), { timeout: 10_000 });
    writing.release();
    expect(await sender.running).toMatchObject({ files: 3000, bytes: 3000 });
    expect((await namesIn(join(receiver.directory, 'many'))).toSorted()).toEqual(names.toSorted());
    await receiver.running;
  });

  it('goes on without a file that cannot be read to its end, and says so on both sides', async () => {
    const top = join(await temporaryDirectory(), 'd');
    await mkdir(top);
    const shrinking = join(top, 'a-shrinking');
    await writeFile(shrinking, Buffer.alloc(4 * transferDefaults.windowBytes, 'a'));
    await writeFile(join(top, 'b-steady'), 'content');
    const creating = held(files.createFile.bind(files));
    const { sender, receiver } = await transfer(
      [top],
      withFiles({ createFile: creatingParts(creating.call) }),
    );
    // Either of the two may be the first to be open.
    await vi.waitFor(() => expect(creating.waiting).not.toEqual([]), 10_000);
    await truncate(shrinking, 10);
    creating.release();
    expect(await sender.running).toMatchObject({ files: 1, bytes: 7 });
    expect(await receiver.running).toMatchObject({ files: 1, bytes: 7 });
    expect(sender.problems).toEqual([failure('ERR_XFER_FILE_CHANGED')]);
    expect(receiver.notes).toEqual([expect.stringContaining('a-shrinking')]);
    expect(await namesIn(join(receiver.directory, 'd'))).toEqual(['b-steady']);
  });

  it('leaves out links that lead out, each of them named to both sides', async () => {
    const top = join(await temporaryDirectory(), 'd');
    await mkdir(top);
    await symlink('/etc', join(top, 'out'));
    await symlink('in', join(top, 'in-too'));
    const { sender, receiver } = await transfer([top]);
    expect(await sender.running).toMatchObject({ files: 0, bytes: 0 });
    await receiver.running;
    expect(await namesIn(receiver.directory)).toEqual(['d/', 'd/in-too -> in']);
    expect(sender.problems).toEqual([failure('ERR_XFER_LINK_REFUSED')]);
    expect(receiver.notes).toEqual([expect.stringContaining('out')]);
  });

  it('that the receiver cannot write ends both sides for the same reason', async () => {
    const top = join(await temporaryDirectory(), 'd');
    await mkdir(top);
    await writeFile(join(top, 'file'), 'content');
    const writeFiles = () => Promise.reject(Object.assign(new Error('full'), { code: 'ENOSPC' }));
    const { sender, receiver } = await transfer([top], withFiles({ writeFiles }));
    await expect(receiver.running).rejects.toEqual(failure('ERR_XFER_NO_SPACE'));
    await expect(sender.running).rejects.toEqual(failure('ERR_XFER_NO_SPACE'));
    expect(await namesIn(receiver.directory)).toEqual(['d/']);
  });

  it('of one file whose name is taken gets the place of the old, whole', async () => {
    const path = join(await temporaryDirectory(), 'file');
    await writeFile(path, Buffer.alloc(100_000));
    const finishing = held(files.finishFile.bind(files));
    const { sender, receiver } = await transfer([path], withFiles({ finishFile: finishing.call }));
    await writeFile(join(receiver.directory, 'file'), 'old');
    await vi.waitFor(() => expect(finishing.waiting).toHaveLength(1));
    expect(await sizesIn(receiver.directory, ['file'])).toEqual([3]);
    finishing.release();
    await Promise.all([sender.running, receiver.running]);
    expect(await namesIn(receiver.directory)).toEqual(['file']);
    expect(await sizesIn(receiver.directory, ['file'])).toEqual([100_000]);
  });
});
