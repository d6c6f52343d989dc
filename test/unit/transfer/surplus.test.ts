import type { FileStamp, FilesApi } from '../../../src/native/api.js';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { nativeApi } from '../../../src/native/index.js';
import { DirectoryCache } from '../../../src/transfer/directory-cache.js';
import { Surplus } from '../../../src/transfer/surplus.js';
import { failure } from './rogue-kit.js';
import { namesIn, temporaryDirectory, withFiles } from './transfer-kit.js';

/** A received directory; `offered` is all that the sender has. */
async function begin(offered: readonly string[], changes: Partial<FilesApi> = {}) {
  const { files } = withFiles(changes);
  const top = await temporaryDirectory();
  const root = await files.openRoot(top);
  const directories = new DirectoryCache(files, root);
  onTestFinished(async () => {
    await directories.close();
    await files.close(root);
  });
  const [removed, asked] = [[] as string[], [] as string[]];
  const surplus = new Surplus({
    files,
    directories,
    isOffered: (path) => {
      asked.push(path);
      return offered.includes(path);
    },
    onRemoved: (path) => removed.push(path),
  });
  return { top, surplus, removed, asked };
}

/** Directories end with a slash. */
async function put(top: string, ...paths: readonly string[]): Promise<void> {
  for (const path of paths)
    if (path.endsWith('/')) await mkdir(join(top, path), { recursive: true });
    else await writeFile(join(top, path), path);
}

describe('what was not offered', () => {
  it('goes, with all that is in it, and is told of from the inside out', async () => {
    const { top, surplus, removed } = await begin(['d', 'd/mine']);
    await put(top, 'd/', 'd/mine', 'd/old', 'd/tree/deep/', 'd/tree/deep/leaf');
    await surplus.remove(['d']);
    expect(await namesIn(top)).toEqual(['d/', 'd/mine']);
    expect(removed.toSorted()).toEqual(['d/old', 'd/tree', 'd/tree/deep', 'd/tree/deep/leaf']);
    const at = (path: string) => removed.indexOf(path);
    expect(at('d/tree/deep/leaf') < at('d/tree/deep') && at('d/tree/deep') < at('d/tree')).toBe(true);
  });

  it('stays where the sender offered no directory around it', async () => {
    const { top, surplus, removed } = await begin(['d', 'd/sub']);
    await put(top, 'd/sub/', 'd/sub/old', 'beside', 'other/', 'other/old');
    await surplus.remove(['d']);
    expect(await namesIn(top)).toEqual(['beside', 'd/', 'd/sub/', 'd/sub/old', 'other/', 'other/old']);
    expect(removed).toEqual([]);
  });

  it('goes from the received directory itself where that was offered', async () => {
    const { top, surplus, removed } = await begin(['mine']);
    await put(top, 'mine', 'old');
    await surplus.remove(['']);
    expect([await namesIn(top), removed]).toEqual([['mine'], ['old']]);
  });

  it('is a link that goes, never what it points to', async () => {
    const { top, surplus } = await begin(['d']);
    const outside = await temporaryDirectory();
    await put(outside, 'precious');
    await put(top, 'd/sub/');
    await symlink(outside, join(top, 'd', 'out'));
    await symlink(outside, join(top, 'd', 'sub', 'out'));
    await surplus.remove(['d']);
    expect(await namesIn(top)).toEqual(['d/']);
    expect(await readFile(join(outside, 'precious'), 'utf8')).toBe('precious');
  });

  it('is not looked for behind a link in the place of an offered directory', async () => {
    const { top, surplus } = await begin(['d']);
    const outside = await temporaryDirectory();
    await put(outside, 'precious');
    await symlink(outside, join(top, 'd'));
    await expect(surplus.remove(['d'])).rejects.toThrow('cannot delete in d');
    expect(await namesIn(outside)).toEqual(['precious']);
  });

  it('is never a name of our own, nor one that cannot be named', async () => {
    const { top, surplus, removed } = await begin(['d']);
    await put(top, 'd/', 'd/.xfer-0123456789abcdef.journal', 'd/.xfer-x/', 'd/.xferred', 'd/\ufffd');
    await surplus.remove(['d']);
    expect(await namesIn(top)).toEqual(['d/', 'd/.xfer-0123456789abcdef.journal', 'd/.xfer-x/', 'd/\ufffd']);
    expect(removed).toEqual(['d/.xferred']);
  });

  it('is asked about in the spelling of offered names', async () => {
    const { top, surplus, removed, asked } = await begin(['d', 'd/\u00e9']);
    await put(top, 'd/', 'd/e\u0301');
    await surplus.remove(['d']);
    expect([asked, removed]).toEqual([['d/\u00e9'], []]);
  });

  it('stays where something that cannot be named is in it', async () => {
    const { top, surplus } = await begin(['d']);
    await put(top, 'd/old/', 'd/old/\ufffd', 'd/old/a');
    await surplus.remove(['d']);
    expect(await namesIn(top)).toEqual(['d/', 'd/old/', 'd/old/\ufffd']);
  });

  it('is given up with the reason where it cannot be removed', async () => {
    const remove = () => Promise.reject(Object.assign(new Error('no'), { code: 'EACCES' }));
    const { top, surplus, removed } = await begin(['d'], { remove });
    await put(top, 'd/', 'd/old');
    await expect(surplus.remove(['d'])).rejects.toEqual(failure('ERR_XFER_PERMISSION'));
    expect([await namesIn(top), removed]).toEqual([['d/', 'd/old'], []]);
  });

  it('is followed down to a bound, and no further', async () => {
    // A directory that has itself in it.
    const numbers = new Float64Array(14).fill(0o040755, 0, 1);
    const endless = { names: ['again'], numbers, targets: new Map<number, string>(), isLast: true };
    let opened = 0;
    const closed: number[] = [];
    const { surplus } = await begin(['d'], {
      list: () => Promise.resolve(endless),
      openDirectory: () => Promise.resolve(10_000 + opened++),
      stampOf: () => Promise.resolve({ dev: 1n } as FileStamp),
      close: async (fd) => {
        if (fd < 10_000) await nativeApi().files.close(fd);
        else closed.push(fd);
      },
      removeDirectory: () => Promise.reject(new Error('not to be reached')),
    });
    await expect(surplus.remove(['d'])).rejects.toThrow('cannot delete in d');
    // The first is the offered one, which is given back with the cache.
    expect([opened, new Set(closed).size]).toEqual([257, 256]);
  });
});
