import { chmod, lstat, mkdir, readFile, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { FilesApi } from '../../../src/native/api.js';
import { nativeApi } from '../../../src/native/index.js';
import { DirectoryCache } from '../../../src/transfer/directory-cache.js';
import { entryKind } from '../../../src/transfer/entry-codec.js';
import { HardLinkWriter } from '../../../src/transfer/hard-link-writer.js';
import { TemporaryNames } from '../../../src/transfer/temporary-names.js';
import { failure } from './rogue-kit.js';
import { entry, namesIn, temporaryDirectory, withFiles } from './transfer-kit.js';

const names = new TemporaryNames(new Uint8Array(32), new Uint8Array(16));
const second = (path: string, target: string) => entry(9, path, { kind: entryKind.hardLink, target });

async function begin(changes: Partial<FilesApi> = {}, replaces = true) {
  const { files } = withFiles(changes);
  const top = await temporaryDirectory();
  await mkdir(join(top, 'd'));
  await writeFile(join(top, 'd', 'first'), 'content');
  const root = await files.openRoot(top);
  const directories = new DirectoryCache(files, root);
  onTestFinished(async () => {
    await directories.close();
    await files.close(root);
  });
  const leftOut = vi.fn<(path: string, reason: string) => void>();
  const onLeftOut = ({ path }: { path: string }, reason: string) => leftOut(path, reason);
  const writer = new HardLinkWriter({ files, directories, names, replaces: () => replaces, onLeftOut });
  return { top, writer, leftOut };
}

const inode = async (...path: readonly string[]) => (await lstat(join(...path))).ino;
const rejected = (code: string) => vi.fn(() => Promise.reject(Object.assign(new Error(code), { code })));

describe('the second name of a file', () => {
  it('is made at the end, not before, and is the same file', async () => {
    const { top, writer, leftOut } = await begin();
    writer.add(second('d/second', 'd/first'));
    writer.add(second('third', 'd/first'));
    expect(await namesIn(top)).toEqual(['d/', 'd/first']);
    await writer.finish();
    expect(await namesIn(top)).toEqual(['d/', 'd/first', 'd/second', 'third']);
    expect([await inode(top, 'd/second'), await inode(top, 'third')]).toEqual(
      Array(2).fill(await inode(top, 'd/first')),
    );
    expect(leftOut).not.toHaveBeenCalled();
  });

  it('is made once', async () => {
    const makeHardLink = vi.fn(nativeApi().files.makeHardLink.bind(nativeApi().files));
    const { writer } = await begin({ makeHardLink });
    writer.add(second('second', 'd/first'));
    await writer.finish();
    await writer.finish();
    expect(makeHardLink).toHaveBeenCalledOnce();
  });

  it('is that of the file under the name that it was given here', async () => {
    const { top, writer, leftOut } = await begin();
    await writeFile(join(top, 'd', 'first (1)'), 'the one that came');
    writer.handleRenamed('d/first', 'd/first (1)');
    writer.add(second('second', 'd/first'));
    await writer.finish();
    expect(await inode(top, 'second')).toBe(await inode(top, 'd/first (1)'));
    expect(leftOut).not.toHaveBeenCalled();
  });

  it.each<[string, (top: string) => Promise<unknown>]>([
    ['nothing', () => Promise.resolve()],
    ['a link', (top) => symlink('/etc/hostname', join(top, 'd', 'odd'))],
    ['a directory', (top) => mkdir(join(top, 'd', 'odd'))],
  ])('is left out where the first is %s', async (_, stand) => {
    const { top, writer, leftOut } = await begin();
    await stand(top);
    const before = await namesIn(top);
    writer.add(second('second', 'd/odd'));
    await writer.finish();
    expect(leftOut.mock.calls).toEqual([['second', 'd/odd is not there']]);
    expect(await namesIn(top)).toEqual(before);
  });

  it('never leads out over a link on the way', async () => {
    const { top, writer } = await begin();
    const outside = await temporaryDirectory();
    await writeFile(join(outside, 'secret'), 'secret');
    await symlink(outside, join(top, 'out'));
    writer.add(second('second', 'out/secret'));
    await expect(writer.finish()).rejects.toThrow('cannot write second');
    writer.add(second('out/second', 'd/first'));
    await expect(writer.finish()).rejects.toThrow('cannot write out/second');
    expect([await namesIn(outside), await namesIn(top)]).toEqual([
      ['secret'],
      ['d/', 'd/first', `out -> ${outside}`],
    ]);
  });

  it('takes the place of what stands, or does not where it may not', async () => {
    const replacing = await begin();
    await writeFile(join(replacing.top, 'second'), 'old');
    replacing.writer.add(second('second', 'd/first'));
    await replacing.writer.finish();
    expect(await readFile(join(replacing.top, 'second'), 'utf8')).toBe('content');
    const keeping = await begin({}, false);
    await writeFile(join(keeping.top, 'second'), 'old');
    keeping.writer.add(second('second', 'd/first'));
    await expect(keeping.writer.finish()).rejects.toThrow('cannot write second');
    expect(await readFile(join(keeping.top, 'second'), 'utf8')).toBe('old');
    expect(await namesIn(keeping.top)).toEqual(['d/', 'd/first', 'second']);
  });

  it('is made although a killed try left its temporary name', async () => {
    const { top, writer } = await begin();
    await writeFile(join(top, names.partOf('second')), 'left over');
    writer.add(second('second', 'd/first'));
    await writer.finish();
    expect(await namesIn(top)).toEqual(['d/', 'd/first', 'second']);
  });
});

describe('where hard links cannot be', () => {
  it.each(['EPERM', 'ENOSYS', 'EOPNOTSUPP', 'ENOTSUP', 'EMLINK', 'EXDEV'])(
    'the content is copied, with its mode and time (%s)',
    async (code) => {
      const { top, writer, leftOut } = await begin({ makeHardLink: rejected(code) });
      await chmod(join(top, 'd', 'first'), 0o640);
      await utimes(join(top, 'd', 'first'), 5, 1_000_000_000);
      writer.add(second('second', 'd/first'));
      await writer.finish();
      expect(await readFile(join(top, 'second'), 'utf8')).toBe('content');
      const { mode, mtimeMs, ino } = await lstat(join(top, 'second'));
      expect([mode & 0o7777, mtimeMs, ino === (await inode(top, 'd/first'))]).toEqual([0o640, 1e12, false]);
      expect([await namesIn(top), leftOut.mock.calls]).toEqual([['d/', 'd/first', 'second'], []]);
    },
  );

  it('an empty file is copied too', async () => {
    const { top, writer } = await begin({ makeHardLink: rejected('EPERM') });
    await writeFile(join(top, 'none'), '');
    writer.add(second('second', 'none'));
    await writer.finish();
    expect(await readFile(join(top, 'second'), 'utf8')).toBe('');
  });

  it('a copy that fails leaves nothing behind, open or named', async () => {
    for (const broken of ['copyRegion', 'finishFile'] as const) {
      const { files } = nativeApi();
      const open = new Set<number>();
      const opening = async (fd: Promise<number>) => {
        open.add(await fd);
        return fd;
      };
      const { top, writer } = await begin({
        makeHardLink: rejected('EPERM'),
        createFile: (directory, name) => opening(files.createFile(directory, name)),
        openExisting: (directory, name) => opening(files.openExisting(directory, name)),
        close: (fd) => files.close(fd).finally(() => open.delete(fd)),
        [broken]: rejected('ENOSPC'),
      });
      writer.add(second('second', 'd/first'));
      await expect(writer.finish()).rejects.toEqual(failure('ERR_XFER_NO_SPACE'));
      expect(await namesIn(top)).toEqual(['d/', 'd/first']);
      // finishFile closes what it is given, whatever becomes of it; the one here does nothing.
      expect(open.size).toBe(broken === 'finishFile' ? 1 : 0);
      for (const fd of open) await files.close(fd);
    }
  });

  it('other failures are not hidden by a copy', async () => {
    const copyRegion = vi.fn(nativeApi().files.copyRegion.bind(nativeApi().files));
    const { writer } = await begin({ makeHardLink: rejected('ENOSPC'), copyRegion });
    writer.add(second('second', 'd/first'));
    await expect(writer.finish()).rejects.toEqual(failure('ERR_XFER_NO_SPACE'));
    expect(copyRegion).not.toHaveBeenCalled();
  });
});
