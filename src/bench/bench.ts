import { asXferError, errorTable, exitStatus, XferError, type ErrorCode } from '../errors/index.js';
import { parseUrl } from '../transport/address.js';
import type { Connection, TransportTuning } from '../transport/contract.js';
import type { TransportRegistry } from '../transport/registry.js';
import { benchWays, otherEnd, type BenchWay } from './ends.js';
import type { BenchedTransport, BenchReport, BenchRow, BenchSkipped } from './events.js';
import { thisMachine } from './machine.js';
import { benchPlan, type BenchPlan, type PlanOptions } from './plan.js';
import { benchRow } from './row.js';
import type { BenchLoops, RunResult } from './run.js';
import { benchContestants } from './contestants.js';
import { probeTransport } from '../app/doctor-transports.js';
import { unlessAborted } from '../app/unless-aborted.js';

export interface BenchOptions extends PlanOptions {
  readonly transports: TransportRegistry;
  /** `[scheme://]host[:port]`, where `serveBench` runs. Default: a process on this machine, which is started for it. */
  readonly target?: string;
  /** Names of transports, or schemes. Default: all, with a scheme in the target that one. */
  readonly use?: readonly string[];
  readonly tuning?: TransportTuning;
  /** Aborting it ends all with its reason. */
  readonly signal: AbortSignal;
  onTransport?(transport: BenchedTransport): void;
  onRow?(row: BenchRow): void;
  onSkipped?(skipped: BenchSkipped): void;
}

const probeTimeoutMs = 5_000;

/**
 * What each transport does with messages of each size: bare, unsealed, from memory to memory. Rejects with the reason of a
 * transport that cannot be measured only where no other was, and whenever a run fails that was under way.
 */
export async function bench(options: BenchOptions): Promise<BenchReport> {
  const { transports, target, use = [], tuning } = options;
  const plan = benchPlan(options);
  const ways = benchWays(transports, use, target);
  const measured: BenchedTransport[] = [];
  const rows: BenchRow[] = [];
  const skipped: BenchSkipped[] = [];
  for (const way of ways) {
    const end = await reach(way, options);
    if ('reason' in end) {
      skipped.push(end);
      // Of a single one the error tells.
      if (ways.length > 1) options.onSkipped?.(end);
      continue;
    }
    measured.push(end.about);
    options.onTransport?.(end.about);
    const contestants = await benchContestants(end.connection, end.about, options, (lacking) => {
      skipped.push(lacking);
      options.onSkipped?.(lacking);
    });
    try {
      for await (const row of rowsOf(contestants.loops, way, plan)) {
        rows.push(row);
        options.onRow?.(row);
      }
      await contestants.close();
      await end.connection.close();
    } finally {
      end.stop();
    }
  }
  if (measured.length === 0) throw whyNone(skipped);
  return {
    ...{ schema: 'xfer-bench', version: 1, ...thisMachine(), sealed: false },
    parameters: {
      ...{ ...plan, target: target ?? null, transports: ways.map(({ transport }) => transport) },
      provider: tuning?.provider ?? null,
    },
    ...{ transports: measured, rows, skipped },
  };
}

interface ReachedEnd {
  readonly about: BenchedTransport;
  readonly connection: Connection;
  /** Ends the connection, and the other end where it was started for this. */
  stop(): void;
}

/** A connection to the other end, or why there is none. Rejects with the signal's reason alone. */
async function reach(way: BenchWay, options: BenchOptions): Promise<ReachedEnd | BenchSkipped> {
  const { transports, tuning, signal } = options;
  const probe = await probeTransport(transports, way.scheme, probeTimeoutMs, signal);
  if (!probe.ok) {
    const { code, reason, remedy } = probe;
    return { transport: way.transport, code, reason, remedy };
  }
  let stop: () => void = () => undefined;
  try {
    const end = await unlessAborted(
      signal,
      otherEnd(way, tuning).then((started) => {
        stop = started.stop;
        if (signal.aborted) stop();
        return started;
      }),
    );
    const transport = await transports.get(way.scheme);
    const connection = await transport.dial(parseUrl(end.address), { signal, ...(tuning ? { tuning } : {}) });
    const about = {
      ...{ transport: way.transport, address: end.address, isLocal: way.address === undefined },
    };
    const leave = (): void => {
      connection.abort(new XferError('ERR_XFER_INTERRUPTED', 'the bench is over'));
      stop();
    };
    return { about, connection, stop: leave };
  } catch (thrown) {
    stop();
    signal.throwIfAborted();
    const { code, message, remedy } = asXferError(thrown);
    const isRefused = code === 'ERR_XFER_CONNECTION_REFUSED';
    const { transport } = way;
    return {
      transport,
      code,
      reason: message,
      remedy: isRefused ? 'start xfer bench --serve there' : remedy,
    };
  }
}

/** What is compared runs by turns. */
async function* rowsOf(
  contestants: readonly BenchLoops[],
  { transport }: BenchWay,
  { patterns, sizes, limit, repeats }: BenchPlan,
): AsyncGenerator<BenchRow> {
  for (const pattern of patterns)
    for (const messageBytes of sizes) {
      const able = contestants.filter(({ mostBytes = Infinity }) => messageBytes <= mostBytes);
      const results = new Map(able.map((loops) => [loops, [] as RunResult[]]));
      for (let round = 0; round < repeats; round++)
        for (const [loops, runs] of results) runs.push(await loops.run(pattern, messageBytes, limit));
      for (const [{ name, provider }, runs] of results) {
        const over = provider === undefined ? {} : { provider };
        yield benchRow({ transport, loops: name, ...over, pattern, messageBytes }, runs);
      }
    }
}

/** Of several, one that is about more than that something is not there. */
function whyNone(skipped: readonly BenchSkipped[]): XferError {
  const errors = skipped.map(({ transport, code, reason, remedy }) => {
    const known = code in errorTable ? (code as ErrorCode) : 'ERR_XFER_NO_TRANSPORT';
    return new XferError(known, `${transport}: ${reason}`, { remedy });
  });
  const told = errors.find(({ exit }) => exit !== exitStatus.noTransport) ?? errors[0];
  return told ?? new XferError('ERR_XFER_NO_TRANSPORT', 'there is no transport to measure');
}
