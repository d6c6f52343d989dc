import { describe, expect, it } from 'vitest';
import { PassHistory } from '../../../src/bench/pass-history.js';
import type { BenchRow } from '../../../src/bench/report.js';
import { binarySize, formatFigure, formatRange, significant } from '../../../src/ui/bench-figures.js';
import { passesTables } from '../../../src/ui/bench-passes.js';
import { benchTables, rowLine, skippedLines } from '../../../src/ui/bench-table.js';
import { tableStyle } from '../../../src/ui/table-style.js';
import { fileContestants, fileWork, latencyWork, rowOf, smallFilesWork } from '../../support/bench-feed.js';

const evil = '\u001b[2Jevil\u202e';
const wobbles = [0.93, 1, 1.08, 1.02, 0.97];
const style = (columns: number, env: NodeJS.ProcessEnv = { NO_COLOR: '1' }) =>
  tableStyle({ json: false }, { isTTY: true, columns }, env);
const besides = [
  { contestant: 'scp', ratio: 1.955, min: 1.7, max: 2.2 },
  { contestant: 'rsync over ssh', ratio: 2.5192, min: 2.4, max: 2.6 },
];
const files: readonly BenchRow[] = fileContestants.map((fed) => ({
  ...rowOf(fileWork, fed, wobbles),
  ...(fed.contestant === 'tcp' ? { besides } : {}),
}));
const latencies = fileContestants
  .slice(0, 2)
  .map((fed) => rowOf(latencyWork, { ...fed, speed: fed.speed / 3e7 }, wobbles));
const trees = fileContestants
  .slice(0, 2)
  .map((fed) => rowOf(smallFilesWork, { ...fed, speed: fed.speed / 30 }, wobbles));

describe('the table of a work', () => {
  it('has at 80 columns what matters most, and says what it has not', () => {
    expect(benchTables([...files, ...latencies, ...trees], style(80))).toMatchInlineSnapshot(`
      "file 256 MiB, the median of 5 runs: one file from disk to disk
      contestant      content   GB/s   least–most  CPU s/GiB
      tcp             sealed    1.31    1.22–1.41       1.60
      udp             sealed   0.940   0.874–1.02       2.23
      scp             sealed   0.670  0.623–0.724       3.13
      rsync over ssh  sealed   0.520  0.484–0.562       4.03
      quic            sealed   0.350  0.326–0.378       5.98
      rsync daemon    plain     1.30    1.21–1.40       1.61
      reference       plain     5.60    5.21–6.05
      tcp beside: 1.96× scp (1.70–2.20), 2.52× rsync over ssh (2.40–2.60)
      no room here for: of which, lanes, RTT ms, held up by, run as; --json has all of
      it

      latency 64 B, the median of 5 runs: there and back; times are halves of round
      trips
      contestant  content    µs  least–most   p99  MB/s  CPU s/GiB
      udp         sealed   31.3   29.1–33.8  75.2  2.04       1030
      tcp         sealed   43.7   40.6–47.2   105  1.47       1430
      no room here for: average, most, of which, lanes, RTT ms, held up by, run as;
      --json has all of it

      small-files 2000 × 4 KiB, the median of 5 runs: a directory of files
      contestant  content  files/s  least–most  MB/s  CPU s/GiB
      tcp         sealed     10700  9910–11500  43.7       47.9
      udp         sealed      7650   7110–8260  31.3       66.8
      no room here for: of which, lanes, RTT ms, held up by, run as; --json has all of
      it"
    `);
  });

  it('has ratios, processors and the path as well at 200', () => {
    expect(benchTables(files, style(200))).toMatchInlineSnapshot(`
      "file 256 MiB, the median of 5 runs: one file from disk to disk
      contestant      content   GB/s   least–most  beside the most       CPU s/GiB  of which                      beside peers                                             lanes  RTT ms  held up by
      tcp             sealed    1.31    1.22–1.41  ████████████████████       1.60  sender 0.738, receiver 0.861  1.96× scp (1.70–2.20), 2.52× rsync over ssh (2.40–2.60)      2   0.120  open
      udp             sealed   0.940   0.874–1.02  ██████████████             2.23  sender 1.03, receiver 1.20                                                                 1   0.120  open
      scp             sealed   0.670  0.623–0.724  ██████████                 3.13  sender 1.44, receiver 1.68
      rsync over ssh  sealed   0.520  0.484–0.562  ████████                   4.03  sender 1.86, receiver 2.17
      quic            sealed   0.350  0.326–0.378  █████                      5.98  sender 2.76, receiver 3.22                                                                 1   0.120  open
      rsync daemon    plain     1.30    1.21–1.40  ████████████████████       1.61  sender 0.743, receiver 0.867
      reference       plain     5.60    5.21–6.05
      no room here for: run as; --json has all of it"
    `);
  });

  it.each([200, 120, 80, 40])('keeps within %i columns', (columns) => {
    const name = 'a contestant whose name is longer than any column can be, even the first';
    const rows = [...files, { ...files[0]!, contestant: name, how: `${name} ${name} ${name}` }];
    const shown = benchTables(rows, style(columns)).split('\n');
    for (const line of shown) expect(line.length, line).toBeLessThanOrEqual(columns);
    expect(shown.filter((line) => /^a contestan.*… +sealed +1\.31/.test(line))).toHaveLength(1);
  });

  it('is a row a line where nothing is a terminal, without codes', () => {
    const text = benchTables(files, tableStyle({ json: false }, { isTTY: false }, {}));
    expect(text.split('\n').filter((line) => /^(scp|tcp|quic) /.test(line))).toHaveLength(3);
    expect(text).not.toContain('\u001b');
    expect(text).toMatch(
      /tcp .* sender 0\.\d+, receiver 0\.\d+ .* 1\.96× scp \(1\.70–2\.20\), 2\.52× rsync over ssh/,
    );
  });

  it('lets nothing that others chose reach the terminal as it is', () => {
    const row = {
      ...{ ...files[0]!, contestant: evil, how: evil, besides: [{ ...besides[0]!, contestant: evil }] },
      cpuSecondsPerGiB: [{ process: evil, seconds: 1 }],
      path: { bottleneck: evil },
    };
    const skipped = skippedLines([{ name: evil, code: evil, reason: evil, remedy: evil }], style(80));
    const history = new PassHistory();
    history.add(row);
    for (const text of [
      benchTables([row], style(Infinity)),
      rowLine(row),
      skipped,
      passesTables(history, style(80)),
    ]) {
      expect(text).toContain('evil');
      expect(text).not.toMatch(/\u001b|\u202e/);
    }
  });
});

