import { rmSync } from 'node:fs';
import { mkdtemp, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { benchDefaults } from '../config/index.js';
import type { BenchWork } from './work.js';

const inMemory = '/dev/shm';
const pageBytes = 4096;
const options = { recursive: true, force: true, maxRetries: 3 };

export interface BenchDirectory {
  readonly path: string;
  /** Removes it with all that is in it, as the end of the process does. Does not reject. */
  remove(): Promise<void>;
}

/** A directory of a run's own: in memory where there is room for all that is in it at once; else for temporary files. */
export async function benchDirectory(works: readonly BenchWork[]): Promise<BenchDirectory> {
  const wanted = roomFor(works);
  const own =
    wanted > 0 && (await hasRoom(inMemory, wanted)) ? await orNone(ownDirectory(inMemory)) : undefined;
  return own ?? ownDirectory(tmpdir());
}

/** One in there that nobody else has. Rejects as a file operation does. */
export async function ownDirectory(parent: string): Promise<BenchDirectory> {
  const path = await mkdtemp(join(parent, 'xfer-bench-'));
  // A process that is not given the time to end in order does not leave it either.
  const removeNow = (): void => {
    try {
      rmSync(path, options);
    } catch {
      // Somebody still writes there; nobody is left to try again.
    }
  };
  process.once('exit', removeNow);
  return {
    path,
    remove: async () => {
      await rm(path, options).catch(() => undefined);
      process.off('exit', removeNow);
    },
  };
}

/** It may not be written to. */
const orNone = (made: Promise<BenchDirectory>): Promise<BenchDirectory | undefined> =>
  made.catch(() => undefined);

async function hasRoom(place: string, bytes: number): Promise<boolean> {
  const free = await statfs(place).catch(() => undefined);
  return free !== undefined && free.bavail * free.bsize >= bytes;
}

/**
 * Bytes that its files take at most: what is sent stays to the end, once for all works that have the same, and what arrives of
 * one work is gone before the next.
 */
export function roomFor(works: readonly BenchWork[]): number {
  const sent = new Map(works.map((work) => [sourceOf(work), bytesOf(work)]));
  return sum([...sent.values()]) + Math.max(0, ...works.map(arrivingOf));
}

const sum = (all: readonly number[]): number => all.reduce((before, one) => before + one, 0);

/** Whoever has the same one has the same content. */
function sourceOf(work: BenchWork): string {
  return work.pattern === 'small-files' ? `${work.count} of ${work.bytes}` : `${bytesOf(work)}`;
}

/** Of what is sent one way. In memory the smallest file takes a page. */
function bytesOf({ pattern, bytes, count, limit }: BenchWork): number {
  if (pattern === 'small-files') return Math.ceil(bytes / pageBytes) * pageBytes * count;
  if (pattern === 'file') return bytes;
  if (pattern !== 'pipe') return 0;
  return 'timeMs' in limit ? Math.min(bytes, benchDefaults.repeatedPipeBytes) : bytes;
}

/** Of a pipe what is compared is kept, before anything is measured. */
function arrivingOf(work: BenchWork): number {
  const most = work.pattern === 'pipe' ? benchDefaults.checkedPipeBytes : Infinity;
  return Math.min(bytesOf(work), most) * (work.isBothWays ? 2 : 1);
}
