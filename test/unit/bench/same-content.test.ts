import { cp, mkdir, mkdtemp, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { checkArrived } from '../../../src/bench/same-content.js';
import { sourceFile, sourceTree } from '../../../src/bench/source-data.js';
import { XferError } from '../../../src/errors/index.js';

let work: string;
beforeEach(async () => {
  work = await mkdtemp(join(tmpdir(), 'xfer-content-'));
});
afterEach(() => rm(work, { recursive: true, force: true }));

const bytes = 2 ** 21 + 3;
const going = new AbortController().signal;

test('what differs, lacks bytes or is not there is never taken for what was sent', async () => {
  const sent = await sourceFile(work, bytes, going);
  const arrived = join(work, 'arrived');
  await expect(checkArrived(sent, arrived, 'sizes', going)).rejects.toMatchObject({ exit: 5 });
  await cp(sent, arrived);
  await checkArrived(sent, arrived, 'content', going);
  await truncate(arrived, bytes - 1);
  await expect(checkArrived(sent, arrived, 'sizes', going)).rejects.toMatchObject({
    code: 'ERR_XFER_TRUNCATED',
  });
  // Zeros, where there was something.
  await truncate(arrived, bytes - 2);
  await truncate(arrived, bytes);
  await checkArrived(sent, arrived, 'sizes', going);
  await expect(checkArrived(sent, arrived, 'content', going)).rejects.toMatchObject({
    code: 'ERR_XFER_TAMPERED',
  });
});

test('a tree has its files in directories of a hundred, is made once, and lacks none where it arrived', async () => {
  const [sent, again] = await Promise.all([sourceTree(work, 5, 201, going), sourceTree(work, 5, 201, going)]);
  expect(again).toBe(sent);
  expect(await readdir(sent)).toHaveLength(3);
  expect(await readdir(join(sent, '1'))).toHaveLength(100);
  expect((await stat(join(sent, '2', '200'))).size).toBe(5);
  const arrived = join(work, 'arrived');
  await cp(sent, arrived, { recursive: true });
  await checkArrived(sent, arrived, 'content', going);
  await rm(join(arrived, '0', '7'));
  await expect(checkArrived(sent, arrived, 'sizes', going)).rejects.toMatchObject({
    code: 'ERR_XFER_TRUNCATED',
  });
  await mkdir(join(arrived, '0', '7'));
  await expect(checkArrived(sent, arrived, 'sizes', going)).rejects.toMatchObject({
    code: 'ERR_XFER_TRUNCATED',
  });
});

test('content for which there is no place is an error, and may be asked for again', async () => {
  const missing = join(work, 'missing');
  await expect(sourceFile(missing, 3, going)).rejects.toMatchObject({ code: 'ERR_XFER_NOT_FOUND' });
  await mkdir(missing);
  await writeFile(join(missing, 'other'), '');
  expect((await stat(await sourceFile(missing, 3, going))).size).toBe(3);
});

test('an interrupted bench neither makes nor compares any more, and what was half made is gone', async () => {
  const sent = await sourceFile(work, bytes, going);
  const ending = new AbortController();
  const reason = new XferError('ERR_XFER_INTERRUPTED', 'interrupted');
  const comparing = checkArrived(sent, sent, 'content', ending.signal);
  // Larger than any disk: what is not interrupted fails in another way, or never.
  const making = sourceFile(work, 2 ** 50, ending.signal);
  const packing = sourceTree(work, 2 ** 50, 2, ending.signal);
  ending.abort(reason);
  for (const one of [comparing, making, packing]) await expect(one).rejects.toBe(reason);
  expect(await readdir(work)).toEqual([`file-${bytes}`]);
});
