import { Histogram } from '../app/histogram.js';
import type { Contestant, RunResult } from './contract.js';
import { entryId } from './entry-id.js';
import type { BenchEntry, BenchLatency, BenchRow, BenchSample, ProcessTime } from './report.js';
import type { BenchWork } from './work.js';

/** What rows and progress of a contestant say of it. */
export function benchEntry(work: BenchWork, contestant: Contestant): BenchEntry {
  const { name, kind, transport, loops, provider, isSealed, how } = contestant;
  const { pattern, bytes, count, isBothWays } = work;
  return {
    id: entryId(work, contestant),
    ...{ pattern, bytes, count, isBothWays },
    ...{ contestant: name, kind, isSealed },
    ...(transport === undefined ? {} : { transport }),
    ...(loops === undefined ? {} : { loops }),
    ...(provider === undefined ? {} : { provider }),
    ...(how === undefined ? {} : { how }),
  };
}

/** The row of some runs of the same, at least one. What it is beside others is not in it yet. */
export function benchRow(entry: BenchEntry, runs: readonly RunResult[]): BenchRow {
  const samples = runs.map((run) => benchSample(entry, run));
  const all = new Histogram();
  for (const { halfTrips } of runs) if (halfTrips) all.addAll(halfTrips);
  const rates = samples.map(({ bytesPerSecond }) => bytesPerSecond);
  const cpu = cpuPerGiB(samples);
  return {
    ...entry,
    ...medianOf(samples),
    ...(all.count > 0 ? { latency: latencyOf(all) } : {}),
    spread: { min: Math.min(...rates), max: Math.max(...rates) },
    ...(cpu.length > 0 ? { cpuSecondsPerGiB: cpu } : {}),
    samples,
  };
}

export function benchSample({ pattern, isBothWays }: BenchEntry, run: RunResult): BenchSample {
  const { iterations, totalBytes, seconds, insideSeconds, halfTrips, cpu, path } = run;
  const transfers = pattern === 'latency' || isBothWays ? 2 * iterations : iterations;
  return {
    ...{ iterations, totalBytes, seconds },
    bytesPerSecond: totalBytes / seconds,
    usPerTransfer: (seconds * 1e6) / transfers,
    transfersPerSecond: transfers / seconds,
    ...(halfTrips && halfTrips.count > 0 ? { latency: latencyOf(halfTrips) } : {}),
    ...(insideSeconds === undefined ? {} : { insideSeconds }),
    ...(cpu ? { cpu } : {}),
    ...(path ? { path } : {}),
  };
}

/** The middle one; of an even number the lower of both. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[(sorted.length - 1) >> 1] ?? NaN;
}

function medianOf(samples: readonly BenchSample[]): BenchSample {
  const rate = median(samples.map(({ bytesPerSecond }) => bytesPerSecond));
  const found = samples.find(({ bytesPerSecond }) => bytesPerSecond === rate);
  if (!found) throw new RangeError('a row has at least one run');
  return found;
}

/** Of processes that are in every sample. */
function cpuPerGiB(samples: readonly BenchSample[]): readonly ProcessTime[] {
  const names = samples[0]?.cpu?.map((one) => one.process) ?? [];
  return names.flatMap((process) => {
    const all = samples.flatMap(({ cpu = [], totalBytes }) =>
      cpu
        .filter((one) => one.process === process)
        .slice(0, 1)
        .map(({ seconds }) => (seconds * 2 ** 30) / totalBytes),
    );
    return all.length === samples.length ? [{ process, seconds: median(all) }] : [];
  });
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
