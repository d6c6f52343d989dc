import type { BenchReport, BenchRow, BenchSkipped } from '../bench/report.js';
import { formatRate } from '../config/quantity.js';
import { printable } from '../transfer/printable.js';
import { indented, type TableStyle } from './table-style.js';

/** Tables of rows as they come: a new one where the pattern changes. `print` writes a line. */
export function benchTables(
  style: TableStyle,
  print: (line: string) => void,
): { row(row: BenchRow): void; end(report: BenchReport): void } {
  let pattern: BenchRow['pattern'] | undefined;
  const isOfMessages = (row: BenchRow): boolean => row.pattern === 'latency' || row.pattern === 'memory';
  return {
    row: (row) => {
      const head = isOfMessages(row) ? messageHead : contentHead;
      if (row.pattern !== pattern)
        print(`${pattern === undefined ? '' : '\n'}${titles[row.pattern]}\n${style.paint('dim', head)}`);
      pattern = row.pattern;
      print(isOfMessages(row) ? messageLine(row) : contentLine(row));
      for (const { contestant, ratio, min, max } of row.besides ?? [])
        print(`  ${ratio.toFixed(2)} of ${printable(contestant)} (${min.toFixed(2)} to ${max.toFixed(2)})`);
    },
    end: ({ skipped, rows, machine, kernel, node }) => {
      if (skipped.length > 0) print('');
      for (const one of skipped) print(skippedLine(one, style));
      if (rows.some(isOfMessages)) print(`\n${indented('', unsealed, style)}`);
      print(style.paint('dim', `${machine} · ${kernel} · Node ${node}`));
    },
  };
}

export function skippedLine({ name, code, reason, remedy }: BenchSkipped, style: TableStyle): string {
  const said = indented(`${printable(name)}  `, `skipped: ${printable(reason)} (${code})`, style);
  return `${style.paint('yellow', said)}\n  try: ${printable(remedy)}`;
}

const unsealed =
  'Rates of latency and memory are of bare transports, unsealed, from memory to memory: what a transfer adds is not in them.';
const titles = {
  file: 'file: one large file, whole commands, from the start of the first until both ends have finished',
  pipe: 'pipe: from stdin to stdout, whole commands',
  'small-files': 'small-files: a directory of them, whole commands',
  streams: 'streams: all open at once; times are from the opening to the first byte at the far end',
  latency: 'latency: a message there and one back; times are halves of round trips',
  memory: 'memory: messages one way, a window of 64 under way; time is until the last is acknowledged',
} as const;

const messageColumns = [7, 10, 9, 9, 12, 12, 12, 10, 10] as const;
const messageHead = line(
  messageColumns,
  ['bytes', 'iters', 'total', 'time', 'MB/sec', 'usec/xfer', 'Mxfers/sec', 'median', 'p99'],
  'by',
);
const contentColumns = [9, 9, 9, 12, 24, 12] as const;
const contentHead = line(
  contentColumns,
  ['bytes', 'count', 'time', 'rate', 'least to most', 'a second'],
  'by',
);

/** With the columns of fabtests; times without a unit are microseconds. */
function messageLine(row: BenchRow): string {
  const { latency, bytes, iterations, totalBytes, seconds } = row;
  const cells = [
    ...[binary(bytes), String(iterations), binary(totalBytes), `${seconds.toFixed(2)}s`],
    (row.bytesPerSecond / 1e6).toFixed(2),
    row.usPerTransfer.toFixed(2),
    (row.transfersPerSecond / 1e6).toFixed(4),
    ...(latency ? [latency.medianUs.toFixed(2), latency.p99Us.toFixed(2)] : ['', '']),
  ];
  return line(messageColumns, cells, byOf(row));
}

function contentLine(row: BenchRow): string {
  const { bytes, count, seconds, bytesPerSecond, transfersPerSecond, spread, latency } = row;
  const many = count > 1 ? transfersPerSecond.toFixed(0) : '';
  const first = latency
    ? `, first byte ${latency.medianUs.toFixed(0)} us (p99 ${latency.p99Us.toFixed(0)})`
    : '';
  const cells = [
    ...[binary(bytes), String(count), `${seconds.toFixed(2)}s`, formatRate(bytesPerSecond)],
    ...[`${formatRate(spread.min)} to ${formatRate(spread.max)}`, many],
  ];
  return line(contentColumns, cells, `${byOf(row)}, ${row.isSealed ? 'sealed' : 'plain'}${first}`);
}

function byOf({ contestant, provider, isBothWays }: BenchRow): string {
  const over = provider === undefined ? '' : ` (${printable(provider)})`;
  return `${printable(contestant)}${over}${isBothWays ? ', both ways' : ''}`;
}

function line(columns: readonly number[], cells: readonly string[], by: string): string {
  return `${cells.map((cell, at) => cell.padStart(columns[at] ?? 0)).join('')}  ${by}`;
}

/** `64`, `1k`, `4m`, `1.3g`: powers of 1024, as fabtests write them. */
function binary(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${Number.isInteger(value) ? value : value.toFixed(1)}${units[unit] ?? ''}`;
}

const units = ['', 'k', 'm', 'g', 't'] as const;
