import type { BenchedTransport, BenchReport, BenchRow, BenchSkipped } from '../bench/events.js';
import { printable, printableJson } from '../transfer/printable.js';
import { indented, type TableStyle } from './table-style.js';

/** Shows what a bench finds, as soon as it does. */
export interface BenchView {
  onTransport(transport: BenchedTransport): void;
  onRow(row: BenchRow): void;
  onSkipped(skipped: BenchSkipped): void;
  onReport(report: BenchReport): void;
}

/**
 * For programs an object a line, the report the last of them; for people tables with the columns of fabtests, and beside them what
 * those leave out. `print` writes a line to stdout.
 */
export function benchView(style: TableStyle, print: (line: string) => void): BenchView {
  if (style.json)
    return {
      onTransport: (transport) => print(printableJson({ event: 'transport', ...transport })),
      onRow: (row) => print(printableJson({ event: 'row', ...row })),
      onSkipped: (skipped) => print(printableJson({ event: 'skipped', ...skipped })),
      onReport: (report) => print(printableJson({ event: 'bench', ...report })),
    };
  let pattern: BenchRow['pattern'] | undefined;
  let isFirst = true;
  return {
    onTransport: (transport) => {
      pattern = undefined;
      print(
        `${isFirst ? '' : '\n'}${style.paint('bold', printable(transport.transport))}  ${placeOf(transport)}`,
      );
      isFirst = false;
    },
    onRow: (row) => {
      if (row.pattern !== pattern) print(`\n${titles[row.pattern]}\n${style.paint('dim', head)}`);
      pattern = row.pattern;
      print(benchLine(row));
    },
    onSkipped: ({ transport, code, reason, remedy }) => {
      const said = indented(`${printable(transport)}  `, `skipped: ${printable(reason)} (${code})`, style);
      print(`${style.paint('yellow', said)}\n  try: ${printable(remedy)}`);
    },
    onReport: ({ machine, kernel, node }) =>
      print(
        `\n${indented('', unsealed, style)}\n${style.paint('dim', `${machine} · ${kernel} · Node ${node}`)}`,
      ),
  };
}

const unsealed =
  'Rates are of the bare transport, unsealed, from memory to memory: what a transfer adds is not in them.';
const titles = {
  latency: 'latency: a message there and one back; times are halves of round trips',
  memory: 'memory: messages one way, a window of 64 under way; time is until the last is acknowledged',
} as const;
const columns = [7, 10, 9, 9, 12, 12, 12, 10, 10] as const;
const head = row(
  ['bytes', 'iters', 'total', 'time', 'MB/sec', 'usec/xfer', 'Mxfers/sec', 'median', 'p99'],
  'by',
);

function placeOf({ address, isLocal }: BenchedTransport): string {
  return isLocal ? 'both ends on this machine' : `to ${printable(address)}`;
}

/** One row of a table; times without a unit are microseconds. */
export function benchLine(found: BenchRow): string {
  const { latency, messageBytes, iterations, totalBytes, seconds, loops } = found;
  const cells = [
    ...[binary(messageBytes), String(iterations), binary(totalBytes), `${seconds.toFixed(2)}s`],
    (found.bytesPerSecond / 1e6).toFixed(2),
    found.usPerTransfer.toFixed(2),
    (found.transfersPerSecond / 1e6).toFixed(4),
    ...(latency ? [latency.medianUs.toFixed(2), latency.p99Us.toFixed(2)] : ['', '']),
  ];
  return row(cells, found.provider === undefined ? loops : `${loops} (${printable(found.provider)})`);
}

function row(cells: readonly string[], by: string): string {
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
