import { execFileSync } from 'node:child_process';
import { lstatSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { lstat, mkdir, symlink, truncate, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { filesTwin } from '../../../src/native/files-twin.js';
import { failure } from './rogue-kit.js';
import { filterOf, scanned } from './scan-kit.js';
import { temporaryDirectory } from './transfer-kit.js';

const isLinux = process.platform === 'linux';
const calls = filesTwin();
let top: string;
beforeEach(async () => {
  top = await temporaryDirectory();
});

const make = (count: number) =>
  Promise.all(Array.from({ length: count }, (_, n) => writeFile(join(top, `file-${n}`), '')));

describe('a large directory', () => {
  it('is listed whole, each entry once', async () => {
    await make(2500);
    const { paths, problems } = await scanned([top]);
    expect(new Set(paths).size).toBe(2501);
    expect(paths).toHaveLength(2501);
    expect(problems).toEqual([]);
  });

  it.each([1, 7, 2500, 2501, 10_000])('comes in chunks of %i at most, sorted within each', async (most) => {
    const count = most === 1 ? 20 : 2500;
    await make(count);
    const fd = await calls.openListing(top);
    const seen: string[] = [];
    for (let isLast = false; !isLast;) {
      const chunk = await calls.list(fd, most);
      expect(chunk.names.length).toBeLessThanOrEqual(most);
      expect([...chunk.names].sort()).toEqual(chunk.names);
      seen.push(...chunk.names);
      isLast = chunk.isLast;
    }
    await calls.close(fd);
    expect(new Set(seen).size).toBe(count);
    expect(seen).toHaveLength(count);
  });
});

describe('listing calls', () => {
  it('open directories alone, and wait for no pipe', async () => {
    execFileSync('mkfifo', [join(top, 'fifo')]);
    await writeFile(join(top, 'file'), '');
    for (const [name, code] of [
      ['fifo', 'ENOTDIR'],
      ['file', 'ENOTDIR'],
      ['none', 'ENOENT'],
    ] as const)
      await expect(calls.openListing(join(top, name))).rejects.toMatchObject({ code });
    await expect(calls.list(2 ** 20, 1)).rejects.toMatchObject({ code: 'EBADF' });
  });

  it('know which directory is open', async () => {
    const fd = await calls.openListing(top);
    const { dev, ino } = statSync(top, { bigint: true });
    expect(await calls.stampOf(fd)).toMatchObject({ dev, ino });
    await calls.close(fd);
    await expect(calls.stampOf(fd)).rejects.toMatchObject({ code: 'EBADF' });
  });
});

describe('names', () => {
  it('of any characters are sent', async () => {
    const names = ['a\nb', 'größe', '\u{fffd}', '\u{1f600}', '日本', ' ', '-x', '\u0007'];
    for (const name of names) await writeFile(join(top, name), '');
    const { paths, problems } = await scanned([top]);
    expect(paths.slice(1).sort()).toEqual(names.map((name) => `${basename(top)}/${name}`).sort());
    expect(problems).toEqual([]);
  });

  it.skipIf(!isLinux)('that are not UTF-8 are told, and the rest is sent (needs Linux)', async () => {
    const bytes = (name: string) => Buffer.concat([Buffer.from(`${top}/`), Buffer.from(name, 'latin1')]);
    await writeFile(bytes('caf\xe9'), '');
    await mkdir(bytes('\xff\xfe'));
    await writeFile(join(top, 'caf\u{fffd}'), '');
    await symlink(Buffer.from([0xc3, 0x28]), join(top, 'link'));
    const { paths, problems } = await scanned([top]);
    expect(paths.slice(1)).toEqual([`${basename(top)}/caf\u{fffd}`]);
    const failed = failure('ERR_XFER_UNSUPPORTED_FILE');
    expect(problems).toEqual([failed, failed, failed]);
    const told = problems.map(({ message }) => message).join('\n');
    for (const name of ['caf\u{fffd}', '\u{fffd}\u{fffd}', 'link']) expect(told).toContain(join(top, name));
  });
});

describe('a stamp', () => {
  it.each(['@-1.25', '@-9000000000.5', '@0', '@1700000000.123456789'])(
    'is what the system says, of %s too',
    async (time) => {
      await writeFile(join(top, 'file'), '');
      await truncate(join(top, 'file'), 5e9);
      await symlink('file', join(top, 'link'));
      execFileSync('touch', ['-h', '-d', time, join(top, 'file'), join(top, 'link')]);
      const { entries } = await scanned([top]);
      for (const { source, stamp, kind } of entries) {
        const { dev, ino, size, mtimeNs, ctimeNs } = await lstat(source, { bigint: true });
        expect(stamp).toEqual({ dev, ino, size: kind === 0 ? Number(size) : 0, mtimeNs, ctimeNs });
      }
      expect(entries).toHaveLength(3);
    },
  );
});

/** A file system of its own that every Linux has, in a directory that is on another one. */
const canCross = (() => {
  try {
    return isLinux && lstatSync('/dev').dev !== lstatSync('/dev/shm').dev;
  } catch {
    return false;
  }
})();

describe.skipIf(!canCross)('other file systems (needs /dev/shm)', () => {
  it('are entered, or sent as empty directories', async () => {
    const inside = mkdtempSync('/dev/shm/xfer-unit-');
    onTestFinished(() => rmSync(inside, { recursive: true }));
    const path = inside.slice(1);
    const filter = filterOf('/dev/*', '!/dev/shm', '/dev/shm/*', `!/${path}`);
    expect((await scanned(['/dev'], { filter })).paths).toEqual(['dev', 'dev/shm', path]);
    const { paths } = await scanned(['/dev'], { filter, oneFileSystem: true });
    expect(paths).toEqual(['dev', 'dev/shm']);
    const below = filterOf('/shm/*', `!${path.slice(3)}`);
    expect((await scanned(['/dev/shm'], { filter: below, oneFileSystem: true })).paths).toHaveLength(2);
  });
});
