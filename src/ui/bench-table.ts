import type { BenchRow, BenchSkipped, ProcessTime } from '../bench/report.js';
import { printable } from '../transfer/printable.js';
import {
  figureOf,
  formatFigure,
  meritOf,
  rateScale,
  scaleOf,
  significant,
  timeScale,
  workTitle,
  type Scale,
} from './bench-figures.js';
import { clip, fitTable, type TableColumn } from './fit-table.js';
import { indented, type TableStyle } from './table-style.js';

/** One table for each work, in the order in which they were done; lines without an end at the last. */
export function benchTables(rows: readonly BenchRow[], style: TableStyle): string {
  const works = new Map<string, BenchRow[]>();
  for (const row of rows) {
    const title = workTitle(row);
    works.set(title, [...(works.get(title) ?? []), row]);
  }
  return [...works.values()].map((work) => workTable(work, style)).join('\n\n');
}

/** What is printed where nothing is a terminal: a row stays one line however long that is, but somewhere it ends. */
const mostColumns = 240;

/** The rows of one work: those with the same encryption together, the best of them first. */
export function workTable(rows: readonly BenchRow[], style: TableStyle): string {
  const sorted = inOrder(rows);
  const [first] = sorted;
  if (first === undefined) return '';
  const width = Math.min(style.columns, mostColumns);
  const { lines, dropped } = fitTable(columnsOf(first.pattern, sorted), width);
  const [head = '', ...body] = lines;
  const repeats = Math.max(...sorted.map(({ samples }) => samples.length));
  const isBeside = !dropped.includes(besideTitle);
  return [
    style.paint(
      'bold',
      indented('', `${workTitle(first)}, ${runsOf(repeats)}: ${about[first.pattern]}`, style),
    ),
    style.paint('bold', head),
    ...body,
    ...(isBeside ? [] : sorted.flatMap((row) => besideLines(row, style))),
    ...leftOut(
      dropped.filter((title) => title !== besideTitle && title !== barTitle),
      style,
    ),
  ].join('\n');
}

/** Each with its reason, and what would help; undefined where nothing was skipped. */
export function skippedLines(skipped: readonly BenchSkipped[], style: TableStyle): string | undefined {
  if (skipped.length === 0) return undefined;
  const lines = skipped.flatMap(({ name, code, reason, remedy }) => [
    indented(`  ${printable(name)}  `, `${printable(reason)} (${printable(code)})`, style),
    indented('    try: ', printable(remedy), style),
  ]);
  return [style.paint('bold', 'skipped'), ...lines].join('\n');
}

const about: Readonly<Record<BenchRow['pattern'], string>> = {
  file: 'one file from disk to disk',
  memory: 'messages one way, from memory to memory',
  pipe: 'stdin to stdout',
  'small-files': 'a directory of files',
  streams: 'opened at once, one message each',
  latency: 'there and back; times are halves of round trips',
};

const besideTitle = 'beside peers';
const barTitle = 'beside the most';
const barColumns = 20;

/** In the order in which they stand; `rank` says what goes first where they do not fit. */
function columnsOf(pattern: BenchRow['pattern'], rows: readonly BenchRow[]): readonly TableColumn[] {
  const figures = rows.map((row) => figureOf(pattern, row));
  const scale = scaleOf(pattern, figures);
  const cells = (text: (row: BenchRow) => string): readonly string[] => rows.map(text);
  const isRate = meritOf[pattern] === 'rate';
  const rates = rateScale(rows.map(({ bytesPerSecond }) => bytesPerSecond));
  return [
    {
      title: 'contestant',
      rank: 0,
      isLeft: true,
      shrinksTo: 12,
      cells: cells(({ contestant }) => printable(contestant)),
    },
    {
      title: 'content',
      rank: 2,
      isLeft: true,
      cells: cells(({ isSealed }) => (isSealed ? 'sealed' : 'plain')),
    },
    { title: scale.unit, rank: 1, cells: figures.map((figure) => significant(figure / scale.by)) },
    { title: 'least–most', rank: 3, cells: cells((row) => spreadOf(row, scale)) },
    ...(isRate ? [{ title: barTitle, rank: 12, isLeft: true, cells: barsOf(rows) }] : []),
    ...latencyColumns(pattern, rows, scale),
    ...(isRate
      ? []
      : [{ title: rates.unit, rank: 6, cells: cells((row) => significant(row.bytesPerSecond / rates.by)) }]),
    {
      title: 'CPU s/GiB',
      rank: 5,
      cells: cells(({ cpuSecondsPerGiB: cpu }) => (cpu ? significant(sumOf(cpu)) : '')),
    },
    { title: 'of which', rank: 9, isLeft: true, cells: cells(({ cpuSecondsPerGiB: cpu }) => partsOf(cpu)) },
    { title: besideTitle, rank: 7, isLeft: true, cells: cells((row) => ratiosOf(row).join(', ')) },
    {
      title: 'lanes',
      rank: 10,
      cells: cells(({ path }) => (path?.lanes === undefined ? '' : String(path.lanes))),
    },
    { title: 'RTT ms', rank: 10.1, cells: cells(({ path }) => maybe(path?.rttMs)) },
    { title: 'loss %', rank: 10.2, cells: cells(({ path }) => maybe(path?.lossShare, 100)) },
    {
      title: 'held up by',
      rank: 11,
      isLeft: true,
      cells: cells(({ path }) => printable(path?.bottleneck ?? '')),
    },
    {
      title: 'run as',
      rank: 13,
      isLeft: true,
      shrinksTo: 16,
      cells: cells(({ how }) => printable(how ?? '')),
    },
  ];
}

