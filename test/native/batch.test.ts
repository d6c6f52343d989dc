import * as fs from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import type { WriteFilesJob } from '../../src/native/api.js';
import { codeOf, heldTree, notOpen, type HeldTree } from './held-tree.js';
import { describeBoth } from './implementations.js';

const mtimeNs = 1_700_000_000_123_456_000n;
const isRoot = process.getuid?.() === 0;

interface Wanted {
  readonly name: string;
  readonly content?: string;
  readonly directory?: number;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly replace?: boolean;
}

describeBoth('a batch of files', ({ files }) => {
  let tree: HeldTree;
  const inside = (name: string): string => join(tree.inside, name);

  beforeEach(async () => {
    tree = await heldTree(files);
  });

  const batch = (wanted: readonly Wanted[]): WriteFilesJob => {
    let at = 0;
    const numbers = wanted.flatMap(({ content = 'new', directory = tree.root, ...rest }) => {
      const offset = at;
      at += content.length;
      const { mode = 0o640, uid = -1, gid = -1, replace = false } = rest;
      return [directory, offset, content.length, mode, uid, gid, Number(replace)];
    });
    return {
      buffer: Buffer.from(wanted.map(({ content = 'new' }) => content).join(''), 'latin1'),
      names: wanted.map(({ name }) => name),
      numbers: Float64Array.from(numbers),
      mtimesNs: new BigInt64Array(wanted.length).fill(mtimeNs),
      temporaryPrefix: '.temporary-',
    };
  };
  const written = async (
    wanted: readonly Wanted[],
  ): Promise<{ codes: (string | 0)[]; stamps: BigInt64Array }> => {
    const { errors, stamps } = await files.writeFiles(batch(wanted));
    expect(fs.readdirSync(tree.inside).filter((name) => name.startsWith('.temporary'))).toEqual([]);
    return { codes: [...errors].map((error) => (error === 0 ? 0 : files.errnoName(error))), stamps };
  };

  it('is written whole, in several directories, with mode, time and stamp', async () => {
    const sub = await files.openDirectory(tree.root, 'sub');
    onTestFinished(() => files.close(sub));
    const large = 'l'.repeat(300_000);
    const { codes, stamps } = await written([
      { name: 'one', content: 'first' },
      { name: 'empty', content: '', mode: 0o444 },
      { name: 'one', content: large, directory: sub, mode: 0o600 },
      { name: 'ünïcode', content: 'u' },
    ]);
    expect(codes).toEqual([0, 0, 0, 0]);
    const names = ['one', 'empty', 'sub/one', 'ünïcode'];
    expect(names.map((name) => fs.readFileSync(inside(name), 'latin1'))).toEqual(['first', '', large, 'u']);
    const found = names.map((name) => fs.lstatSync(inside(name), { bigint: true }));
    expect(found.map(({ mode }) => Number(mode & 0o777n))).toEqual([0o640, 0o444, 0o600, 0o640]);
    expect(found.every((one) => one.mtimeNs === mtimeNs)).toBe(true);
    expect([...stamps]).toEqual(found.flatMap(({ dev, ino, ctimeNs }) => [dev, ino, ctimeNs]));
  });

  it('may be empty', async () => {
    expect(await written([])).toEqual({ codes: [], stamps: new BigInt64Array() });
  });

  it.each(['file', 'filelink', 'link', 'dangling', 'fifo'])('replaces %s only when told', async (name) => {
    const before = fs.lstatSync(inside(name)).ino;
    expect((await written([{ name }, { name: 'next' }])).codes).toEqual(['EEXIST', 0]);
    expect(fs.lstatSync(inside(name)).ino).toBe(before);
    expect((await written([{ name, replace: true }])).codes).toEqual([0]);
    expect(fs.lstatSync(inside(name)).isFile()).toBe(true);
    expect(fs.readFileSync(inside(name), 'utf8')).toBe('new');
    expect(fs.readdirSync(tree.outside)).toEqual(['secret']);
    expect(fs.readFileSync(join(tree.outside, 'secret'), 'utf8')).toBe('secret');
    expect(fs.existsSync(inside('nowhere'))).toBe(false);
  });

  it('leaves out what cannot be and writes the rest', async () => {
    const wanted = [
      { name: 'first' },
      { name: '' },
      { name: '.' },
      { name: '..' },
      { name: 'a/b' },
      { name: '../outside/x' },
      { name: '/etc/x' },
      { name: 'a\0b' },
      { name: 'sub' },
      { name: 'sub', replace: true },
      { name: 'n'.repeat(256) },
      { name: 'gone', directory: notOpen },
      { name: 'last' },
    ];
    const { codes, stamps } = await written(wanted);
    expect(codes).toEqual([
      0,
      ...Array.from({ length: 7 }, () => 'EINVAL'),
      'EISDIR',
      'EISDIR',
      'ENAMETOOLONG',
      'EBADF',
      0,
    ]);
    expect([...stamps.subarray(3, 36)].every((number) => number === 0n)).toBe(true);
    expect(fs.readFileSync(inside('last'), 'utf8')).toBe('new');
    expect(fs.readdirSync(tree.outside)).toEqual(['secret']);
  });

  it('never writes through what stands at a temporary name', async () => {
    fs.symlinkSync(join(tree.outside, 'secret'), inside('.temporary-0'));
    fs.symlinkSync('nowhere', inside('.temporary-1'));
    // Where no name is taken none but the real one may be needed.
    for (const name of ['a', 'b', 'c']) fs.writeFileSync(inside(name), 'old');
    const wanted = ['a', 'b', 'c'].map((name) => ({ name, replace: true }));
    const { errors } = await files.writeFiles(batch(wanted));
    expect([...errors].map((error) => error && files.errnoName(error))).toEqual(['EEXIST', 'EEXIST', 0]);
    expect(fs.readFileSync(join(tree.outside, 'secret'), 'utf8')).toBe('secret');
    expect(fs.readlinkSync(inside('.temporary-1'))).toBe('nowhere');
    expect(fs.existsSync(inside('nowhere'))).toBe(false);
    for (const temporaryPrefix of ['../', 'sub/', '/tmp/', 'x\0']) {
      const refused = await files.writeFiles({ ...batch([{ name: 'a' }]), temporaryPrefix });
      expect(files.errnoName(refused.errors[0] ?? 0)).toBe('EINVAL');
    }
  });

  it('needs no temporary name where it says so and nothing stands at the real one', async () => {
    fs.writeFileSync(inside('.temporary-0'), 'taken');
    const { errors } = await files.writeFiles(batch([{ name: 'a' }]));
    const isUnnamed = await files.writesUnnamed(tree.root);
    expect(files.errnoName(errors[0] ?? 0)).toBe(isUnnamed ? files.errnoName(0) : 'EEXIST');
    expect(fs.existsSync(inside('a'))).toBe(isUnnamed);
  });

  it('stays in the directory that a link has taken the place of', async () => {
    const held = await files.openDirectory(tree.root, 'sub');
    onTestFinished(() => files.close(held));
    fs.renameSync(inside('sub'), inside('moved'));
    fs.symlinkSync(tree.outside, inside('sub'));
    expect((await written([{ name: 'x', directory: held }])).codes).toEqual([0]);
    expect(fs.readdirSync(inside('moved')).sort()).toEqual(['deep', 'x']);
    expect(fs.readdirSync(tree.outside)).toEqual(['secret']);
  });

  it.runIf(isRoot)('gives owners as root (NOT TESTED without root)', async () => {
    expect((await written([{ name: 'owned', uid: 12, gid: 34, mode: 0o750 }])).codes).toEqual([0]);
    const found = fs.lstatSync(inside('owned'));
    expect([found.uid, found.gid, found.mode & 0o777]).toEqual([12, 34, 0o750]);
  });

  it.runIf(!isRoot)('gives no owners without root, and leaves nothing (NOT TESTED as root)', async () => {
    expect((await written([{ name: 'owned', uid: 0 }])).codes).toEqual(['EPERM']);
    expect(fs.existsSync(inside('owned'))).toBe(false);
  });

  it('of a wrong shape is refused before anything is written', async () => {
    const right = batch([{ name: 'one' }, { name: 'two' }]);
    const number = (at: number, value: number): object => {
      const numbers = Float64Array.from(right.numbers);
      numbers[7 + at] = value;
      return { numbers };
    };
    const wrong = [
      { buffer: null },
      { buffer: new Uint16Array(6) },
      { names: 'one' },
      { names: [1, 2] },
      { names: ['one'] },
      { numbers: right.numbers.subarray(1) },
      { numbers: [...right.numbers] },
      { mtimesNs: new BigInt64Array(1) },
      { mtimesNs: [0n, 0n] },
      { temporaryPrefix: 5 },
      ...[number(0, -1), number(0, 2 ** 31), number(0, NaN), number(1, 7), number(1, -1)],
      ...[number(2, 4), number(2, 0.5), number(3, 0o1000), number(4, -2), number(5, 2 ** 32 - 1)],
      ...[number(6, 2), number(6, NaN)],
    ];
    for (const change of wrong) {
      const job: WriteFilesJob = { ...right, ...change };
      expect(await codeOf(files.writeFiles(job)), Object.keys(change).join()).toMatch(/^(Type|Range)Error$/);
    }
    expect(fs.existsSync(inside('one'))).toBe(false);
  });

  it('names its errors', () => {
    expect([1, 2, 17, 21].map((errno) => files.errnoName(errno))).toEqual([
      'EPERM',
      'ENOENT',
      'EEXIST',
      'EISDIR',
    ]);
    expect(files.errnoName(9999)).toBe('E9999');
  });
});
