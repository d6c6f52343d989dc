import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { benchDefaults } from '../config/index.js';
import { pipeDialWords, pipeListenWords, type Pipeline } from './child-words.js';
import type { BenchSetup, Contestant, RunProgress } from './contract.js';
import { countingWords, firstBytesWords, keepingWords, producerWords } from './piped-content.js';
import { ProcessEnds, type ProcessWay, type Side } from './process-ends.js';
import { runProcesses, type EndedDirection, type ProcessesRun } from './process-run.js';
import { checkBytes, checkContent } from './same-content.js';
import { sourceFile } from './source-data.js';
import type { RunningEnd } from './running-end.js';

/**
 * Runs `cat FILE | xfer pipe URL` there and `xfer pipe --listen URL | wc -c` here. A shell makes the pipes, so that they are real
 * ones, and our own loop has no part in it. Before the first run content goes through once that is not measured, and is
 * compared: a consumer that looks at all of it would be what is measured.
 */
export function pipeRunner(setup: BenchSetup, way: ProcessWay): Contestant['run'] {
  let isChecked = false;
  return async (onProgress) => {
    const { bytes } = setup.work;
    const { source, sourceBytes, timeMs } = await pipedSource(setup);
    if (!isChecked) await checkOnce(setup, way, source, sourceBytes);
    isChecked = true;
    const content = {
      producer: producerWords(source, sourceBytes, bytes),
      consumer: () => countingWords,
    };
    const run = await runPipes(setup, way, content, { onProgress, timeMs });
    const { seconds, insideSeconds, cpu, path, directions } = run;
    const totalBytes = directions.reduce((sum, direction) => sum + countedBytes(direction), 0);
    if (timeMs === undefined) checkBytes(bytes * (setup.work.isBothWays ? 2 : 1), totalBytes);
    return { iterations: 1, totalBytes, seconds, insideSeconds, path, ...(cpu ? { cpu } : {}) };
  };
}

/** What goes into pipes: a file, again and again where it goes on for a time. */
export async function pipedSource({ work, directory, signal }: BenchSetup): Promise<{
  readonly source: string;
  readonly sourceBytes: number;
  readonly timeMs: number | undefined;
}> {
  const { bytes, limit } = work;
  const timeMs = 'timeMs' in limit ? limit.timeMs : undefined;
  const sourceBytes = timeMs === undefined ? bytes : Math.min(bytes, benchDefaults.repeatedPipeBytes);
  return { source: await sourceFile(directory, sourceBytes, signal), sourceBytes, timeMs };
}

/** What goes into each pipe, and what takes it at which end. */
interface PipedContent {
  readonly producer: readonly string[];
  consumer(side: Side): readonly string[];
}

async function checkOnce(setup: BenchSetup, way: ProcessWay, source: string, bytes: number): Promise<void> {
  const checked = Math.min(bytes, benchDefaults.checkedPipeBytes);
  const arrived = (side: Side): string => join(setup.directory, `piped-${side}`);
  const sides: readonly Side[] = setup.work.isBothWays ? ['near', 'far'] : ['far'];
  try {
    await runPipes(setup, way, {
      producer: firstBytesWords(source, checked),
      consumer: (side) => keepingWords(arrived(side), checked),
    });
    for (const side of sides) {
      checkBytes(checked, (await stat(arrived(side))).size);
      await checkContent(source, arrived(side), checked, setup.signal);
    }
  } finally {
    await Promise.all(sides.map((side) => rm(arrived(side), { force: true })));
  }
}

interface PipesRun {
  readonly onProgress?: (progress: RunProgress) => void;
  /** The producers end after so long. */
  readonly timeMs?: number | undefined;
}

/** One pipe, which goes both ways where the work does. */
function runPipes(
  setup: BenchSetup,
  way: ProcessWay,
  { producer, consumer }: PipedContent,
  { onProgress = () => undefined, timeMs }: PipesRun = {},
): Promise<ProcessesRun> {
  const { isBothWays } = setup.work;
  const ends = new ProcessEnds(setup, way);
  const listen = pipeListenWords(ends.listen(setup.place.farHost), setup.tuning, isBothWays);
  const far: Pipeline = { consumer: consumer('far'), ...(isBothWays ? { producer } : {}) };
  const near: Pipeline = { producer, ...(isBothWays ? { consumer: consumer('near') } : {}) };
  return runProcesses({
    ...{ setup, onProgress, relays: ends.relays() },
    directions: [
      {
        far: ends.end('receiver', 'far', listen, far),
        near: (address, via) => {
          const words = pipeDialWords(ends.target(address), ends.way(via), isBothWays);
          return ends.end('sender', 'near', words, near);
        },
      },
    ],
    ...(timeMs === undefined ? {} : { producersMs: timeMs }),
  });
}

/** Bytes that came out at both ends, which must be what both say that they have carried. */
export function countedBytes({ near, far }: EndedDirection): number {
  const counted = countOf(near) + countOf(far);
  checkBytes(near.events.done?.bytes ?? 0, counted);
  return counted;
}

/** What `wc` said; an end that nothing comes out of has none. */
const countOf = ({ output }: RunningEnd): number => Number(output.trim());
