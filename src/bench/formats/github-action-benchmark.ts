import { printable, printableJson } from '../../transfer/printable.js';
import type { BenchReport, BenchRow } from '../report.js';
import { isOfLatency, percent, resultWords, workWords } from '../row-words.js';

/**
 * For benchmark-action/github-action-benchmark, `tool: customBiggerIsBetter`. A file of that tool has one direction, so that of
 * latency is turned: messages a second one after the other, 10⁶ through the median in µs, which stands in `extra`. The range is
 * half of what lies between least and most. Rows of the reference are there, too, so that a slow machine can be told from a slow build.
 */
export function githubActionBenchmark(report: BenchReport): string {
  const entries = report.rows.map((row) => ({
    name: printable(`${workWords(row)}: ${row.contestant}`),
    ...valueOf(row),
    range: `± ${percent(halfSpread(row))}`,
    extra: extraOf(row, report),
  }));
  return `[${entries.map((entry) => `\n${printableJson(entry)}`).join(',')}\n]\n`;
}

function valueOf(row: BenchRow): { readonly unit: string; readonly value: number } {
  if (row.latency && isOfLatency(row)) return { unit: 'messages/s', value: 1e6 / row.latency.medianUs };
  return { unit: 'MB/s', value: row.bytesPerSecond / 1e6 };
}

const halfSpread = ({ spread, bytesPerSecond }: BenchRow): number =>
  bytesPerSecond > 0 ? (spread.max - spread.min) / 2 / bytesPerSecond : 0;

function extraOf(row: BenchRow, { machine, kernel, node, xfer, commit }: BenchReport): string {
  const { kind, isSealed, samples, how } = row;
  const runs = `median of ${samples.length} run${samples.length === 1 ? '' : 's'}`;
  return [
    `${resultWords(row)}, ${runs}, ${kind}, ${isSealed ? 'sealed' : 'plain'}`,
    ...(how === undefined ? [] : [how]),
    `xfer ${xfer}${commit === null ? '' : ` (${commit})`}, Node ${node}, ${kernel}, ${machine}`,
  ]
    .map(printable)
    .join('\n');
}
