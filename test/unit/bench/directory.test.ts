import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { benchDirectory, roomFor } from '../../../src/bench/directory.js';
import type { BenchWork } from '../../../src/bench/work.js';
import { benchDefaults } from '../../../src/config/index.js';
import { graceMs } from '../../../src/ui/interrupt.js';

test('the directory of a bench goes with the process, however little time that has to end', async () => {
  const before = process.listeners('exit');
  const directory = await benchDirectory([]);
  await mkdir(join(directory.path, 'received'));
  await writeFile(join(directory.path, 'received', 'content'), 'half of it');
  const [atExit, ...others] = process.listeners('exit').filter((one) => !before.includes(one));
  atExit?.(130);
  expect(existsSync(directory.path)).toBe(false);
  await directory.remove();
  expect(others).toEqual([]);
  expect(process.listeners('exit')).toEqual(before);
});

test('a child that does not end is killed before an interrupted bench ends itself', () => {
  expect(benchDefaults.stopMs).toBeLessThan(graceMs);
});

test('it is in memory only where all that is kept there has room, beside what arrives of the largest work', () => {
  const MiB = 2 ** 20;
  const once = { count: 1, limit: { iterations: 1 }, isBothWays: false };
  const file = (bytes: number): BenchWork => ({ ...once, pattern: 'file', bytes });
  const pipe: BenchWork = { ...once, pattern: 'pipe', bytes: 100 * MiB };
  expect(roomFor([file(100 * MiB)])).toBe(200 * MiB);
  expect(roomFor([file(100 * MiB), file(70 * MiB), file(50 * MiB)])).toBe(320 * MiB);
  expect(roomFor([{ ...file(100 * MiB), isBothWays: true }])).toBe(300 * MiB);
  // The same content, of which a part is compared.
  expect(roomFor([pipe])).toBe(164 * MiB);
  expect(roomFor([file(100 * MiB), pipe])).toBe(200 * MiB);
  expect(roomFor([{ ...pipe, bytes: 2 ** 40, limit: { timeMs: 1 } }])).toBe(128 * MiB);
  expect(roomFor([{ ...once, pattern: 'small-files', bytes: 1, count: 1000 }])).toBe(2 * 1000 * 4096);
  expect(roomFor([{ ...once, pattern: 'latency', bytes: 64 }])).toBe(0);
});