it('what was skipped is told with reason and remedy, and nothing where nothing was', () => {
  const skipped = {
    name: 'mbuffer',
    code: 'ERR_XFER_NO_TRANSPORT',
    reason: 'it is not on PATH',
    remedy: 'apt install mbuffer',
  };
  expect(skippedLines([skipped], style(80))).toBe(
    'skipped\n  mbuffer  it is not on PATH (ERR_XFER_NO_TRANSPORT)\n    try: apt install mbuffer',
  );
  expect(skippedLines([], style(80))).toBeUndefined();
});

it('a row is a line', () => {
  expect(rowLine(files[0]!)).toBe('file 256 MiB  tcp  sealed  1.31 GB/s (1.22–1.41 GB/s)');
});

it('passes are told by least, median and most', () => {
  const history = new PassHistory();
  for (const wobble of [1, 0.8, 1.1]) history.add(rowOf(fileWork, fileContestants[0]!, [wobble]));
  expect(passesTables(history, style(80))).toBe(
    [
      'file 256 MiB',
      'contestant  median GB/s   min   max  last  passes  pass by pass',
      'tcp                1.31  1.05  1.44  1.44       3  █▆█',
    ].join('\n'),
  );
  expect(passesTables(new PassHistory(), style(80))).toBeUndefined();
});

describe('a figure', () => {
  it.each([
    [1379.6, '1380'],
    [999.6, '1000'],
    [99.96, '100'],
    [12.345, '12.3'],
    [9.999, '10.0'],
    [0.012345, '0.0123'],
    [0, '0'],
  ])('of %d has three significant digits: %s', (value, text) => expect(significant(value)).toBe(text));

  it('has the unit of what it is about', () => {
    expect(formatFigure('file', 1.379e9)).toBe('1.38 GB/s');
    expect(formatFigure('latency', 41.234)).toBe('41.2 µs');
    expect(formatFigure('latency', 999.7)).toBe('1.00 ms');
    expect(formatFigure('latency', 2_000_000)).toBe('2.00 s');
    expect(formatFigure('small-files', 7_650)).toBe('7650 files/s');
    expect(formatFigure('streams', 123_456)).toBe('123 k streams/s');
    expect(formatRange('pipe', 0.9e9, 1.2e9)).toBe('0.900–1.20 GB/s');
    expect([64, 4096, 1_500_000, 2 ** 28].map(binarySize)).toEqual(['64 B', '4 KiB', '1.43 MiB', '256 MiB']);
  });
});
