import type { BenchRow } from '../bench/report.js';
import { printable } from '../transfer/printable.js';
import type { TableStyle } from './table-style.js';

/**
 * Of latency or memory by size: rows as they come, with the columns of fabtests; a new table where the pattern changes. What is
 * returned takes a row; `print` writes a line.
 */
export function sweepTables(style: TableStyle, print: (line: string) => void): (row: BenchRow) => void {
  let pattern: BenchRow['pattern'] | undefined;
  return (row) => {
    if (row.pattern !== pattern)
      print(
        `${pattern === undefined ? '' : '\n'}${titles[row.pattern] ?? row.pattern}\n${style.paint('dim', messageHead)}`,
      );
    pattern = row.pattern;
    print(messageLine(row));
  };
}

const titles: Partial<Record<BenchRow['pattern'], string>> = {
  latency: 'latency: a message there and one back; times are halves of round trips',
  memory: 'memory: messages one way, a window of 64 under way; time is until the last is acknowledged',
};

const messageColumns = [7, 10, 9, 9, 12, 12, 12, 10, 10] as const;
const messageHead = line(
  messageColumns,
  ['bytes', 'iters', 'total', 'time', 'MB/sec', 'usec/xfer', 'Mxfers/sec', 'median', 'p99'],
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
