import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

interface ScriptCoverage {
  readonly url: string;
  readonly functions: readonly {
    readonly ranges: readonly {
      readonly startOffset: number;
      readonly endOffset: number;
      readonly count: number;
    }[];
  }[];
}

/** Functions that ran, of those that are there. */
export interface Reached {
  readonly called: number;
  readonly all: number;
}

/**
 * Reads what NODE_V8_COVERAGE left in `directory` and sums up functions by folder of src/ (`session`, `mux` …): the
 * bundler names each source in a comment above what it made of it.
 */
export async function functionsReached(directory: string): Promise<ReadonlyMap<string, Reached>> {
  const seen = new Map<string, Map<string, boolean>>();
  for (const name of await readdir(directory)) {
    const file = JSON.parse(await readFile(join(directory, name), 'utf8')) as { result: ScriptCoverage[] };
    for (const script of file.result.filter(({ url }) => /^file:.*\/dist\/.*\.js$/.test(url))) {
      const sources = sourcesOf(await readFile(fileURLToPath(script.url), 'utf8'));
      for (const { ranges } of script.functions) {
        const [range] = ranges;
        const source = range && sources.findLast(({ at }) => at <= range.startOffset)?.path;
        if (!range || !source) continue;
        const folder = seen.get(folderOf(source)) ?? new Map<string, boolean>();
        seen.set(folderOf(source), folder);
        const key = `${source} ${range.endOffset - range.startOffset} ${range.startOffset}`;
        folder.set(key, folder.get(key) === true || range.count > 0);
      }
    }
  }
  return new Map(
    [...seen].map(([folder, functions]) => [
      folder,
      { called: [...functions.values()].filter(Boolean).length, all: functions.size },
    ]),
  );
}

const sourcesOf = (code: string) =>
  [...code.matchAll(/^\/\/ ((?:src|\.\.|node_modules)\/\S+)$/gm)].map(({ index, 1: path = '' }) => ({
    at: index,
    path,
  }));

const folderOf = (path: string) => /^src\/([^/]+)\//.exec(path)?.[1] ?? 'other';