/** Of latency the median is the figure itself; of streams it is the time to the first byte. */
function latencyColumns(
  pattern: BenchRow['pattern'],
  rows: readonly BenchRow[],
  own: Scale,
): readonly TableColumn[] {
  const isFigure = meritOf[pattern] === 'time';
  const medians = rows.flatMap(({ latency }) => (latency ? [latency.medianUs] : []));
  const { by, unit } = isFigure ? own : timeScale(medians);
  const of = (name: 'medianUs' | 'p99Us' | 'averageUs' | 'maxUs'): readonly string[] =>
    rows.map(({ latency }) => maybe(latency?.[name], 1 / by));
  const first = pattern === 'streams' ? 'first byte ' : '';
  return [
    ...(isFigure ? [] : [{ title: `${first}median ${unit}`, rank: 4, cells: of('medianUs') }]),
    { title: isFigure ? 'p99' : `p99 ${unit}`, rank: 4.1, cells: of('p99Us') },
    { title: isFigure ? 'average' : `average ${unit}`, rank: 10.3, cells: of('averageUs') },
    { title: isFigure ? 'most' : `most ${unit}`, rank: 10.4, cells: of('maxUs') },
  ];
}

function inOrder(rows: readonly BenchRow[]): readonly BenchRow[] {
  const group = ({ kind, isSealed }: BenchRow): number => (kind === 'reference' ? 2 : isSealed ? 0 : 1);
  const better = (row: BenchRow): number => {
    const figure = figureOf(row.pattern, row);
    return meritOf[row.pattern] === 'time' ? figure : -figure;
  };
  return [...rows].sort((one, other) => group(one) - group(other) || better(one) - better(other));
}

function spreadOf({ pattern, samples }: BenchRow, { by }: Scale): string {
  if (samples.length < 2) return '';
  const figures = samples.map((sample) => figureOf(pattern, sample) / by);
  return `${significant(Math.min(...figures))}–${significant(Math.max(...figures))}`;
}

/** What the machine can do in other ways is no contestant: it would make all bars short. */
function barsOf(rows: readonly BenchRow[]): readonly string[] {
  const rates = rows.map(({ kind, bytesPerSecond }) => (kind === 'reference' ? 0 : bytesPerSecond));
  const most = Math.max(...rates, Number.MIN_VALUE);
  return rates.map((rate) => '█'.repeat(Math.round((rate / most) * barColumns)).padEnd(barColumns));
}

function ratiosOf({ besides = [] }: BenchRow): readonly string[] {
  return besides.map(({ contestant, ratio, min, max }) => {
    const range = min === max ? '' : ` (${significant(min)}–${significant(max)})`;
    return `${significant(ratio)}× ${printable(contestant)}${range}`;
  });
}

/** So that no name takes the room of the figures. */
const longestName = (columns: number): number => Math.max(12, Math.floor(columns / 4));

/** What has no room in the table is said below it. */
function besideLines(row: BenchRow, style: TableStyle): readonly string[] {
  const ratios = ratiosOf(row);
  if (ratios.length === 0) return [];
  return [
    indented(
      `${clip(printable(row.contestant), longestName(style.columns))} beside: `,
      ratios.join(', '),
      style,
    ),
  ];
}

function leftOut(titles: readonly string[], style: TableStyle): readonly string[] {
  if (titles.length === 0) return [];
  return [indented('', `no room here for: ${titles.join(', ')}; --json has all of it`, style)];
}

const sumOf = (parts: readonly ProcessTime[]): number => parts.reduce((sum, { seconds }) => sum + seconds, 0);

function partsOf(parts: readonly ProcessTime[] = []): string {
  return parts.map(({ process, seconds }) => `${printable(process)} ${significant(seconds)}`).join(', ');
}

function maybe(value: number | undefined, factor = 1): string {
  return value === undefined ? '' : significant(value * factor);
}

function runsOf(count: number): string {
  return count === 1 ? 'one run' : `the median of ${count} runs`;
}

/** One line: what a contestant came to, for where there is no table. */
export function rowLine(row: BenchRow): string {
  const { contestant, pattern, isSealed } = row;
  const figure = formatFigure(pattern, figureOf(pattern, row));
  const unit = scaleOf(pattern, [figureOf(pattern, row)]);
  const spread = spreadOf(row, unit);
  const range = spread === '' ? '' : ` (${spread} ${unit.unit})`;
  return `${workTitle(row)}  ${printable(contestant)}  ${isSealed ? 'sealed' : 'plain'}  ${figure}${range}`;
}
