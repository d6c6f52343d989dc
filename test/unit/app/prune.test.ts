import { mkdir, open, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { prune } from '../../../src/app/prune.js';
import { nativeApi } from '../../../src/native/index.js';
import { failure } from '../transfer/rogue-kit.js';
import { namesIn, temporaryDirectory } from '../transfer/transfer-kit.js';

const [left, busy] = ['0123456789abcdef', 'fedcba9876543210'];
const journal = (tag: string) => `.xfer-${tag}.journal`;
const part = (tag: string) => `.xfer-${tag}-0011223344556677.part`;
const packed = (tag: string) => `.xfer-${tag}-00112233-17`;

/** A received directory with these files, and the directories that they are in. */
async function received(...paths: readonly string[]): Promise<string> {
  const top = await temporaryDirectory();
  for (const path of paths) {
    await mkdir(dirname(join(top, path)), { recursive: true });
    await writeFile(join(top, path), path);
  }
  return top;
}

/** As a receiver at work holds its journal. */
async function hold(path: string): Promise<void> {
  const file = await open(path, 'r+');
  onTestFinished(() => file.close());
  expect(await nativeApi().files.lock(file.fd)).toBe(true);
}

describe('what transfers have left', () => {
  it('goes, wherever it is, with its journal; all else stays', async () => {
    const mine = ['a', 'd/b', 'd/e/c', 'd/.hidden', '.xferred', '.xfer-notes.txt'];
    const ours = [journal(left), part(left), `d/${part(left)}`, `d/e/${packed(left)}`];
    const top = await received(...mine, ...ours);
    expect(await prune(top)).toEqual({ files: 4, busy: 0 });
    expect(await namesIn(top)).toEqual([...mine, 'd/', 'd/e/'].toSorted());
  });

  it('goes where its journal is lost, and so do probes', async () => {
    const top = await received(
      part(left),
      `d/${packed(busy)}`,
      '.xfer-0123456789ab.probe',
      'd/.xfer-0123456789ab.probe',
    );
    expect(await prune(top)).toEqual({ files: 4, busy: 0 });
    expect(await namesIn(top)).toEqual(['d/']);
  });

  it('stays where a receiver is at work, while that of others goes', async () => {
    const held = [journal(busy), part(busy), `d/${packed(busy)}`];
    const top = await received(...held, journal(left), part(left));
    await hold(join(top, journal(busy)));
    expect(await prune(top)).toEqual({ files: 2, busy: 1 });
    expect(await namesIn(top)).toEqual([...held, 'd/'].toSorted());
  });

  it('may be nothing at all', async () => {
    expect(await prune(await received('a'))).toEqual({ files: 0, busy: 0 });
  });

  it.each([
    '.xfer-0123456789abcdeg-00.part',
    '.xfer-0123456789abcde-00.part',
    '.xfer-0123456789ABCDEF-00.part',
    '.xfer-0123456789abcdef',
    '.xfer-0123456789ab.probe2',
    'x.xfer-0123456789abcdef-00.part',
    '.xfer-mine.journal',
  ])('is none of ours: %s', async (name) => {
    const top = await received(name);
    expect(await prune(top)).toEqual({ files: 0, busy: 0 });
    expect(await namesIn(top)).toEqual([name]);
  });

  it('is never behind a link, and is never a directory', async () => {
    const outside = await received(part(left));
    const top = await received(`${part(left)}/precious`);
    await symlink(outside, join(top, 'out'));
    expect(await prune(top)).toEqual({ files: 0, busy: 0 });
    expect([await namesIn(outside), await namesIn(join(top, part(left)))]).toEqual([
      [part(left)],
      ['precious'],
    ]);
  });

  it('goes as a link, and what that points to stays', async () => {
    const outside = await received('precious');
    const top = await received();
    await symlink(join(outside, 'precious'), join(top, part(left)));
    expect(await prune(top)).toEqual({ files: 1, busy: 0 });
    expect(await readFile(join(outside, 'precious'), 'utf8')).toBe('precious');
  });

  it('can be looked for again', async () => {
    const top = await received(journal(left), part(left));
    await prune(top);
    expect(await prune(top)).toEqual({ files: 0, busy: 0 });
  });
});

describe('a directory that cannot be pruned', () => {
  it('is said to be none, or no directory', async () => {
    const top = await received('file');
    await expect(prune(join(top, 'none'))).rejects.toEqual(failure('ERR_XFER_NOT_FOUND'));
    await expect(prune(join(top, 'file'))).rejects.toEqual(failure('ERR_XFER_NOT_DIRECTORY'));
  });
});
