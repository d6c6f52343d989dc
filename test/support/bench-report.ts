import type { BenchReport, BenchRow, BenchSample } from '../../src/bench/report.js';

/** A row of so many runs with these rates; what is not said is of a file of 1 GiB that tcp carries, sealed. */
export function rowOf(rates: readonly number[], over: Partial<BenchRow> = {}): BenchRow {
  const { bytes = 2 ** 30, pattern = 'file', contestant = 'tcp', count = 1 } = over;
  const samples = rates.map((rate): BenchSample => sampleOf(rate, bytes * count, pattern, over));
  const sorted = samples.toSorted((one, other) => one.bytesPerSecond - other.bytesPerSecond);
  const middle = sorted[(sorted.length - 1) >> 1] as BenchSample;
  return {
    id: `${pattern} ${bytes} ${count} ${contestant}`,
    ...{ pattern, bytes, count, isBothWays: false, contestant, kind: 'xfer', isSealed: true },
    ...(over.kind === undefined ? { transport: 'tcp' } : {}),
    ...middle,
    spread: { min: sorted[0]?.bytesPerSecond ?? 0, max: sorted.at(-1)?.bytesPerSecond ?? 0 },
    samples,
    ...over,
  };
}

function sampleOf(
  rate: number,
  totalBytes: number,
  pattern: BenchRow['pattern'],
  { cpu, path }: Partial<BenchRow>,
): BenchSample {
  const seconds = totalBytes / rate;
  const us = seconds * 1e6;
  return {
    ...{
      iterations: 1,
      totalBytes,
      seconds,
      bytesPerSecond: rate,
      usPerTransfer: us,
      transfersPerSecond: 1 / seconds,
    },
    ...(pattern === 'latency'
      ? { latency: { minUs: us / 2, medianUs: us, p99Us: 3 * us, averageUs: 1.1 * us, maxUs: 9 * us } }
      : {}),
    ...(cpu ? { cpu } : {}),
    ...(path ? { path } : {}),
  };
}

export function referenceOf(rates: readonly number[], over: Partial<BenchRow> = {}): BenchRow {
  return rowOf(rates, { kind: 'reference', contestant: 'reference', isSealed: false, ...over });
}

/** Of this machine on one day. */
export function reportOf(rows: readonly BenchRow[], over: Partial<BenchReport> = {}): BenchReport {
  return {
    ...{ schema: 'xfer-bench', version: 2, machine: '2 × Some Processor, 8 GiB', cores: 2 },
    ...{ kernel: 'Linux 6.1.0', node: 'v20.19.0', xfer: '0.1.0', commit: 'f286746' },
    date: '2026-11-22T08:00:00.000Z',
    parameters: {
      works: [{ pattern: 'file', bytes: 2 ** 30, count: 1, limit: { iterations: 1 } }],
      ...{ repeats: 5, target: null, transports: ['tcp'], peers: ['scp'], hops: 0, lanes: null },
      ...{ recordBytes: null, congestion: null, mtuBytes: null, provider: null },
      ...{ isSealed: true, isBothWays: false, link: null },
    },
    rows,
    skipped: [],
    verdict: { bottleneck: 'unknown', findings: [], advice: [] },
    ...over,
  };
}

/** One row of each kind, with every field that a report can have. */
export function wholeReport(): BenchReport {
  const back = { bitsPerSecond: 2e9, delayMs: 0.2, lossShare: 0.001, queueBytes: 2e6 };
  const times = [
    { process: 'sender', seconds: 0.9 },
    { process: 'receiver', seconds: 1.1 },
  ];
  const file = rowOf([7e8, 7.5e8, 7.6e8], {
    ...{ cpu: times, cpuSecondsPerGiB: times, how: 'xfer send', insideSeconds: 1.2 },
    path: { lanes: 1, rttMs: 0.1, lossShare: 0, bottleneck: 'seal' },
    besides: [{ contestant: 'scp', ratio: 1.31, min: 1.2, max: 1.42 }],
  });
  return reportOf(
    [
      { ...file, samples: file.samples.map((sample) => ({ ...sample, insideSeconds: 1.2 })) },
      rowOf([5.6e8, 5.7e8, 5.8e8], { contestant: 'scp', kind: 'peer', how: 'scp -c aes128-gcm@openssh.com' }),
      referenceOf([3e9, 3.1e9, 3.2e9]),
      rowOf([1e6, 1.1e6, 1.2e6], {
        ...{ pattern: 'latency', bytes: 64, contestant: 'rdma, native', transport: 'rdma' },
        ...{ loops: 'native', provider: 'shm', isSealed: false },
      }),
    ],
    {
      parameters: {
        ...reportOf([]).parameters,
        works: [
          { pattern: 'file', bytes: 2 ** 30, count: 1, limit: { iterations: 1 } },
          { pattern: 'latency', bytes: 64, count: 1, limit: { timeMs: 100 } },
        ],
        link: { name: 'lan', bitsPerSecond: 1e9, delayMs: 0.1, lossShare: 0, queueBytes: 1e6, back, seed: 1 },
      },
      skipped: [
        {
          ...{ name: 'rsync', code: 'ERR_XFER_NOT_FOUND', reason: 'rsync is not on PATH' },
          remedy: 'install rsync',
        },
      ],
      verdict: {
        ...{ bottleneck: 'processor', share: 0.24 },
        findings: ['tcp carried 750 MB/s.'],
        advice: ['xfer bench --lanes 2'],
      },
    },
  );
}
