import * as fs from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { WatchedFile, WriteFilesJob } from '../../src/native/api.js';
import { codeOf, heldTree, type HeldTree } from './held-tree.js';
import { describeBoth } from './implementations.js';
import { pattern } from './seal-jobs.js';

const most = 64 * 1024;
const room = (): Buffer => Buffer.alloc(most);

describeBoth('a small file', ({ files }) => {
  let tree: HeldTree;
  const inside = (name: string): string => join(tree.inside, name);

  beforeEach(async () => {
    tree = await heldTree(files);
  });

  describe('that is read', () => {
    it.each([0, 1, 4096, most])('comes whole, %i bytes of it', async (bytes) => {
      fs.writeFileSync(inside('small'), pattern(bytes));
      const { content } = await files.readSmall(inside('small'), room());
      expect(Buffer.from(content ?? 'nothing').equals(pattern(bytes))).toBe(true);
    });

    it('comes with what a listing says of it', async () => {
      fs.writeFileSync(inside('small'), 'abc', { mode: 0o640 });
      fs.utimesSync(inside('small'), 1, new Date(-1500));
      const fd = await files.openListing(tree.inside);
      onTestFinished(() => files.close(fd));
      const { names, numbers } = await files.list(fd, 100);
      const at = 14 * names.indexOf('small');
      expect((await files.readSmall(inside('small'), room())).numbers).toEqual(numbers.slice(at, at + 14));
    });

    it('is what a link leads to', async () => {
      const { content, numbers } = await files.readSmall(inside('filelink'), room());
      expect(Buffer.from(content ?? []).toString()).toBe('secret');
      expect(numbers[8]).toBe(fs.statSync(join(tree.outside, 'secret')).ino);
    });

    it('is told of and not read where it is larger than wanted', async () => {
      fs.writeFileSync(inside('large'), Buffer.alloc(most + 1));
      const { content, numbers } = await files.readSmall(inside('large'), room());
      expect([content, numbers[1]]).toEqual([undefined, most + 1]);
    });

    it('is neither a directory nor a fifo, which is not opened', async () => {
      expect((await files.readSmall(inside('sub'), room())).content).toBeUndefined();
      const reading = files.readSmall(inside('fifo'), room());
      const { O_NONBLOCK, O_WRONLY } = fs.constants;
      for (let looks = 0; looks < 100; looks++)
        expect(() => fs.openSync(inside('fifo'), O_WRONLY | O_NONBLOCK)).toThrow('ENXIO');
      expect((await reading).content).toBeUndefined();
    });

    it.each([
      ['nothing', 'ENOENT'],
      ['dangling', 'ENOENT'],
      ['file/x', 'ENOTDIR'],
      ['a\0b', 'EINVAL'],
    ])('%j rejects with %s', async (name, code) => {
      expect(await codeOf(files.readSmall(inside(name), room()))).toBe(code);
    });

    it('has no more than a mebibyte', async () => {
      expect(await codeOf(files.readSmall(inside('file'), Buffer.alloc(2 ** 20 + 1)))).toBe('RangeError');
      expect(await codeOf(files.readSmall(inside('file'), 7 as unknown as Buffer))).toBe('TypeError');
      expect(await codeOf(files.readSmall(7 as unknown as string, room()))).toBe('TypeError');
    });
  });

  describe('that is written while another one is what it was', () => {
    const watchedNow = (path: string): WatchedFile => {
      const { dev, ino, size, mtimeNs, ctimeNs } = fs.statSync(path, { bigint: true });
      return { path, state: BigInt64Array.of(dev, ino, size, mtimeNs, ctimeNs) };
    };
    const job = (watched: WatchedFile): WriteFilesJob => ({
      buffer: Buffer.from('new'),
      names: ['new'],
      numbers: Float64Array.of(tree.root, 0, 3, 0o600, -1, -1, 1),
      mtimesNs: BigInt64Array.of(0n),
      temporaryPrefix: '.temporary-',
      watched,
    });

    it('stands there', async () => {
      expect([...(await files.writeFiles(job(watchedNow(inside('file'))))).errors]).toEqual([0]);
      expect(fs.readFileSync(inside('new'), 'utf8')).toBe('new');
    });

    it.each<[string, (path: string) => void]>([
      ['is longer', (path) => fs.appendFileSync(path, 'x')],
      ['has another time', (path) => fs.utimesSync(path, 1, 1)],
      ['may be read by others', (path) => fs.chmodSync(path, 0o606)],
      ['is gone', (path) => fs.unlinkSync(path)],
      [
        'was replaced by one like it',
        (path) => {
          const { atime, mtime } = fs.statSync(path);
          fs.writeFileSync(`${path}-2`, fs.readFileSync(path));
          fs.utimesSync(`${path}-2`, atime, mtime);
          fs.renameSync(`${path}-2`, path);
        },
      ],
    ])('is not written where it %s', async (_, change) => {
      const watched = watchedNow(inside('file'));
      // Kernels before 6.13 give all changes within some milliseconds one ctime.
      await new Promise((resolve) => setTimeout(resolve, 20));
      change(inside('file'));
      expect(await codeOf(files.writeFiles(job(watched)))).toBe('ESTALE');
      expect(fs.existsSync(inside('new'))).toBe(false);
    });

    it('rejects what is no state', async () => {
      const { path, state } = watchedNow(inside('file'));
      expect(await codeOf(files.writeFiles(job({ path, state: state.subarray(1) })))).toBe('RangeError');
      expect(await codeOf(files.writeFiles(job({ path, state: [] as unknown as BigInt64Array })))).toBe(
        'TypeError',
      );
      expect(await codeOf(files.writeFiles(job({ path: 7 as unknown as string, state })))).toBe('TypeError');
      expect(fs.existsSync(inside('new'))).toBe(false);
    });
  });
});
