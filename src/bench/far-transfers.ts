import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { benchDefaults } from '../config/index.js';
import { XferError } from '../errors/index.js';
import { pipeDialWords, sendWords, type Pipeline } from './child-words.js';
import { contentDigest } from './content-digest.js';
import type { BenchSetup, Contestant, RunProgress } from './contract.js';
import type { FarChild } from './far-child.js';
import type { FarSide } from './far-side.js';
import { sourceOf } from './file-processes.js';
import { countedBytes, pipedSource } from './pipe-processes.js';
import { countingWords, firstBytesWords, keepingWords, producerWords } from './piped-content.js';
import { ProcessEnds, type ProcessWay } from './process-ends.js';
import { runProcesses, type ProcessesRun } from './process-run.js';
import { checkBytes } from './same-content.js';
import type { TransferRequest } from './transfers-message.js';
import type { XferChildOptions } from './xfer-child.js';

/** Runs the setup's transfers with the other end on another machine. */
export function farRunner(setup: BenchSetup, way: ProcessWay, far: FarSide): Contestant['run'] {
  return setup.work.pattern === 'pipe' ? pipeRunner(setup, way, far) : fileRunner(setup, way, far);
}

/** As `file-processes.ts` does; what arrived is not there to be compared, so the other end says what it is. */
function fileRunner(setup: BenchSetup, way: ProcessWay, far: FarSide): Contestant['run'] {
  let isChecked = false;
  return async (onProgress) => {
    const { pattern, bytes, count } = setup.work;
    const { signal } = setup;
    const source = await sourceOf(setup);
    const ends = new ProcessEnds(setup, way);
    const common = commonOf(setup, way, ends);
    const request: TransferRequest =
      pattern === 'small-files'
        ? { ...common, pattern, bytes, count }
        : { ...common, pattern: 'file', bytes };
    return far.run('receiver', request, async (there) => {
      const { seconds, insideSeconds, cpu, path } = await runTo(there, {
        ...{ setup, onProgress },
        near: (address) =>
          ends.end('sender', 'near', sendWords(source, ends.target(address, far.host), ends.way([]))),
      });
      const check = isChecked ? 'sizes' : 'content';
      // At once: nobody is silent for as long as both take.
      const [sent, arrived] = await Promise.all([
        contentDigest(source, { check, signal }),
        there.digest(check),
      ]);
      checkSame(sent, arrived);
      isChecked = true;
      return {
        iterations: pattern === 'small-files' ? count : 1,
        totalBytes: bytes * count,
        ...{ seconds, insideSeconds, path },
        ...(cpu ? { cpu } : {}),
      };
    });
  };
}

/** As `pipe-processes.ts` does. */
function pipeRunner(setup: BenchSetup, way: ProcessWay, far: FarSide): Contestant['run'] {
  let isChecked = false;
  return async (onProgress) => {
    const { bytes, isBothWays } = setup.work;
    const { source, sourceBytes, timeMs } = await pipedSource(setup);
    if (!isChecked) await checkOnce(setup, way, far, source, sourceBytes);
    isChecked = true;
    const ends = new ProcessEnds(setup, way);
    const request: TransferRequest = {
      ...{ ...commonOf(setup, way, ends), pattern: 'pipe' },
      ...(isBothWays ? { sent: { bytes, sourceBytes: repeatedBytes(sourceBytes) } } : {}),
    };
    const producer = producerWords(source, sourceBytes, bytes);
    return far.run('receiver', request, async (there) => {
      const pipeline = { producer, ...(isBothWays ? { consumer: countingWords } : {}) };
      const run = await runTo(there, {
        ...{ setup, onProgress, near: pipeDialler(ends, far, pipeline, isBothWays) },
        ...(timeMs === undefined ? {} : { producersMs: timeMs }),
      });
      const totalBytes = run.directions.reduce((sum, direction) => sum + countedBytes(direction), 0);
      if (timeMs === undefined) checkBytes(bytes * (isBothWays ? 2 : 1), totalBytes);
      const { seconds, insideSeconds, cpu, path } = run;
      return { iterations: 1, totalBytes, seconds, insideSeconds, path, ...(cpu ? { cpu } : {}) };
    });
  };
}

