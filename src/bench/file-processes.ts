import { rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { recvWords, sendWords } from './child-words.js';
import type { BenchSetup, Contestant } from './contract.js';
import { nearHost } from './near-host.js';
import { ProcessEnds, type ProcessWay, type Side } from './process-ends.js';
import { runProcesses, type Direction } from './process-run.js';
import { checkArrived } from './same-content.js';
import { sourceFile, sourceTree } from './source-data.js';

/** Runs a transfer of one file or one tree, or one each way at once; the first is checked byte for byte. */
export function fileRunner(setup: BenchSetup, way: ProcessWay): Contestant['run'] {
  let isChecked = false;
  return async (onProgress) => {
    const { work, directory, place, signal } = setup;
    const { bytes, count, isBothWays } = work;
    const source = await sourceOf(setup);
    const ends = new ProcessEnds(setup, way);
    const arrived: string[] = [];
    const direction = (far: Side, host: string, suffix: string): Direction => {
      const into = join(directory, `received${suffix.replace(' ', '-')}`);
      arrived.push(into);
      return {
        far: ends.end(`receiver${suffix}`, far, recvWords(into, ends.listen(host), setup.tuning)),
        near: (address, via) => {
          const words = sendWords(source, ends.target(address), ends.way(via));
          return ends.end(`sender${suffix}`, far === 'far' ? 'near' : 'far', words);
        },
      };
    };
    const directions = [direction('far', place.farHost, '')];
    if (isBothWays) directions.push(direction('near', await nearHost(place), ' back'));
    try {
      const { seconds, insideSeconds, cpu, path } = await runProcesses({
        ...{ setup, directions, onProgress, relays: ends.relays() },
      });
      for (const into of arrived)
        await checkArrived(source, join(into, basename(source)), isChecked ? 'sizes' : 'content', signal);
      isChecked = true;
      return {
        iterations: work.pattern === 'small-files' ? count * directions.length : 1,
        totalBytes: bytes * count * directions.length,
        ...{ seconds, insideSeconds, path },
        ...(cpu ? { cpu } : {}),
      };
    } finally {
      await Promise.all(arrived.map((into) => rm(into, { recursive: true, force: true })));
    }
  };
}

/** The file or the tree of the work. */
export function sourceOf({ work, directory, signal }: BenchSetup): Promise<string> {
  const { pattern, bytes, count } = work;
  return pattern === 'small-files'
    ? sourceTree(directory, bytes, count, signal)
    : sourceFile(directory, bytes, signal);
}
