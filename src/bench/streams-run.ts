import { Histogram } from '../app/histogram.js';
import { unlessAborted } from '../app/unless-aborted.js';
import { benchDefaults } from '../config/index.js';
import { XferError } from '../errors/index.js';
import type { Connection } from '../transport/contract.js';
import type { RunProgress, RunResult } from './contract.js';
import { BenchMemory } from './memory.js';
import { benchMessage } from './message.js';
import { silenceOf, whyNotOpened } from './run.js';
import { StreamsWave, type WaveResult } from './streams-wave.js';
import type { BenchWork } from './work.js';

export interface StreamsRunOptions {
  /** Of the bench, by which the other end knows whose turn it is. */
  readonly id: Uint8Array;
  readonly work: Pick<BenchWork, 'bytes' | 'count' | 'isBothWays'>;
  /** No more than so many at once. Default: all. */
  readonly mostAtOnce?: number;
  readonly signal: AbortSignal;
  /** Where both ends are in this process: when the last first byte came, by `performance.now()`. */
  firstByteAt?(): number;
  onProgress?(progress: RunProgress): void;
  /** Behind the times to the first byte: what follows counts. */
  onMeasure?(): void;
}

export interface StreamsResult extends RunResult {
  /** Streams that were open at the same time. */
  readonly atOnce: number;
}

/**
 * The pattern `streams` on one connection. First one after the other with nothing beside it, for the time to the first byte;
 * then all of them: each is opened and brings its content, and none ends before all are open. Where the transport or the
 * other end does not let in so many, as many as it does, then the next ones. Rejects as `benchRun` does.
 */
export async function runStreams(connection: Connection, options: StreamsRunOptions): Promise<StreamsResult> {
  const { id, work, mostAtOnce = Infinity, signal, onProgress } = options;
  const memory = new BenchMemory(connection);
  const message = memory.message(work.bytes, benchMessage.count);
  const silence = silenceOf(connection);
  const began = performance.now();
  const waveOf = async (streams: number): Promise<WaveResult> => {
    const wave = new StreamsWave(connection, message, streams, { id, isBothWays: work.isBothWays });
    try {
      return await unlessAborted(signal, Promise.race([wave.over, silence.found]));
    } catch (error) {
      signal.throwIfAborted();
      throw await whyNotOpened(connection, error);
    } finally {
      wave.end();
    }
  };
  try {
    const halfTrips = await firstBytes(waveOf, options);
    let atOnce = 0;
    let most = Math.min(work.count, mostAtOnce);
    let done = 0;
    options.onMeasure?.();
    const from = performance.now();
    while (done < work.count) {
      const { ended } = await waveOf(Math.min(most, work.count - done));
      if (ended === 0) throw new XferError('ERR_XFER_LIMIT', 'the other end takes no stream now');
      atOnce = Math.max(atOnce, ended);
      // The next ones as many as were let in.
      if (done + ended < work.count) most = ended;
      done += ended;
      onProgress?.({ seconds: (performance.now() - began) / 1000, bytes: done * work.bytes });
    }
    const seconds = (performance.now() - from) / 1000;
    const totalBytes = work.count * work.bytes * (work.isBothWays ? 2 : 1);
    return { iterations: work.count, totalBytes, seconds, halfTrips, atOnce };
  } finally {
    silence.end();
    memory.release();
  }
}

/** From `openStream` to the first byte: there where both ends are here, else half of what its answer takes. */
async function firstBytes(
  waveOf: (streams: number) => Promise<WaveResult>,
  { firstByteAt }: StreamsRunOptions,
): Promise<Histogram> {
  const { firstBytes: most, firstBytesMs, minIterations } = benchDefaults;
  const times = new Histogram();
  const until = performance.now() + firstBytesMs;
  while (times.count < most && (times.count < minIterations || performance.now() < until)) {
    const { openedAt, answeredAt } = await waveOf(1);
    times.add(1000 * (firstByteAt ? firstByteAt() - openedAt : (answeredAt - openedAt) / 2));
  }
  return times;
}
