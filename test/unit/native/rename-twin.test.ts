import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { renameTwin } from '../../../src/native/rename-twin.js';

/** A file system without hard links, as FAT is. */
vi.mock('node:fs/promises', async (original) => ({
  ...(await original<object>()),
  link: () => Promise.reject(Object.assign(new Error('EPERM'), { code: 'EPERM' })),
}));

let directory: string;
let from: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'xfer-rename-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  from = join(directory, 'from');
  writeFileSync(from, 'content');
});

it('without hard links a free name is claimed first', async () => {
  await renameTwin(from, join(directory, 'to'), false);
  expect(readdirSync(directory)).toEqual(['to']);
  expect(readFileSync(join(directory, 'to'), 'utf8')).toBe('content');
});

it('without hard links nothing is replaced', async () => {
  writeFileSync(join(directory, 'to'), 'old');
  await expect(renameTwin(from, join(directory, 'to'), false)).rejects.toMatchObject({ code: 'EEXIST' });
  expect(readFileSync(join(directory, 'to'), 'utf8')).toBe('old');
});

it('without hard links a directory is EISDIR', async () => {
  mkdirSync(join(directory, 'to'));
  await expect(renameTwin(from, join(directory, 'to'), false)).rejects.toMatchObject({ code: 'EISDIR' });
  expect(lstatSync(join(directory, 'to')).isDirectory()).toBe(true);
});

it('a claimed name is given back when the rename fails', async () => {
  await expect(renameTwin(join(directory, 'none'), join(directory, 'to'), false)).rejects.toMatchObject({
    code: 'ENOENT',
  });
  expect(existsSync(join(directory, 'to'))).toBe(false);
});
