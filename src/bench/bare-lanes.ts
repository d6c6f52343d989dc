import { benchDefaults } from '../config/index.js';
import { XferError } from '../errors/index.js';
import { Histogram } from '../app/histogram.js';
import type { Connection, ConnectionStats } from '../transport/contract.js';
import type { OnMeasure } from './bare-cpu.js';
import type { BareEnd } from './bare-end.js';
import type { RunProgress, RunResult } from './contract.js';
import type { PathFacts } from './report.js';
import { streamLoops } from './stream-loops.js';
import type { BenchWork } from './work.js';

export interface LanesRun {
  readonly end: BareEnd;
  /** Of the bench, for the other end. */
  readonly id: Uint8Array;
  readonly work: BenchWork;
  /** Connections at once. */
  readonly lanes: number;
  readonly signal: AbortSignal;
  onProgress(progress: RunProgress): void;
  /** Called by each lane. */
  readonly onMeasure?: OnMeasure;
}

/** The work over that many connections at once. Where one fails all end, and it rejects with why. */
export async function runLanes(run: LanesRun): Promise<RunResult> {
  const { end, id, work, lanes, signal, onProgress, onMeasure } = run;
  const connections: Connection[] = [];
  const ending = new AbortController();
  const interrupt = (): void => ending.abort(signal.reason);
  signal.addEventListener('abort', interrupt, { once: true });
  let stopTelling = (): void => undefined;
  try {
    signal.throwIfAborted();
    for (let lane = 0; lane < lanes; lane++) connections.push(await end.take());
    stopTelling = tellProgress(connections, onProgress);
    const before = connections.map((connection) => connection.stats());
    const runs = connections.map((connection) =>
      streamLoops(connection, id, ending.signal, onMeasure)
        .run(work)
        .catch((thrown: unknown) => {
          ending.abort(thrown);
          throw thrown;
        }),
    );
    await Promise.allSettled(runs);
    const results = await Promise.all(runs);
    for (const connection of connections) end.give(connection);
    return { ...summed(results), path: pathOf(connections, before) };
  } catch (thrown) {
    for (const connection of connections)
      connection.abort(new XferError('ERR_XFER_INTERRUPTED', 'a run failed'));
    throw ending.signal.aborted ? ending.signal.reason : thrown;
  } finally {
    stopTelling();
    signal.removeEventListener('abort', interrupt);
  }
}

/** What all have done, in the time that it would have taken by the sum of their rates: they begin and end nearly together. */
function summed(results: readonly RunResult[]): RunResult {
  const sum = (value: (result: RunResult) => number): number =>
    results.reduce((all, result) => all + value(result), 0);
  const totalBytes = sum((result) => result.totalBytes);
  const halfTrips = new Histogram();
  for (const result of results) if (result.halfTrips) halfTrips.addAll(result.halfTrips);
  return {
    ...{ iterations: sum((result) => result.iterations), totalBytes },
    seconds: totalBytes / sum((result) => result.totalBytes / result.seconds),
    ...(halfTrips.count > 0 ? { halfTrips } : {}),
  };
}

/** By what the connections count, headers included: near enough to look at. */
function tellProgress(
  connections: readonly Connection[],
  onProgress: (progress: RunProgress) => void,
): () => void {
  const moved = (connection: Connection): number => {
    const { bytesSent, bytesReceived } = connection.stats();
    return bytesSent + bytesReceived;
  };
  const before = connections.map(moved);
  const began = performance.now();
  const timer = setInterval(() => {
    const lanes = connections.map((connection, lane) => moved(connection) - (before[lane] ?? 0));
    const [first] = connections;
    const rttMs = first?.stats().rttMs ?? 0;
    onProgress({
      seconds: (performance.now() - began) / 1000,
      bytes: lanes.reduce((all, bytes) => all + bytes, 0),
      lanes,
      ...(rttMs > 0 ? { rttMs } : {}),
    });
  }, benchDefaults.progressMs);
  return () => clearInterval(timer);
}

function pathOf(connections: readonly Connection[], before: readonly ConnectionStats[]): PathFacts {
  const after = connections.map((connection) => connection.stats());
  const rttMs = after[0]?.rttMs ?? 0;
  const grown = (value: (stats: ConnectionStats) => number): number =>
    after.reduce((all, stats, lane) => all + value(stats) - (before[lane] ? value(before[lane]) : 0), 0);
  const datagrams = grown(({ datagramsSent = 0 }) => datagramsSent);
  return {
    lanes: connections.length,
    ...(rttMs > 0 ? { rttMs } : {}),
    ...(datagrams > 0 ? { lossShare: Math.min(1, grown(({ lost }) => lost) / datagrams) } : {}),
  };
}
