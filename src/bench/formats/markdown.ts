import { printable } from '../../transfer/printable.js';
import { changeWords, comparedWords, failedWords, type BaselineComparison } from '../baseline.js';
import type { BenchReport, BenchRow } from '../report.js';
import { percent, resultWords, rowsByWork, spreadWords, threeDigits } from '../row-words.js';

/** A table for each work, as docs/benchmarks.md has them, between what was measured where and what it means. */
export function markdown(report: BenchReport, comparison?: BaselineComparison): string {
  const { machine, kernel, node, xfer, commit, date, rows, skipped, verdict } = report;
  const sections = [
    `xfer ${text(xfer)}${commit === null ? '' : ` (${text(commit)})`}, Node ${text(node)}, ${text(kernel)}, ${text(machine)}; ${text(date)}`,
    ...[...rowsByWork(rows)].map(([work, some]) => `### ${text(work)}\n\n${tableOf(some)}`),
    ...(comparison ? [beside(comparison)] : []),
    ...listUnder(
      'Skipped',
      skipped.map(({ name, reason, remedy }) => `${text(name)}: ${text(reason)}; ${text(remedy)}`),
    ),
    ...listUnder('What it means', verdict.findings.map(text)),
    ...listUnder('To try', verdict.advice.map(code)),
  ];
  return `${sections.join('\n\n')}\n`;
}

function tableOf(rows: readonly BenchRow[]): string {
  const has = {
    latency: rows.some(({ latency }) => latency !== undefined),
    cpu: rows.some(({ cpuSecondsPerGiB }) => cpuSecondsPerGiB !== undefined),
    besides: rows.some(({ besides }) => besides !== undefined),
  };
  const wanted = columns.filter(({ needs }) => needs === undefined || has[needs]);
  return table([
    wanted.map(({ name }) => name),
    wanted.map(({ isText }) => (isText === true ? '---' : '---:')),
    ...rows.map((row) => wanted.map(({ value }) => value(row))),
  ]);
}

interface Column {
  readonly name: string;
  readonly isText?: true;
  /** It is left out where no row has it. */
  readonly needs?: 'latency' | 'cpu' | 'besides';
  value(row: BenchRow): string;
}

const columns: readonly Column[] = [
  { name: 'by', isText: true, value: ({ contestant }) => text(contestant) },
  { name: 'content', isText: true, value: ({ isSealed }) => (isSealed ? 'sealed' : 'plain') },
  { name: 'median', value: resultWords },
  { name: 'least–most', value: spreadWords },
  { name: 'runs', value: ({ samples }) => String(samples.length) },
  {
    name: 'p99',
    needs: 'latency',
    value: ({ latency }) => (latency ? `${threeDigits(latency.p99Us)} us` : ''),
  },
  {
    name: 'CPU s/GiB',
    needs: 'cpu',
    value: ({ cpuSecondsPerGiB = [] }) =>
      cpuSecondsPerGiB.map(({ process, seconds }) => `${text(process)} ${threeDigits(seconds)}`).join(', '),
  },
  {
    name: 'ratio',
    isText: true,
    needs: 'besides',
    value: ({ besides = [] }) =>
      besides
        .map(
          ({ contestant, ratio, min, max }) =>
            `${threeDigits(ratio)} × ${text(contestant)} (${threeDigits(min)}–${threeDigits(max)})`,
        )
        .join(', '),
  },
];

function beside({ rows, missing, failed, notes, tolerance, machineRatio }: BaselineComparison): string {
  const worse = rows.filter(({ isRegression }) => isRegression);
  const lacking = missing.filter((row) => !failed.some((one) => one.row === row));
  const machine =
    machineRatio === undefined ? [] : [`The reference is ${changeWords(machineRatio)} than in the baseline.`];
  const said = [
    worse.length === 0
      ? `No row of ${rows.length} lost more than ${percent(tolerance)}.`
      : `${worse.length} of ${rows.length} rows lost more than ${percent(tolerance)}.`,
    ...machine,
    ...notes.map((note) => `${text(note)}.`),
    ...(lacking.length > 0
      ? [`Not measured now: ${lacking.map(({ contestant }) => text(contestant)).join(', ')}.`]
      : []),
  ];
  const lines = [
    ...rows.map((row) => `${row.isRegression ? '**regression** ' : ''}${text(comparedWords(row))}`),
    ...failed.map((one) => `**failed** ${text(failedWords(one))}`),
  ];
  return `### Beside the baseline\n\n${said.join(' ')}\n\n${lines.map((line) => `- ${line}`).join('\n')}`;
}

function listUnder(title: string, items: readonly string[]): string[] {
  return items.length === 0 ? [] : [`### ${title}\n\n${items.map((item) => `- ${item}`).join('\n')}`];
}

/** All columns as wide as their widest cell. */
function table(lines: readonly (readonly string[])[]): string {
  const widths = (lines[0] ?? []).map((_, at) => Math.max(...lines.map((cells) => (cells[at] ?? '').length)));
  return lines
    .map((cells) => `| ${cells.map((one, at) => padded(one, widths[at] ?? 0)).join(' | ')} |`)
    .join('\n');
}

function padded(one: string, width: number): string {
  return /^---:?$/.test(one) ? one.replace('---', '-'.repeat(width - (one.length - 3))) : one.padEnd(width);
}

/** Nothing in it is Markdown or HTML, and no cell ends early. */
const text = (value: string): string =>
  printable(value).replaceAll(/[\\`*_[\]<>|~#]|&(?=\w|#)/g, (one) => (one === '<' ? '&lt;' : `\\${one}`));

/** Between more backticks than it has in a row (CommonMark 0.31 §6.1). */
function code(value: string): string {
  const shown = printable(value);
  const fence = '`'.repeat(Math.max(0, ...[...shown.matchAll(/`+/g)].map(([run]) => run.length)) + 1);
  return fence.length > 1 ? `${fence} ${shown} ${fence}` : `${fence}${shown}${fence}`;
}
