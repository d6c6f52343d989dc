import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { benchDirectory } from '../../../src/bench/directory.js';
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
