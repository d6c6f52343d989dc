import type { BenchObserver } from '../../src/bench/observer.js';
import type { BenchEntry, BenchRow, BenchSample } from '../../src/bench/report.js';
import type { BenchPattern, BenchWork } from '../../src/bench/work.js';

const MiB = 2 ** 20;

export const fileWork: BenchWork = {
  ...{ pattern: 'file', bytes: 256 * MiB, count: 1, limit: { iterations: 1 }, isBothWays: false },
};
export const latencyWork: BenchWork = {
  ...{ pattern: 'latency', bytes: 64, count: 1, limit: { timeMs: 200 }, isBothWays: false },
};
export const smallFilesWork: BenchWork = {
  ...{ pattern: 'small-files', bytes: 4096, count: 2000, limit: { iterations: 1 }, isBothWays: false },
};

/** Who runs in the feed, and how fast: bytes a second, or microseconds of half a round trip. */
export interface FedContestant extends Pick<BenchEntry, 'contestant' | 'kind' | 'isSealed' | 'how'> {
  readonly speed: number;
  readonly lanes?: number;
}

export const fileContestants: readonly FedContestant[] = [
  { contestant: 'tcp', kind: 'xfer', isSealed: true, speed: 1.31e9, lanes: 2, how: 'xfer send over tcp' },
  { contestant: 'udp', kind: 'xfer', isSealed: true, speed: 0.94e9, lanes: 1, how: 'xfer send over udp' },
  { contestant: 'quic', kind: 'xfer', isSealed: true, speed: 0.35e9, lanes: 1, how: 'xfer send over quic' },
  {
    ...{ contestant: 'scp', kind: 'peer', isSealed: true, speed: 0.67e9 },
    how: 'scp -c aes128-gcm@openssh.com -o Compression=no',
  },
  { contestant: 'rsync over ssh', kind: 'peer', isSealed: true, speed: 0.52e9, how: 'rsync -a -e ssh' },
  { contestant: 'rsync daemon', kind: 'peer', isSealed: false, speed: 1.3e9, how: 'rsync -a rsync://' },
  { contestant: 'reference', kind: 'reference', isSealed: false, speed: 5.6e9 },
];

export function entryOf(work: BenchWork, { contestant, kind, isSealed, how }: FedContestant): BenchEntry {
  const { pattern, bytes, count, isBothWays } = work;
  return {
    ...{
      id: `${pattern}/${bytes}/${contestant}`,
      pattern,
      bytes,
      count,
      isBothWays,
      contestant,
      kind,
      isSealed,
    },
    ...(how === undefined ? {} : { how }),
  };
}

/** A run of it; `wobble` is what its speed is multiplied with. */
export function sampleOf(work: BenchWork, { speed, kind, lanes }: FedContestant, wobble = 1): BenchSample {
  const isLatency = work.pattern === 'latency';
  const iterations = isLatency ? 5000 : work.count;
  const totalBytes = (isLatency ? 2 : 1) * iterations * work.bytes;
  const medianUs = speed * wobble;
  const seconds = isLatency ? (medianUs * 2 * iterations) / 1e6 : totalBytes / (speed * wobble);
  const transfers = (isLatency ? 2 : 1) * iterations;
  const perGiB = (seconds / totalBytes) * 2 ** 30;
  return {
    ...{ iterations, totalBytes, seconds, bytesPerSecond: totalBytes / seconds },
    ...{ usPerTransfer: (seconds * 1e6) / transfers, transfersPerSecond: transfers / seconds },
    ...(isLatency
      ? {
          latency: {
            ...{ minUs: medianUs * 0.8, medianUs, p99Us: medianUs * 2.4 },
            ...{ averageUs: medianUs * 1.1, maxUs: medianUs * 40 },
          },
        }
      : {}),
    ...(kind === 'reference'
      ? {}
      : {
          cpu: [
            { process: 'sender', seconds: 0.9 * seconds },
            { process: 'receiver', seconds: 1.05 * perGiB * (seconds / perGiB) },
          ],
        }),
    ...(lanes === undefined ? {} : { path: { lanes, rttMs: 0.12, bottleneck: 'open' } }),
  };
}

export function rowOf(work: BenchWork, fed: FedContestant, wobbles: readonly number[] = [1]): BenchRow {
  const samples = wobbles.map((wobble) => sampleOf(work, fed, wobble));
  const rates = samples.map(({ bytesPerSecond }) => bytesPerSecond);
  const median = [...samples].sort((one, other) => one.bytesPerSecond - other.bytesPerSecond)[
    samples.length >> 1
  ]!;
  const gibs = median.totalBytes / 2 ** 30;
  const cpu = median.cpu?.map(({ process, seconds }) => ({ process, seconds: seconds / gibs }));
  return {
    ...{ ...entryOf(work, fed), ...median, samples },
    spread: { min: Math.min(...rates), max: Math.max(...rates) },
    ...(cpu ? { cpuSecondsPerGiB: cpu } : {}),
  };
}

/** Speeds that go up and down as those of a busy machine, the same each time. */
export function wobbleAt(at: number): number {
  return 1 + 0.12 * Math.sin(at * 1.7) + 0.05 * Math.sin(at * 0.31 + 1);
}

export interface FeedOptions {
  readonly rounds: number;
  /** Progress of a run. */
  readonly steps: number;
  readonly works: readonly (readonly [BenchWork, readonly FedContestant[]])[];
  /** Between two events; what is told of a step is 100 ms. */
  pause?(): Promise<void>;
}

/** Tells an observer of a whole bench, in the order of a real one. */
export async function feed(
  observer: BenchObserver,
  { rounds, steps, works, pause }: FeedOptions,
): Promise<void> {
  let told = 0;
  for (const [index, [work, all]] of works.entries()) {
    const entries = all.map((fed) => entryOf(work, fed));
    observer.onWork(work, entries, { at: index + 1, of: works.length, rounds });
    const wobbles = new Map<string, number[]>();
    for (let round = 1; round <= rounds; round++)
      for (const [who, fed] of all.entries()) {
        const entry = entries[who]!;
        const average = rateIn(work, fed);
        let bytes = 0;
        const lanes = Array.from({ length: fed.lanes ?? 0 }, () => 0);
        for (let step = 1; step <= steps; step++) {
          const more = average * 0.1 * wobbleAt(told++);
          bytes += more;
          for (const at of lanes.keys()) lanes[at] = (lanes[at] ?? 0) + more / lanes.length;
          observer.onProgress({
            ...{ entry, round, rounds, seconds: step / 10, bytes },
            ...(lanes.length > 0 ? { lanes: [...lanes], rttMs: 0.12 + step / 1000, lossShare: 0.0012 } : {}),
            ...(fed.kind === 'xfer'
              ? {
                  cpu: [
                    { process: 'sender', cores: 0.93 },
                    { process: 'receiver', cores: 1.07 },
                  ],
                }
              : {}),
          });
          await pause?.();
        }
        const wobble = wobbleAt(told);
        wobbles.set(entry.id, [...(wobbles.get(entry.id) ?? []), wobble]);
        observer.onSample(entry, round, sampleOf(work, fed, wobble));
      }
    for (const [who, fed] of all.entries()) observer.onRow(rowOf(work, fed, wobbles.get(entries[who]!.id)));
  }
}

function rateIn({ pattern, bytes }: BenchWork, { speed }: FedContestant): number {
  return (pattern satisfies BenchPattern) === 'latency' ? (bytes / speed) * 1e6 : speed;
}
