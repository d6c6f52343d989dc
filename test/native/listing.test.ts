import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { listingProblem, type FilesApi, type Listing } from '../../src/native/api.js';
import { codeOf, heldTree, notOpen } from './held-tree.js';
import { describeAddon, describeBoth, twin } from './implementations.js';
import { temporaryDirectory } from './seal-jobs.js';

const columns = 14;
const problemOf = ({ numbers }: Listing, i: number): number => numbers[columns * i + 13] ?? NaN;

async function opened(files: FilesApi, path: string): Promise<number> {
  const fd = await files.openListing(path);
  onTestFinished(() => files.close(fd));
  return fd;
}

async function whole(files: FilesApi, fd: number, most: number): Promise<Listing[]> {
  const chunks: Listing[] = [];
  do chunks.push(await files.list(fd, most));
  while (chunks.at(-1)?.isLast === false);
  return chunks;
}

/** `count` files with names of several lengths. */
function fill(count: number): { directory: string; names: string[] } {
  const directory = temporaryDirectory();
  const names = Array.from({ length: count }, (_, i) => `${'n'.repeat((i * 37) % 240)}-${i}`);
  for (const name of names) fs.writeFileSync(join(directory, name), name);
  return { directory, names };
}

describeBoth('a listing', ({ files }) => {
  it('says of each entry what lstat says, links not followed', async () => {
    const { inside, outside, root } = await heldTree(files);
    fs.utimesSync(join(inside, 'file'), 1, -1.5);
    const listing = await files.list(root, 100);
    expect(listing.names).toEqual(['dangling', 'fifo', 'file', 'filelink', 'link', 'sub']);
    listing.names.forEach((name, i) => {
      const found = fs.lstatSync(join(inside, name), { bigint: true });
      const [
        mode,
        size,
        mtime = 0,
        mtimeRest = 0,
        ctime = 0,
        ctimeRest = 0,
        dev,
        high = 0,
        low = 0,
        ...rest
      ] = listing.numbers.subarray(columns * i, columns * (i + 1));
      expect([mode, size, dev]).toEqual([found.mode, found.size, found.dev].map(Number));
      expect(BigInt(mtime) * 10n ** 9n + BigInt(mtimeRest)).toBe(found.mtimeNs);
      expect(BigInt(ctime) * 10n ** 9n + BigInt(ctimeRest)).toBe(found.ctimeNs);
      expect(BigInt(high) * 2n ** 32n + BigInt(low)).toBe(found.ino);
      expect(rest).toEqual([...[found.nlink, found.uid, found.gid, found.blocks].map(Number), 0]);
    });
    expect([...listing.targets]).toEqual([
      [0, 'nowhere'],
      [3, join(outside, 'secret')],
      [4, outside],
    ]);
  });

  it('of an empty directory is empty and the last', async () => {
    const fd = await opened(files, temporaryDirectory());
    expect(await files.list(fd, 10)).toEqual({
      names: [],
      numbers: new Float64Array(),
      targets: new Map(),
      isLast: true,
    });
  });

  it.each([1, 2, 7, 99, 100, 500, 65536])('gives every entry once in chunks of %i', async (most) => {
    const { directory, names } = fill(500);
    const fd = await opened(files, directory);
    const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
    for (let round = 0; round < 2; round++) {
      const chunks = await whole(files, fd, most);
      expect(chunks.every((chunk) => chunk.names.length <= most)).toBe(true);
      expect(chunks.every((chunk) => [...chunk.names].sort(byBytes).join() === chunk.names.join())).toBe(
        true,
      );
      expect(chunks.flatMap((chunk) => chunk.names).sort()).toEqual([...names].sort());
    }
  });

  it('goes on where another descriptor of the same directory does not', async () => {
    const { directory, names } = fill(50);
    const [one, other] = [await opened(files, directory), await opened(files, directory)];
    const first = await files.list(one, 20);
    expect((await whole(files, other, 20)).flatMap((chunk) => chunk.names)).toHaveLength(50);
    const rest = await whole(files, one, 20);
    const all = [first, ...rest].flatMap((chunk) => chunk.names);
    expect(all.sort()).toEqual(names.sort());
  });

  it('begins anew in a directory that got the descriptor of one that was closed', async () => {
    const { directory } = fill(30);
    const first = await files.openListing(directory);
    await files.list(first, 10);
    await files.close(first);
    const second = await opened(files, fill(12).directory);
    expect((await whole(files, second, 10)).flatMap((chunk) => chunk.names)).toHaveLength(12);
  });

  it('keeps names and targets apart that are no text', async () => {
    const directory = temporaryDirectory();
    const path = (name: Buffer): Buffer => Buffer.concat([Buffer.from(`${directory}/`), name]);
    const bad = [
      [0xff],
      [0x61, 0x80],
      [0xc0, 0xaf],
      [0xed, 0xa0, 0x80],
      [0xf4, 0x90, 0x80, 0x80],
      [0xe2, 0x82],
    ];
    for (const bytes of bad) fs.writeFileSync(path(Buffer.from(bytes)), '');
    const good = ['\ufffd', 'é', '€', '\u{10ffff}', '\ufeff', '\u0001\n'];
    for (const name of good) fs.writeFileSync(path(Buffer.from(name)), '');
    fs.symlinkSync(Buffer.from([0x78, 0xff]), join(directory, 'to-no-text'));
    const fd = await opened(files, directory);
    const listing = await files.list(fd, 100);
    const text = listing.names.filter((_, i) => problemOf(listing, i) === 0);
    expect(text.sort()).toEqual([...good].sort());
    listing.names.forEach((name, i) => {
      if (good.includes(name) && problemOf(listing, i) === 0) return;
      expect(problemOf(listing, i)).toBe(listingProblem.notText);
      const mode = listing.numbers[columns * i] ?? NaN;
      if (name === 'to-no-text') expect(mode & fs.constants.S_IFMT).toBe(fs.constants.S_IFLNK);
      else expect([mode, name.includes('\ufffd')]).toEqual([0, true]);
    });
    expect(listing.names).toHaveLength(bad.length + good.length + 1);
    expect(listing.targets.size).toBe(0);
  });

  it('stays in the directory that a link has taken the place of', async () => {
    const { inside, outside, root } = await heldTree(files);
    const held = await files.openDirectory(root, 'sub');
    onTestFinished(() => files.close(held));
    fs.renameSync(join(inside, 'sub'), join(inside, 'moved'));
    fs.symlinkSync(outside, join(inside, 'sub'));
    expect((await files.list(held, 10)).names).toEqual(['deep']);
  });

  it('is of directories alone, and of numbers that make sense', async () => {
    const { inside, root } = await heldTree(files);
    expect(await codeOf(files.openListing(join(inside, 'file')))).toBe('ENOTDIR');
    expect(await codeOf(files.openListing(join(inside, 'none')))).toBe('ENOENT');
    expect(await codeOf(files.openListing(`${inside}\0`))).toBe('EINVAL');
    const link = await opened(files, join(inside, 'link'));
    expect((await files.list(link, 10)).names).toEqual(['secret']);
    const file = await files.openExisting(root, 'file');
    onTestFinished(() => files.close(file));
    expect(await codeOf(files.list(file, 10))).toBe('ENOTDIR');
    expect(await codeOf(files.list(notOpen, 10))).toBe('EBADF');
    for (const most of [0, -1, 65537, 1.5, NaN, '1', undefined] as number[])
      expect(await codeOf(files.list(root, most))).toMatch(/^(Type|Range)Error$/);
  });
});

describeAddon('the addon and its twin', (native) => {
  it('list the same', async () => {
    const { directory } = fill(300);
    fs.symlinkSync('somewhere', join(directory, 'link'));
    const one = await native.files.list(await opened(native.files, directory), 1000);
    const other = await twin.files.list(await opened(twin.files, directory), 1000);
    expect(one).toEqual(other);
  });
});
