import { rmSync } from 'node:fs';
import { mkdtemp, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BenchWork } from './work.js';

const inMemory = '/dev/shm';
const options = { recursive: true, force: true, maxRetries: 3 };

export interface BenchDirectory {
  readonly path: string;
  /** Removes it with all that is in it, as the end of the process does. Does not reject. */
  remove(): Promise<void>;
}

/** A directory of a run's own: in memory where there is room for twice what the largest work has, there and here; else for temporary files. */
export async function benchDirectory(works: readonly BenchWork[]): Promise<BenchDirectory> {
  const wanted = 2 * Math.max(...works.map(contentOf));
  const path =
    (wanted > 0 ? await madeIn(inMemory, wanted) : undefined) ??
    (await mkdtemp(join(tmpdir(), 'xfer-bench-')));
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

/** undefined: there is no such place, too little room in it, or it may not be written to. */
async function madeIn(place: string, bytes: number): Promise<string | undefined> {
  try {
    const { bavail, bsize } = await statfs(place);
    return bavail * bsize >= bytes ? await mkdtemp(join(place, 'xfer-bench-')) : undefined;
  } catch {
    return undefined;
  }
}

/** Bytes of its files, of both directions; a pipe by time has none. */
function contentOf({ pattern, bytes, count, limit, isBothWays }: BenchWork): number {
  const hasFiles =
    pattern === 'file' || pattern === 'small-files' || (pattern === 'pipe' && !('timeMs' in limit));
  return hasFiles ? bytes * count * (isBothWays ? 2 : 1) : 0;
}
