import * as fs from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { FinishFileJob } from '../../src/native/api.js';
import { filesTwin } from '../../src/native/files-twin.js';
import { describeBoth } from './implementations.js';
import { temporaryDirectory } from './seal-jobs.js';

const mtimeNs = 1_700_000_000_123_456_000n;
/** The twin keeps times to the microsecond. */
const wholeMtimeNs = 1_700_000_000_123_456_789n;
const notOpen = 2 ** 31 - 1;
const badNames = ['', '.', '..', 'a/b', '/', '/etc', '../x', 'a\0b', '\0'];

const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'succeeded',
    (error: unknown) => (error as NodeJS.ErrnoException).code ?? (error as Error).name,
  );

describeBoth('files below a held directory', ({ name: implementation, files }) => {
  let outside: string;
  let inside: string;
  let root: number;

  beforeEach(async () => {
    const base = temporaryDirectory();
    outside = join(base, 'outside');
    inside = join(base, 'inside');
    fs.mkdirSync(join(inside, 'sub/deep'), { recursive: true });
    fs.mkdirSync(outside);
    fs.writeFileSync(join(outside, 'secret'), 'secret');
    fs.writeFileSync(join(inside, 'file'), 'old');
    fs.symlinkSync(outside, join(inside, 'link'));
    fs.symlinkSync(join(outside, 'secret'), join(inside, 'filelink'));
    fs.symlinkSync('nowhere', join(inside, 'dangling'));
    root = await files.openRoot(inside);
    onTestFinished(() => files.close(root));
  });

  const finishing = async (change: Partial<FinishFileJob> = {}): Promise<FinishFileJob> => {
    const fd = await files.createFile(root, '.temporary');
    fs.writeSync(fd, 'new');
    const defaults = { directory: root, from: '.temporary', to: 'new', mode: 0o640, mtimeNs };
    return { fd, ...defaults, replace: false, sync: false, ...change };
  };
  const isOpen = (fd: number): boolean => {
    try {
      fs.fstatSync(fd);
      return true;
    } catch {
      return false;
    }
  };

  describe('openRoot', () => {
    it('follows the links of its own path', async () => {
      const link = await files.openRoot(join(inside, 'link'));
      expect(fs.fstatSync(link).ino).toBe(fs.statSync(outside).ino);
      await files.close(link);
    });

    it('refuses what is no directory', async () => {
      expect(await codeOf(files.openRoot(join(inside, 'file')))).toBe('ENOTDIR');
      expect(await codeOf(files.openRoot(join(inside, 'none')))).toBe('ENOENT');
      expect(await codeOf(files.openRoot(`${inside}\0`))).toBe('EINVAL');
      expect(await codeOf(files.openRoot(''))).toBe('ENOENT');
    });
  });

  describe('openDirectory', () => {
    it('opens directories at any depth', async () => {
      for (const path of ['sub', 'sub/deep']) {
        const fd = await files.openDirectory(root, path);
        expect(fs.fstatSync(fd).ino).toBe(fs.statSync(join(inside, path)).ino);
        await files.close(fd);
      }
    });

    it.each([
      ['link', ['ELOOP', 'ENOTDIR']],
      ['dangling', ['ELOOP', 'ENOTDIR']],
      ['link/x', ['ELOOP', 'ENOTDIR']],
      ['file', ['ENOTDIR']],
      ['file/x', ['ENOTDIR']],
      ['none', ['ENOENT']],
      ['..', ['EXDEV']],
      ['../outside', ['EXDEV']],
      ['sub/../..', ['EXDEV']],
      ['sub/..', ['EXDEV']],
      ['/', ['EXDEV']],
      ['/etc', ['EXDEV']],
      ['', ['EINVAL']],
      ['.', ['EINVAL']],
      ['sub/', ['EINVAL']],
      ['sub//deep', ['EINVAL']],
      ['sub/./deep', ['EINVAL']],
      ['sub\0', ['EINVAL']],
      ['n'.repeat(256), ['ENAMETOOLONG']],
    ])('refuses %j', async (path, codes) => {
      expect(codes).toContain(await codeOf(files.openDirectory(root, path)));
    });

    it('keeps the directory that it opened when a link takes its place', async () => {
      const held = await files.openDirectory(root, 'sub');
      fs.renameSync(join(inside, 'sub'), join(inside, 'moved'));
      fs.symlinkSync(outside, join(inside, 'sub'));
      const fd = await files.createFile(held, 'x');
      await files.finishFile({
        fd,
        directory: held,
        from: 'x',
        to: 'y',
        mode: 0o600,
        mtimeNs,
        replace: false,
        sync: false,
      });
      await files.makeDirectory(held, 'd', 0o700);
      await files.makeLink(held, { name: 'l', temporary: 't', target: 'y', mtimeNs, replace: false });
      expect(fs.readdirSync(join(inside, 'moved')).sort()).toEqual(['d', 'deep', 'l', 'y']);
      expect(fs.readdirSync(outside)).toEqual(['secret']);
      await files.close(held);
    });
  });

  it.each(badNames)('takes no name like %j', async (name) => {
    expect(await codeOf(files.makeDirectory(root, name, 0o700))).toBe('EINVAL');
    expect(await codeOf(files.createFile(root, name))).toBe('EINVAL');
    expect(await codeOf(files.remove(root, name))).toBe('EINVAL');
    expect(await codeOf(files.kindOf(root, name))).toBe('EINVAL');
    const link = { name: 'l', temporary: 't', target: 'x', mtimeNs, replace: true };
    expect(await codeOf(files.makeLink(root, { ...link, name }))).toBe('EINVAL');
    expect(await codeOf(files.makeLink(root, { ...link, temporary: name }))).toBe('EINVAL');
    for (const change of [{ from: name }, { to: name }]) {
      const job = await finishing(change);
      expect(await codeOf(files.finishFile(job))).toBe('EINVAL');
      expect(isOpen(job.fd)).toBe(false);
      await files.remove(root, '.temporary');
    }
    expect(fs.readdirSync(inside).sort()).toEqual(['dangling', 'file', 'filelink', 'link', 'sub']);
  });

  describe('makeDirectory', () => {
    it('tells a new directory from one that was there', async () => {
      expect(await files.makeDirectory(root, 'made', 0o700)).toBe(true);
      expect(fs.statSync(join(inside, 'made')).mode & 0o777).toBe(0o700);
      expect(await files.makeDirectory(root, 'made', 0o700)).toBe(false);
    });

    it.each(['file', 'link', 'filelink', 'dangling'])('is EEXIST where %s stands', async (name) => {
      expect(await codeOf(files.makeDirectory(root, name, 0o700))).toBe('EEXIST');
    });
  });

  describe('createFile', () => {
    it('makes a file for its owner alone', async () => {
      const fd = await files.createFile(root, 'made');
      expect(fs.fstatSync(fd).mode & 0o777).toBe(0o600);
      expect(fs.writeSync(fd, 'x')).toBe(1);
      expect(fs.readFileSync(fd, { encoding: 'latin1' })).toBe('');
      await files.close(fd);
    });

    it.each(['file', 'link', 'filelink', 'dangling', 'sub'])('is EEXIST where %s stands', async (name) => {
      expect(await codeOf(files.createFile(root, name))).toBe('EEXIST');
      expect(fs.existsSync(join(inside, 'nowhere'))).toBe(false);
    });
  });

  describe('finishFile', () => {
    it.each([true, false])('sets mode and time, renames and closes (sync %s)', async (sync) => {
      const job = await finishing({ sync });
      await files.finishFile(job);
      const found = fs.lstatSync(join(inside, 'new'), { bigint: true });
      expect([found.mode & 0o777n, found.mtimeNs, found.size]).toEqual([0o640n, mtimeNs, 3n]);
      expect([isOpen(job.fd), fs.existsSync(join(inside, '.temporary'))]).toEqual([false, false]);
    });

    it.each([0n, 1n, 999_999_999n, wholeMtimeNs, -1n, -1_500_000_000n])(
      'keeps the time %s ns',
      async (time) => {
        await files.finishFile(await finishing({ mtimeNs: time }));
        const kept = fs.lstatSync(join(inside, 'new'), { bigint: true }).mtimeNs;
        if (implementation === 'addon') expect(kept).toBe(time);
        else expect([kept <= time, time - kept < 1000n]).toEqual([true, true]);
      },
    );

    it.each(['file', 'filelink', 'link', 'dangling'])('replaces %s only when told', async (to) => {
      expect(await codeOf(files.finishFile(await finishing({ to })))).toBe('EEXIST');
      expect(fs.readFileSync(join(outside, 'secret'), 'utf8')).toBe('secret');
      await files.remove(root, '.temporary');
      await files.finishFile(await finishing({ to, replace: true }));
      expect(fs.lstatSync(join(inside, to)).isFile()).toBe(true);
      expect(fs.readFileSync(join(inside, to), 'utf8')).toBe('new');
      expect(fs.readFileSync(join(outside, 'secret'), 'utf8')).toBe('secret');
    });

    it.each([true, false])('is EISDIR where a directory stands (replace %s)', async (replace) => {
      fs.mkdirSync(join(inside, 'empty'));
      for (const to of ['sub', 'empty']) {
        const job = await finishing({ to, replace });
        expect(await codeOf(files.finishFile(job))).toBe('EISDIR');
        expect(isOpen(job.fd)).toBe(false);
        await files.remove(root, '.temporary');
      }
      expect(fs.statSync(join(inside, 'sub/deep')).isDirectory()).toBe(true);
    });

    it('closes the descriptor whatever is wrong', async () => {
      const wrong: readonly [object, string][] = [
        [{ from: 'none' }, 'ENOENT'],
        [{ directory: notOpen }, 'EBADF'],
        [{ directory: -1 }, 'RangeError'],
        [{ mode: 0o1000 }, 'RangeError'],
        [{ mode: '600' }, 'TypeError'],
        [{ mtimeNs: 5 }, 'TypeError'],
        [{ mtimeNs: 2n ** 63n }, 'RangeError'],
        [{ to: 7 }, 'TypeError'],
        [{ replace: undefined }, 'TypeError'],
        [{ sync: 'no' }, 'TypeError'],
      ];
      for (const [change, code] of wrong) {
        const job = await finishing(change);
        expect(await codeOf(files.finishFile(job)), JSON.stringify(Object.keys(change))).toBe(code);
        expect(isOpen(job.fd)).toBe(false);
        await files.remove(root, '.temporary');
      }
      expect(await codeOf(files.finishFile({ ...(await finishing()), fd: notOpen }))).toBe('EBADF');
    });
  });

  describe('makeLink', () => {
    const link = { name: 'made', temporary: '.temporary', target: '../any where', mtimeNs, replace: false };

    it('makes a link with its own time and leaves its target alone', async () => {
      await files.makeLink(root, link);
      expect(fs.readlinkSync(join(inside, 'made'))).toBe('../any where');
      expect(fs.lstatSync(join(inside, 'made'), { bigint: true }).mtimeNs).toBe(mtimeNs);
    });

    it.each(['file', 'filelink', 'link', 'dangling'])('replaces %s only when told', async (name) => {
      expect(await codeOf(files.makeLink(root, { ...link, name }))).toBe('EEXIST');
      expect(fs.existsSync(join(inside, '.temporary'))).toBe(false);
      await files.makeLink(root, { ...link, name, replace: true });
      expect(fs.readlinkSync(join(inside, name))).toBe('../any where');
      expect(fs.readdirSync(outside)).toEqual(['secret']);
    });

    it('is EISDIR where a directory stands, and leaves nothing behind', async () => {
      for (const replace of [true, false]) {
        expect(await codeOf(files.makeLink(root, { ...link, name: 'sub', replace }))).toBe('EISDIR');
        expect(fs.readdirSync(inside)).not.toContain('.temporary');
      }
      expect(await codeOf(files.makeLink(root, { ...link, target: 'a\0b' }))).toBe('EINVAL');
      expect(await codeOf(files.makeLink(root, { ...link, target: '' }))).toBe('ENOENT');
    });
  });

  it('finishDirectory sets mode and time of the held directory', async () => {
    const held = await files.openDirectory(root, 'sub');
    await files.finishDirectory(held, 0o750, mtimeNs);
    const found = fs.statSync(join(inside, 'sub'), { bigint: true });
    expect([found.mode & 0o777n, found.mtimeNs]).toEqual([0o750n, mtimeNs]);
    await files.close(held);
  });

  it('remove unlinks links and files and never a directory', async () => {
    expect(await files.remove(root, 'link')).toBe(true);
    expect(await files.remove(root, 'filelink')).toBe(true);
    expect(await files.remove(root, 'file')).toBe(true);
    expect(await files.remove(root, 'file')).toBe(false);
    expect(await codeOf(files.remove(root, 'sub'))).toBe('EISDIR');
    expect(fs.readdirSync(outside)).toEqual(['secret']);
  });

  it('kindOf tells what stands there, links not followed', async () => {
    const names = ['file', 'sub', 'link', 'filelink', 'dangling', 'none'];
    const kinds = await Promise.all(names.map((name) => files.kindOf(root, name)));
    expect(kinds).toEqual(['file', 'directory', 'link', 'link', 'link', undefined]);
    const dev = await files.openRoot('/dev');
    expect(await files.kindOf(dev, 'null')).toBe('other');
    await files.close(dev);
  });

  it('says EBADF of descriptors that are not open', async () => {
    const link = { name: 'l', temporary: 't', target: 'x', mtimeNs, replace: true };
    const calls = [
      files.openDirectory(notOpen, 'sub'),
      files.makeDirectory(notOpen, 'd', 0o700),
      files.createFile(notOpen, 'f'),
      files.makeLink(notOpen, link),
      files.finishDirectory(notOpen, 0o700, mtimeNs),
      files.remove(notOpen, 'file'),
      files.kindOf(notOpen, 'file'),
      files.close(notOpen),
    ];
    expect(await Promise.all(calls.map(codeOf))).toEqual(calls.map(() => 'EBADF'));
  });

  it('rejects arguments of a wrong shape', async () => {
    const wrong = [undefined, null, '3', 1.5, -1, NaN, 2 ** 31] as number[];
    for (const fd of wrong) {
      const calls = [
        files.openDirectory(fd, 'sub'),
        files.createFile(fd, 'f'),
        files.kindOf(fd, 'f'),
        files.close(fd),
      ];
      for (const code of await Promise.all(calls.map(codeOf))) expect(code).toMatch(/^(Type|Range)Error$/);
    }
    for (const name of [undefined, null, 5, {}] as unknown as string[]) {
      const calls = [files.openRoot(name), files.openDirectory(root, name), files.remove(root, name)];
      expect(await Promise.all(calls.map(codeOf))).toEqual(calls.map(() => 'TypeError'));
    }
  });
});

describe('without /proc', () => {
  it.each(['/nonexistent/fd', '/tmp'])('the twin refuses to write (%s)', async (descriptors) => {
    const files = filesTwin(descriptors);
    expect(await codeOf(files.openRoot('/tmp'))).toBe('ERR_XFER_NO_SAFE_WRITE');
    expect(await codeOf(files.createFile(3, 'x'))).toBe('ERR_XFER_NO_SAFE_WRITE');
    expect(fs.existsSync('/tmp/3')).toBe(false);
  });
});
