import { describe, expect, it } from 'vitest';
import type { BenchReport, BenchRow } from '../../../src/bench/report.js';
import type { BenchWork } from '../../../src/bench/work.js';
import { benchView } from '../../../src/ui/bench-view.js';
import { tableStyle } from '../../../src/ui/table-style.js';

const figures = {
  ...{ iterations: 1000, totalBytes: 8_192_000, seconds: 0.5 },
  ...{ bytesPerSecond: 16_384_000, usPerTransfer: 250, transfersPerSecond: 4000 },
};
const latency = { minUs: 200, medianUs: 240.5, p99Us: 400.25, averageUs: 250, maxUs: 500 };
const what = {
  kind: 'xfer',
  ...{ contestant: 'tcp', transport: 'tcp', isSealed: false, isBothWays: false, count: 1 },
  ...{ samples: [figures], spread: { min: 16e6, max: 17e6 } },
} as const;
const ofFile = { ...what, ...figures, pattern: 'file', bytes: 2 ** 28, isSealed: true } as const;
const rows: readonly BenchRow[] = [
  { ...what, ...figures, id: 'latency/4KiB/tcp', pattern: 'latency', bytes: 4096, latency },
  { ...what, ...figures, id: 'memory/1000000/tcp', pattern: 'memory', bytes: 1_000_000, provider: 'shm' },
  {
    ...{ ...ofFile, id: 'file/256MiB/tcp' },
    besides: [{ contestant: 'scp\u001b[2J', ratio: 1.5, min: 1.25, max: 2 }],
  },
  { ...ofFile, id: 'file/256MiB/scp', kind: 'peer', contestant: 'scp\u001b[2J' },
];
const report: BenchReport = {
  ...{ schema: 'xfer-bench', version: 2, machine: '2 × core, 4 GiB', kernel: 'Linux 6', node: 'v20.1.0' },
  ...{ cores: 2, xfer: '1.0.0', commit: null, date: '2026-01-02T03:04:05.000Z' },
  parameters: {
    ...{ works: [], repeats: 1, target: null, transports: ['tcp'], peers: [], hops: 0, lanes: null },
    ...{ recordBytes: null, congestion: null, mtuBytes: null, provider: null, link: null },
    ...{ isSealed: true, isBothWays: false },
  },
  rows,
  skipped: [
    { name: 'rdma', code: 'ERR_XFER_NO_TRANSPORT', reason: 'no\u001b[2J addon', remedy: 'install it' },
  ],
  verdict: { bottleneck: 'unknown', findings: [], advice: [] },
};

const workOf = ({ pattern, bytes, count, isBothWays }: BenchRow): BenchWork => ({
  ...{ pattern, bytes, count, isBothWays },
  limit: { iterations: 1 },
});

function shown(json: boolean): string[] {
  const lines: string[] = [];
  const style = tableStyle({ json }, { isTTY: false }, {});
  const view = benchView(style, (line) => lines.push(...line.split('\n')));
  for (const skipped of report.skipped) view.onSkipped(skipped);
  for (const row of rows) {
    const isSweep = row.pattern !== 'file';
    if (row.kind === 'xfer') view.onWork(workOf(row), [], { at: 1, of: 3, rounds: 1, isSweep });
    view.onRow(row);
  }
  view.onReport(report);
  return lines;
}

describe('what a bench shows', () => {
  it('is a table for each work, by size with the columns of fabtests, what was skipped, and what it means', () => {
    const lines = shown(false);
    expect(lines.join('\n')).toMatchInlineSnapshot(`
      "latency: a message there and one back; times are halves of round trips
        bytes     iters    total     time      MB/sec   usec/xfer  Mxfers/sec    median       p99  by
           4k      1000     7.8m    0.50s       16.38      250.00      0.0040    240.50    400.25  tcp

      memory: messages one way, a window of 64 under way; time is until the last is acknowledged
        bytes     iters    total     time      MB/sec   usec/xfer  Mxfers/sec    median       p99  by
       976.6k      1000     7.8m    0.50s       16.38      250.00      0.0040                      tcp (shm)

      file 256 MiB, one run: one file from disk to disk
      contestant    content  MB/s  beside the most       beside peers
      tcp           sealed   16.4  ████████████████████  1.50× scp\\u{1b}[2J (1.25–2.00)
      scp\\u{1b}[2J  sealed   16.4  ████████████████████

      skipped
        rdma  no\\u{1b}[2J addon (ERR_XFER_NO_TRANSPORT)
          try: install it

      Rates of latency and memory are of bare transports, unsealed, from memory to memory: what a transfer adds is not in them.

      verdict

      2 × core, 4 GiB · Linux 6 · Node v20.1.0"
    `);
  });

  it('is an object a line for programs, the report the last', () => {
    const objects = shown(true).map((line) => JSON.parse(line) as { event: string });
    expect(objects.map(({ event }) => event).join(' ')).toBe('skipped work row work row work row row bench');
    expect(objects.at(-1)).toEqual({ event: 'bench', ...report });
    expect(objects[2]).toEqual({ event: 'row', ...rows[0] });
  });
});
