import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { FilesApi } from '../../src/native/api.js';
import { temporaryDirectory } from './seal-jobs.js';

/** No process has that many descriptors. */
export const notOpen = 2 ** 31 - 1;
export const badNames = ['', '.', '..', 'a/b', '/', '/etc', '../x', 'a\0b', '\0'];

export interface HeldTree {
  readonly outside: string;
  readonly inside: string;
  /** `inside`, held. */
  readonly root: number;
}

/** Everything that may stand at a name: file, filelink, link, dangling, sub, sub/deep, fifo; and outside/secret. */
export async function heldTree(files: FilesApi): Promise<HeldTree> {
  const base = temporaryDirectory();
  const outside = join(base, 'outside');
  const inside = join(base, 'inside');
  fs.mkdirSync(join(inside, 'sub/deep'), { recursive: true });
  fs.mkdirSync(outside);
  fs.writeFileSync(join(outside, 'secret'), 'secret');
  fs.writeFileSync(join(inside, 'file'), 'old');
  fs.symlinkSync(outside, join(inside, 'link'));
  fs.symlinkSync(join(outside, 'secret'), join(inside, 'filelink'));
  fs.symlinkSync('nowhere', join(inside, 'dangling'));
  makeFifo(join(inside, 'fifo'));
  const root = await files.openRoot(inside);
  onTestFinished(() => files.close(root));
  return { outside, inside, root };
}

export function makeFifo(path: string): void {
  const { status } = spawnSync('mkfifo', [path]);
  if (status !== 0) throw new Error(`mkfifo ${path}: ${String(status)}`);
}

/** The code of what a promise rejects with; the name for errors without one. */
export function codeOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => 'succeeded',
    (error: unknown) => (error as NodeJS.ErrnoException).code ?? (error as Error).name,
  );
}
