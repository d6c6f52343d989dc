import { printable } from '../../transfer/printable.js';
import type { BenchReport, BenchRow, BenchSample, ProcessTime } from '../report.js';

/** A line a run, by RFC 4180: lines end with CR LF, the first has the names. Numbers are as in the report, none is rounded. */
export function csv(report: BenchReport): string {
  const lines = report.rows.flatMap((row) =>
    row.samples.map((sample, at) => columns.map(([, value]) => value(row, sample, at + 1, report))),
  );
  return [columns.map(([name]) => name), ...lines]
    .map((cells) => `${cells.map(cell).join(',')}\r\n`)
    .join('');
}

type Value = string | number | boolean | null | undefined;
type Column = readonly [
  name: string,
  value: (row: BenchRow, sample: BenchSample, round: number, report: BenchReport) => Value,
];

const columns: readonly Column[] = [
  ['id', ({ id }) => id],
  ['pattern', ({ pattern }) => pattern],
  ['bytes', ({ bytes }) => bytes],
  ['count', ({ count }) => count],
  ['isBothWays', ({ isBothWays }) => isBothWays],
  ['contestant', ({ contestant }) => contestant],
  ['kind', ({ kind }) => kind],
  ['transport', ({ transport }) => transport],
  ['loops', ({ loops }) => loops],
  ['provider', ({ provider }) => provider],
  ['isSealed', ({ isSealed }) => isSealed],
  ['how', ({ how }) => how],
  ['round', (_row, _sample, round) => round],
  ['iterations', (_row, { iterations }) => iterations],
  ['totalBytes', (_row, { totalBytes }) => totalBytes],
  ['seconds', (_row, { seconds }) => seconds],
  ['insideSeconds', (_row, { insideSeconds }) => insideSeconds],
  ['bytesPerSecond', (_row, { bytesPerSecond }) => bytesPerSecond],
  ['usPerTransfer', (_row, { usPerTransfer }) => usPerTransfer],
  ['transfersPerSecond', (_row, { transfersPerSecond }) => transfersPerSecond],
  ['latencyMinUs', (_row, { latency }) => latency?.minUs],
  ['latencyMedianUs', (_row, { latency }) => latency?.medianUs],
  ['latencyP99Us', (_row, { latency }) => latency?.p99Us],
  ['latencyAverageUs', (_row, { latency }) => latency?.averageUs],
  ['latencyMaxUs', (_row, { latency }) => latency?.maxUs],
  ['cpuSeconds', (_row, { cpu }) => (cpu ? sumOf(cpu) : undefined)],
  ['cpuByProcess', (_row, { cpu }) => cpu?.map(({ process, seconds }) => `${process}=${seconds}`).join(';')],
  ['lanes', (_row, { path }) => path?.lanes],
  ['rttMs', (_row, { path }) => path?.rttMs],
  ['lossShare', (_row, { path }) => path?.lossShare],
  ['bottleneck', (_row, { path }) => path?.bottleneck],
  ['machine', (_row, _sample, _round, { machine }) => machine],
  ['xfer', (_row, _sample, _round, { xfer }) => xfer],
  ['commit', (_row, _sample, _round, { commit }) => commit],
  ['date', (_row, _sample, _round, { date }) => date],
];

const sumOf = (times: readonly ProcessTime[]): number => times.reduce((sum, { seconds }) => sum + seconds, 0);

/** Text that a spreadsheet would take for a formula gets an apostrophe, which makes it text there. */
function cell(value: Value): string {
  if (value === undefined || value === null) return '';
  if (typeof value !== 'string') return String(value);
  const text = printable(/^[=+\-@]/.test(value) ? `'${value}` : value);
  return /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
