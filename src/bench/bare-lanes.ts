import { benchDefaults } from '../config/index.js';
import { XferError } from '../errors/index.js';
import { Histogram } from '../app/histogram.js';
import type { Connection, ConnectionStats } from '../transport/contract.js';
import type { OnMeasure } from './bare-cpu.js';
import type { BareEnd } from './bare-end.js';
import type { RunProgress, RunResult } from './contract.js';
import type { PathFacts } from './report.js';
import { TcpLoss } from './tcp-loss.js';
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
  /** Nothing but the bench is in the network of this process. */
  readonly isAlone?: boolean | undefined;
  onProgress(progress: RunProgress): void;
  /** Called by each lane. */
  readonly onMeasure?: OnMeasure;
}

/** The work over that many connections at once. Where one fails all end, and it rejects with why. */
export async function runLanes(run: LanesRun): Promise<RunResult> {
  const { end, id, work, lanes, signal, onMeasure } = run;
  const connections: Connection[] = [];
  const ending = new AbortController();
  const interrupt = (): void => ending.abort(signal.reason);
  signal.addEventListener('abort', interrupt, { once: true });
  let stopTelling = (): void => undefined;
  try {
    signal.throwIfAborted();
    for (let lane = 0; lane < lanes; lane++) connections.push(await end.take());
    const facts = new LaneFacts(connections, run.isAlone === true);
    stopTelling = tellProgress(connections, facts, run.onProgress);
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
    return { ...summed(results), path: { lanes: connections.length, ...facts.now() } };
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
  facts: LaneFacts,
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
    onProgress({
      seconds: (performance.now() - began) / 1000,
      bytes: lanes.reduce((all, bytes) => all + bytes, 0),
      lanes,
      ...facts.now(),
    });
  }, benchDefaults.progressMs);
  return () => clearInterval(timer);
}

/** What connections find of their path, from when this is made. */
class LaneFacts {
  readonly #connections: readonly Connection[];
  readonly #before: readonly ConnectionStats[];
  readonly #tcpLoss = new TcpLoss();
  readonly #isAlone: boolean;

  constructor(connections: readonly Connection[], isAlone: boolean) {
    this.#connections = connections;
    this.#before = connections.map((connection) => connection.stats());
    this.#isAlone = isAlone;
    if (isAlone) this.#tcpLoss.look('self');
  }

  now(): Pick<PathFacts, 'rttMs' | 'lossShare'> {
    const after = this.#connections.map((connection) => connection.stats());
    const rttMs = after[0]?.rttMs ?? 0;
    const grown = (value: (stats: ConnectionStats) => number): number =>
      after.reduce((all, stats, lane) => {
        const before = this.#before[lane];
        return all + value(stats) - (before ? value(before) : 0);
      }, 0);
    const datagrams = grown(({ datagramsSent = 0 }) => datagramsSent);
    const lossShare =
      datagrams > 0 ? Math.min(1, grown(({ lost }) => lost) / datagrams) : this.#lossOfTcp(after);
    return {
      ...(rttMs > 0 ? { rttMs } : {}),
      ...(lossShare === undefined ? {} : { lossShare }),
    };
  }

  /** Where the transport counts datagrams itself, what TCP beside it does is another's. */
  #lossOfTcp(stats: readonly ConnectionStats[]): number | undefined {
    if (!this.#isAlone || stats.some(({ datagramsSent }) => datagramsSent !== undefined)) return undefined;
    this.#tcpLoss.look('self');
    return this.#tcpLoss.share;
  }
}
