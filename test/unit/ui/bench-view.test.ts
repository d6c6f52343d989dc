import { describe, expect, it } from 'vitest';
import type { BenchReport, BenchRow } from '../../../src/bench/events.js';
import { benchView } from '../../../src/ui/bench-view.js';
import { tableStyle } from '../../../src/ui/table-style.js';

const figures = {
  ...{ iterations: 1000, totalBytes: 8_192_000, seconds: 0.5 },
  ...{ bytesPerSecond: 16_384_000, usPerTransfer: 250, transfersPerSecond: 4000 },
};
const latency = { minUs: 200, medianUs: 240.5, p99Us: 400.25, averageUs: 250, maxUs: 500 };
const what = { transport: 'tcp', loops: 'javascript', messageBytes: 4096, samples: [figures] } as const;
const rows: readonly BenchRow[] = [
  { ...what, ...figures, pattern: 'latency', latency },
  { ...what, ...figures, pattern: 'memory', messageBytes: 1_000_000 },
];
const report: BenchReport = {
  ...{ schema: 'xfer-bench', version: 1, machine: '2 × core, 4 GiB', kernel: 'Linux 6', node: 'v20.1.0' },
  ...{ date: '2026-01-02T03:04:05.000Z', sealed: false },
  parameters: {
    ...{ patterns: ['latency', 'memory'], sizes: [4096], limit: { timeMs: 100 }, repeats: 1 },
    ...{ target: null, transports: ['tcp', 'rdma'], provider: null },
  },
  ...{ transports: [], rows, skipped: [] },
};

function shown(json: boolean): string[] {
  const lines: string[] = [];
  const style = tableStyle({ json }, { isTTY: false }, {});
  const view = benchView(style, (line) => lines.push(...line.split('\n')));
  const skipped = { transport: 'rdma', code: 'ERR_XFER_NO_TRANSPORT', reason: 'no\u001b[2J addon' };
  view.onSkipped({ ...skipped, remedy: 'install it' });
  view.onTransport({ transport: 'tcp', address: 'tcp://127.0.0.1:9', isLocal: true });
  for (const row of rows) view.onRow(row);
  view.onReport(report);
  return lines;
}

describe('what a bench shows', () => {
  it('is a table for each pattern, and says that rates are unsealed', () => {
    expect(shown(false)).toEqual([
      'rdma  skipped: no\\u{1b}[2J addon (ERR_XFER_NO_TRANSPORT)',
      '  try: install it',
      'tcp  both ends on this machine',
      '',
      'latency: a message there and one back; times are halves of round trips',
      '  bytes     iters    total     time      MB/sec   usec/xfer  Mxfers/sec    median       p99  by',
      '     4k      1000     7.8m    0.50s       16.38      250.00      0.0040    240.50    400.25  javascript',
      '',
      'memory: messages one way, a window of 64 under way; time is until the last is acknowledged',
      '  bytes     iters    total     time      MB/sec   usec/xfer  Mxfers/sec    median       p99  by',
      ' 976.6k      1000     7.8m    0.50s       16.38      250.00      0.0040                      javascript',
      '',
      'Rates are of the bare transport, unsealed, from memory to memory: what a transfer adds is not in them.',
      '2 × core, 4 GiB · Linux 6 · Node v20.1.0',
    ]);
  });

  it('is an object a line for programs, the report the last', () => {
    const objects = shown(true).map((line) => JSON.parse(line) as { event: string });
    expect(objects.map(({ event }) => event)).toEqual(['skipped', 'transport', 'row', 'row', 'bench']);
    expect(objects.at(-1)).toEqual({ event: 'bench', ...report });
    expect(objects[2]).toEqual({ event: 'row', ...rows[0] });
  });
});
