import { cp, mkdir, mkdtemp, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { checkArrived } from '../../../src/bench/same-content.js';
import { sourceFile, sourceTree } from '../../../src/bench/source-data.js';

let work: string;
beforeEach(async () => {
  work = await mkdtemp(join(tmpdir(), 'xfer-content-'));
});
afterEach(() => rm(work, { recursive: true, force: true }));

const bytes = 2 ** 21 + 3;

test('what differs, lacks bytes or is not there is never taken for what was sent', async () => {
  const sent = await sourceFile(work, bytes);
  const arrived = join(work, 'arrived');
  await expect(checkArrived(sent, arrived, 'sizes')).rejects.toMatchObject({ exit: 5 });
  await cp(sent, arrived);
  await checkArrived(sent, arrived, 'content');
  await truncate(arrived, bytes - 1);
  await expect(checkArrived(sent, arrived, 'sizes')).rejects.toMatchObject({ code: 'ERR_XFER_TRUNCATED' });
  // Zeros, where there was something.
  await truncate(arrived, bytes - 2);
  await truncate(arrived, bytes);
  await checkArrived(sent, arrived, 'sizes');
  await expect(checkArrived(sent, arrived, 'content')).rejects.toMatchObject({ code: 'ERR_XFER_TAMPERED' });
});

test('a tree has its files in directories of a hundred, is made once, and lacks none where it arrived', async () => {
  const [sent, again] = await Promise.all([sourceTree(work, 5, 201), sourceTree(work, 5, 201)]);
  expect(again).toBe(sent);
  expect(await readdir(sent)).toHaveLength(3);
  expect(await readdir(join(sent, '1'))).toHaveLength(100);
  expect((await stat(join(sent, '2', '200'))).size).toBe(5);
  const arrived = join(work, 'arrived');
  await cp(sent, arrived, { recursive: true });
  await checkArrived(sent, arrived, 'content');
  await rm(join(arrived, '0', '7'));
  await expect(checkArrived(sent, arrived, 'sizes')).rejects.toMatchObject({ code: 'ERR_XFER_TRUNCATED' });
  await mkdir(join(arrived, '0', '7'));
  await expect(checkArrived(sent, arrived, 'sizes')).rejects.toMatchObject({ code: 'ERR_XFER_TRUNCATED' });
});

test('content for which there is no place is an error, and may be asked for again', async () => {
  const missing = join(work, 'missing');
  await expect(sourceFile(missing, 3)).rejects.toMatchObject({ code: 'ERR_XFER_NOT_FOUND' });
  await mkdir(missing);
  await writeFile(join(missing, 'other'), '');
  expect((await stat(await sourceFile(missing, 3))).size).toBe(3);
});
