import type { BenchFigures, BenchLatency, BenchRow, BenchSample } from './events.js';
import type { BenchPattern } from './plan.js';
import type { RunResult } from './run.js';
import { Histogram } from '../app/histogram.js';

/** The row of some runs of the same: at least one. */
export function benchRow(
  what: Pick<BenchRow, 'transport' | 'loops' | 'provider' | 'pattern' | 'messageBytes'>,
  runs: readonly RunResult[],
): BenchRow {
  const samples = runs.map((run) => sampleOf(what.pattern, what.messageBytes, run));
  const all = new Histogram();
  for (const { halfTrips } of runs) if (halfTrips) all.addAll(halfTrips);
  return {
    ...what,
    ...medianOf(samples),
    ...(all.count > 0 ? { latency: latencyOf(all) } : {}),
    samples,
  };
}

function sampleOf(
  pattern: BenchPattern,
  messageBytes: number,
  { iterations, seconds, halfTrips }: RunResult,
): BenchSample {
  const transfers = pattern === 'latency' ? 2 * iterations : iterations;
  const totalBytes = transfers * messageBytes;
  return {
    ...{ iterations, totalBytes, seconds },
    bytesPerSecond: totalBytes / seconds,
    usPerTransfer: (seconds * 1e6) / transfers,
    transfersPerSecond: transfers / seconds,
    ...(halfTrips && halfTrips.count > 0 ? { latency: latencyOf(halfTrips) } : {}),
  };
}

/** Of an even number the slower of both in the middle. */
function medianOf(samples: readonly BenchSample[]): BenchFigures {
  const sorted = [...samples].sort((one, other) => one.bytesPerSecond - other.bytesPerSecond);
  const found = sorted[(sorted.length - 1) >> 1];
  if (!found) throw new RangeError('a row has at least one run');
  const { iterations, totalBytes, seconds, bytesPerSecond, usPerTransfer, transfersPerSecond } = found;
  return { iterations, totalBytes, seconds, bytesPerSecond, usPerTransfer, transfersPerSecond };
}

function latencyOf(halfTrips: Histogram): BenchLatency {
  return {
    minUs: halfTrips.leastUs,
    medianUs: halfTrips.quantileUs(0.5),
    p99Us: halfTrips.quantileUs(0.99),
    averageUs: halfTrips.averageUs,
    maxUs: halfTrips.mostUs,
  };
}
