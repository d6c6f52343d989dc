import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

interface ScriptCoverage {
  readonly url: string;
  readonly functions: readonly {
    readonly functionName: string;
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
 * Reads what NODE_V8_COVERAGE left in `directory` and sums up functions by folder of src/ (`session`, `mux` …) of the sources
 * that were loaded: the bundler names each in a comment above what it made of it, which is a function of that name.
 */
export async function functionsReached(directory: string): Promise<ReadonlyMap<string, Reached>> {
  const seen = new Map<string, Map<string, boolean>>();
  for (const name of await readdir(directory)) {
    const file = JSON.parse(await readFile(join(directory, name), 'utf8')) as { result: ScriptCoverage[] };
    for (const script of file.result.filter(({ url }) => /^file:.*\/dist\/.*\.js$/.test(url))) {
      const sources = sourcesOf(await readFile(fileURLToPath(script.url), 'utf8'));
      const loaded = new Set(
        script.functions
          .filter(({ functionName, ranges: [whole] }) => functionName.startsWith('src/') && whole?.count)
          .map(({ functionName }) => functionName),
      );
      for (const { ranges } of script.functions) {
        const [range] = ranges;
        const source = range && sources.findLast(({ at }) => at <= range.startOffset)?.path;
        if (!range || !source || !loaded.has(source)) continue;
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
