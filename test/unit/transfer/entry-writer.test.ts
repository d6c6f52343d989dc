import { chmod, lstat, mkdir, readlink, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { NativeApi } from '../../../src/native/api.js';
import { nativeApi } from '../../../src/native/index.js';
import { DirectoryCache } from '../../../src/transfer/directory-cache.js';
import { EntryWriter } from '../../../src/transfer/entry-writer.js';
import { entryKind, type ManifestEntry } from '../../../src/transfer/entry-codec.js';
import { TemporaryNames } from '../../../src/transfer/temporary-names.js';
import { failure } from './rogue-kit.js';
import { entry, held, namesIn, temporaryDirectory, withFiles } from './transfer-kit.js';

const { files } = nativeApi();
const directory = (id: number, path: string, mode = 0o755) =>
  entry(id, path, { kind: entryKind.directory, mode });
const link = (id: number, path: string, target = 'target') =>
  entry(id, path, { kind: entryKind.link, target });

async function begin(native: NativeApi = nativeApi()) {
  const top = await temporaryDirectory();
  const root = await files.openRoot(top);
  const directories = new DirectoryCache(native.files, root);
  onTestFinished(async () => {
    await directories.close();
    await files.close(root);
  });
  const names = new TemporaryNames(new Uint8Array(32), new Uint8Array(16));
  const metadata = { owners: false, attributes: false };
  const options = { files: native.files, directories, names, replaces: () => true, metadata };
  return { top, directories, writer: new EntryWriter(options) };
}

async function make(writer: EntryWriter, entries: readonly ManifestEntry[]): Promise<void> {
  await writer.makeDirectories(entries);
  await writer.makeLinks(entries);
}

describe('the entries of a batch', () => {
  it('stand when they are made: directories and links, and no file yet', async () => {
    const { top, writer } = await begin();
    await make(writer, [directory(0, 'd'), directory(1, 'd/e'), link(2, 'd/e/l', '../../f'), entry(3, 'f')]);
    expect(await namesIn(top)).toEqual(['d/', 'd/e/', 'd/e/l -> ../../f']);
    expect(writer.made).toEqual(['d', 'd/e']);
  });

  it('are closed to others until the end, and get mode and time then, the deepest first', async () => {
    const { top, writer } = await begin();
    await make(writer, [directory(0, 'd', 0o555), directory(1, 'd/e', 0o711)]);
    expect((await stat(join(top, 'd'))).mode & 0o777).toBe(0o700);
    await writer.finish();
    for (const [path, mode] of [
      ['d', 0o555],
      ['d/e', 0o711],
    ] as const) {
      const found = await stat(join(top, path));
      expect([found.mode & 0o777, found.mtimeMs]).toEqual([mode, 1_000_000_000_000]);
    }
    // Or nobody but root could remove what is in there.
    await chmod(join(top, 'd'), 0o755);
  });

  it('take a directory that stands, and put a link in the place of a file or a link', async () => {
    const { top, writer } = await begin();
    await mkdir(join(top, 'd'));
    await writeFile(join(top, 'd', 'mine'), 'content');
    await writeFile(join(top, 'l'), 'old');
    await symlink('old', join(top, 'm'));
    await make(writer, [directory(0, 'd'), link(1, 'l'), link(2, 'm')]);
    expect(await namesIn(top)).toEqual(['d/', 'd/mine', 'l -> target', 'm -> target']);
    expect((await lstat(join(top, 'l'))).mtimeMs).toBe(1_000_000_000_000);
  });

  // The addon and its twin learn it from different calls.
  const linkInTheWay = expect.stringMatching(/ERR_XFER_(LOCAL_IO|NOT_DIRECTORY)/) as string;
  it.each<[string, (top: string) => Promise<unknown>, ManifestEntry, string]>([
    [
      'a file for a directory',
      (top) => writeFile(join(top, 'd'), ''),
      directory(0, 'd'),
      'ERR_XFER_NOT_DIRECTORY',
    ],
    [
      'a link for a directory',
      (top) => symlink('/tmp', join(top, 'd')),
      directory(0, 'd'),
      'ERR_XFER_NOT_DIRECTORY',
    ],
    ['a link on the way', (top) => symlink('/tmp', join(top, 'd')), directory(0, 'd/e'), linkInTheWay],
    ['nothing on the way', () => Promise.resolve(), link(0, 'd/l'), 'ERR_XFER_NOT_FOUND'],
    ['a directory for a link', (top) => mkdir(join(top, 'l')), link(0, 'l'), 'ERR_XFER_IS_DIRECTORY'],
  ])('are refused where there is %s, and nothing temporary remains', async (_, put, bad, code) => {
    const { top, writer } = await begin();
    await put(top);
    const before = await namesIn(top);
    await expect(make(writer, [bad])).rejects.toEqual(failure(code));
    expect(await namesIn(top)).toEqual(before);
  });

  it('are links made at once, so many at most; the first failure is told when none is under way', async () => {
    const making = held(files.makeLink.bind(files));
    const { top, writer } = await begin(withFiles({ makeLink: making.call }));
    await mkdir(join(top, 'l0'));
    const made = make(
      writer,
      Array.from({ length: 40 }, (_, id) => link(id, `l${id}`)),
    );
    const ended = vi.fn();
    made.then(ended, ended);
    await vi.waitFor(() => expect(making.waiting).toHaveLength(32));
    making.waiting.shift()?.();
    await readlink(join(top, 'l1')).catch(() => undefined);
    expect([ended.mock.calls.length, making.waiting.length]).toEqual([0, 31]);
    making.release();
    await expect(made).rejects.toEqual(failure('ERR_XFER_IS_DIRECTORY'));
    expect((await namesIn(top)).filter((name) => name.includes('->'))).toHaveLength(31);
  });
});

describe('directories that are kept open', () => {
  const paths = Array.from({ length: 40 }, (_, n) => `d${String(n).padStart(2, '0')}`);
  const counted = () => {
    const openDirectory = vi.fn(files.openDirectory.bind(files));
    const close = vi.fn(files.close.bind(files));
    return { openDirectory, close, native: withFiles({ openDirectory, close }) };
  };

  it('are opened once for all who use them at a time', async () => {
    const { native, openDirectory } = counted();
    const { top, directories } = await begin(native);
    await mkdir(join(top, 'd'));
    const [a, b] = await Promise.all([directories.acquire('d'), directories.acquire('d')]);
    expect([a.fd === b.fd, openDirectory.mock.calls.length]).toEqual([true, 1]);
    a.release();
    b.release();
  });

  it('are so many at most that nobody uses, and none that is used is closed', async () => {
    const { native, close } = counted();
    const { top, directories } = await begin(native);
    for (const path of paths) await mkdir(join(top, path));
    const all = await Promise.all(paths.map((path) => directories.acquire(path)));
    for (const one of all.slice(1)) one.release();
    await vi.waitFor(() => expect(close).toHaveBeenCalledTimes(paths.length - 32));
    expect(close.mock.calls.flat()).not.toContain(all[0]?.fd);
    await directories.close();
    expect(close).toHaveBeenCalledTimes(paths.length);
    expect(new Set(close.mock.calls.flat()).size).toBe(paths.length);
  });

  it('are opened again where it failed before', async () => {
    const { top, directories } = await begin();
    await expect(directories.acquire('d')).rejects.toThrow('ENOENT');
    await mkdir(join(top, 'd'));
    (await directories.acquire('d')).release();
  });

  it('never lead out: a link, a way up and an absolute path are refused', async () => {
    const { top, directories } = await begin();
    await symlink('/tmp', join(top, 'l'));
    for (const path of ['l', '..', '/tmp', 'l/x']) await expect(directories.acquire(path)).rejects.toThrow();
  });
});
