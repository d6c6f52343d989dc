import { formatDuration, formatRate } from '../../config/quantity.js';
import type { BenchReport, BenchRow, BenchSample, PathFacts } from '../report.js';
import { cpuTotal } from './cpu-chart.js';
import { markup, nothing, type Markup } from './markup.js';
import { formatCount, formatRange, formatUs, threeDigits } from './numbers.js';
import { figureOf, shownPatterns, type ShownWork } from './works.js';

/** One row for each of the report's, by pattern: what the charts show, and what they do not. */
export function allNumbers(rows: readonly BenchRow[]): Markup {
  return markup`${shownPatterns(rows).map(({ pattern, title, works }) => {
    const figure = figureOf(pattern);
    const head = [
      ...['work', 'by', 'encrypted', figure.what, 'least–most', 'runs', 'time'],
      ...['median', '99 %', 'most', 'CPU s/GiB', 'path', 'how'],
    ];
    const lines = works.flatMap(({ name, rows: own }) =>
      own.map((row) => {
        const perByte = row.bytesPerSecond > 0 ? figure.of(row) / row.bytesPerSecond : 0;
        const [least, most] = [row.spread.min, row.spread.max].map((value) => figure.format(value * perByte));
        return [
          ...[name, row.contestant, row.isSealed ? 'yes' : 'no', figure.format(figure.of(row))],
          ...[formatRange(least ?? '', most ?? ''), row.samples.length, secondsOf(row)],
          ...latencyCells(row),
          ...[row.cpuSecondsPerGiB ? threeDigits(cpuTotal(row.cpuSecondsPerGiB)) : '', pathText(row.path)],
          row.how ?? '',
        ];
      }),
    );
    return table(`Numbers: ${title}`, head, lines, { words: [1, 11, 12] });
  })}`;
}

/** Every sample, for who wants to count again. */
export function allRuns(rows: readonly BenchRow[]): Markup {
  const head = [
    ...['id', 'run', 'iterations', 'bytes', 'time', 'inside', 'rate', 'a second'],
    ...['median', '99 %', 'most', 'CPU s', 'path'],
  ];
  const lines = rows.flatMap((row) =>
    row.samples.map((sample, at) => [
      ...[row.id, at + 1, sample.iterations, sample.totalBytes, secondsOf(sample)],
      sample.insideSeconds === undefined ? '' : formatDuration(sample.insideSeconds),
      ...[formatRate(sample.bytesPerSecond), formatCount(sample.transfersPerSecond)],
      ...latencyCells(sample),
      (sample.cpu ?? []).map(({ process, seconds }) => `${process} ${threeDigits(seconds)}`).join(', '),
      pathText(sample.path),
    ]),
  );
  return table('Every run', head, lines, { words: [12] });
}

/** How many times as fast as each of the others; nothing where nobody is compared. */
export function besidesTable(title: string, { rows }: ShownWork): Markup {
  const compared = rows.filter(({ besides }) => besides !== undefined && besides.length > 0);
  if (compared.length === 0) return nothing;
  const others = [
    ...new Set(compared.flatMap(({ besides = [] }) => besides.map(({ contestant }) => contestant))),
  ];
  const lines = compared.map(({ contestant, besides = [] }) => [
    contestant,
    ...others.map((other) => {
      const found = besides.find((beside) => beside.contestant === other);
      return found
        ? `${threeDigits(found.ratio)} × (${threeDigits(found.min)}–${threeDigits(found.max)})`
        : '';
    }),
  ]);
  return markup`<p class="note">
      How many times as fast as the others of the same encryption: by medians, in brackets the least and the
      most of single rounds. Above 1 xfer is faster.</p>${table(`Beside others: ${title}`, ['', ...others.map((other) => `beside ${other}`)], lines)}`;
}

export function skippedTable({ skipped }: BenchReport): Markup {
  if (skipped.length === 0) return markup`<p>Nothing: all that was asked for was there.</p>`;
  return table(
    'Skipped',
    ['what', 'why', 'what to do', 'code'],
    skipped.map(({ name, reason, remedy, code }) => [name, reason, remedy, code]),
    { texts: [1, 2], words: [3] },
  );
}

interface Columns {
  /** To the left, and they break. */
  readonly texts?: readonly number[];
  /** To the left. */
  readonly words?: readonly number[];
}

/** The first column names its row. What is neither text nor word is a number, to the right. Without columns that are empty. */
function table(
  label: string,
  head: readonly string[],
  lines: readonly (readonly (string | number)[])[],
  { texts = [], words = [] }: Columns = {},
): Markup {
  const kind = (column: number): string =>
    texts.includes(column) ? 'text' : words.includes(column) ? 'word' : 'number';
  const isShown = head.map((_, column) => lines.some((cells) => cells[column] !== ''));
  const headCells = head.map((cell, column) =>
    isShown[column] ? markup`<th scope="col" class="${kind(column)}">${cell}</th>` : nothing,
  );
  const rows = lines.map((cells) => {
    const [first = '', ...others] = cells;
    const shown = others.map((cell, at) =>
      isShown[at + 1] ? markup`<td class="${kind(at + 1)}">${cell}</td>` : nothing,
    );
    return markup`<tr><th scope="row">${first}</th>${shown}</tr>`;
  });
  return markup`<div class="scroll" role="region" aria-label="${label}" tabindex="0">
    <table><thead><tr>${headCells}</tr></thead><tbody>${rows}</tbody></table></div>`;
}

const latencyCells = ({ latency }: BenchSample): readonly string[] =>
  latency ? [formatUs(latency.medianUs), formatUs(latency.p99Us), formatUs(latency.maxUs)] : ['', '', ''];

/** What is short is told exactly. */
const secondsOf = ({ seconds }: BenchSample): string =>
  seconds < 9.95 ? formatUs(seconds * 1e6) : formatDuration(seconds);

function pathText(path: PathFacts | undefined): string {
  if (!path) return '';
  const { lanes, rttMs, lossShare, bottleneck } = path;
  return [
    ...(lanes === undefined ? [] : [`${lanes} lane${lanes === 1 ? '' : 's'}`]),
    ...(rttMs === undefined ? [] : [`rtt ${formatUs(rttMs * 1e3)}`]),
    ...(lossShare === undefined ? [] : [`loss ${threeDigits(100 * lossShare)} %`]),
    ...(bottleneck === undefined ? [] : [`held back by ${bottleneck}`]),
  ].join(', ');
}