async function checkOnce(
  setup: BenchSetup,
  way: ProcessWay,
  far: FarSide,
  source: string,
  sourceBytes: number,
): Promise<void> {
  const { directory, signal } = setup;
  const { isBothWays } = setup.work;
  const checked = Math.min(sourceBytes, benchDefaults.checkedPipeBytes);
  const arrived = join(directory, 'piped-near');
  const ends = new ProcessEnds(setup, way);
  const request: TransferRequest = {
    ...{ ...commonOf(setup, way, ends), pattern: 'pipe', keptBytes: checked },
    ...(isBothWays ? { sent: { bytes: checked, sourceBytes: checked } } : {}),
  };
  const pipeline = {
    producer: firstBytesWords(source, checked),
    ...(isBothWays ? { consumer: keepingWords(arrived, checked) } : {}),
  };
  const options = { check: 'content', firstBytes: checked, signal } as const;
  try {
    await far.run('receiver', request, async (there) => {
      await runTo(there, {
        ...{ setup, onProgress: () => undefined, near: pipeDialler(ends, far, pipeline, isBothWays) },
      });
      const [sent, kept] = await Promise.all([contentDigest(source, options), there.digest('content')]);
      checkSame(sent, kept);
      if (!isBothWays) return;
      checkSame(
        await there.digest('content', checked),
        await contentDigest(arrived, { check: 'content', signal }),
      );
    });
  } finally {
    await rm(arrived, { force: true });
  }
}

/** It is made anew there for each run: where that gives the same in all, a part that is repeated. */
function repeatedBytes(sourceBytes: number): number {
  const { repeatedPipeBytes } = benchDefaults;
  return sourceBytes % repeatedPipeBytes === 0 ? repeatedPipeBytes : sourceBytes;
}

const pipeDialler =
  (ends: ProcessEnds, far: FarSide, pipeline: Pipeline, isBothWays: boolean) =>
  (address: string): XferChildOptions => {
    const words = pipeDialWords(ends.target(address, far.host), ends.way([]), isBothWays);
    return ends.end('sender', 'near', words, pipeline);
  };

interface OneTransfer {
  readonly setup: BenchSetup;
  readonly near: (address: string) => XferChildOptions;
  readonly producersMs?: number;
  onProgress(progress: RunProgress): void;
}

function runTo(there: FarChild, { near, ...plan }: OneTransfer): Promise<ProcessesRun> {
  return runProcesses({ ...plan, relays: [], directions: [{ far: () => there, near }] });
}

function commonOf(
  { countsCpu, recordBytes }: BenchSetup,
  { schemes }: ProcessWay,
  { secrets }: ProcessEnds,
): Pick<TransferRequest, 'schemes' | 'code' | 'countsCpu' | 'unsealedKey' | 'recordBytes'> {
  return {
    ...secrets,
    schemes: [...schemes],
    countsCpu,
    ...(recordBytes === undefined ? {} : { recordBytes }),
  };
}

/** Throws ERR_XFER_TRUNCATED or ERR_XFER_TAMPERED where two digests differ: `BYTES in FILES, SHA-256`. */
function checkSame(sent: string, arrived: string): void {
  if (sent === arrived) return;
  const [sizes = ''] = sent.split(', ');
  const [arrivedSizes = ''] = arrived.split(', ');
  const remedy = 'tell the maintainers: this must not happen';
  if (sizes !== arrivedSizes)
    throw new XferError('ERR_XFER_TRUNCATED', `of ${sizes} ${arrivedSizes} arrived in the bench`, { remedy });
  throw new XferError('ERR_XFER_TAMPERED', 'what arrived in the bench is not what was sent', { remedy });
}
