import type { XferError } from '../../../src/errors/index.js';
import { directoryReader, type DirectoryReader } from '../../../src/transfer/directory-reader.js';
import { filesTwin } from '../../../src/native/files-twin.js';
import { pathFilter, type PathFilter } from '../../../src/transfer/path-filter.js';
import { scan, type ScanOptions } from '../../../src/transfer/scan.js';
import type { SourceEntry } from '../../../src/transfer/source-entry.js';

export interface Scanned {
  readonly entries: readonly SourceEntry[];
  readonly paths: readonly string[];
  readonly problems: readonly XferError[];
  readonly excluded: readonly string[];
}

/** All that a scan says. */
export async function scanned(
  paths: readonly string[],
  options: Partial<ScanOptions> = {},
): Promise<Scanned> {
  const [problems, excluded, entries] = [[] as XferError[], [] as string[], [] as SourceEntry[]];
  const handlers = {
    onProblem: (error: XferError) => problems.push(error),
    onExcluded: (path: string) => excluded.push(path),
  };
  for await (const batch of scan(paths, { ...handlers, ...options })) entries.push(...batch);
  return { entries, paths: entries.map(({ path }) => path), problems, excluded };
}

export const filterOf = (...patterns: string[]): PathFilter =>
  pathFilter(patterns.map((pattern) => ({ pattern, from: 'the test' })));

/** Node's reader, which tells of each directory before it reads it. */
export function tellingReader(before: (path: string) => Promise<unknown> | undefined): DirectoryReader {
  const reader = directoryReader(filesTwin());
  return {
    async *read(path, expected) {
      await before(path);
      yield* reader.read(path, expected);
    },
  };
}
