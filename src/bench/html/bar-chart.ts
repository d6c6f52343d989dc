import type { BenchRow } from '../report.js';
import { markup, type Markup } from './markup.js';
import { formatRange } from './numbers.js';
import { zeroScale, type Scale } from './scale.js';
import { axis, chart, fitted, percent } from './svg.js';
import { figureOf, type Figure, type ShownWork } from './works.js';

const headPixels = 26;
const rowPixels = 50;

/**
 * Who does the most of it: a bar from zero to each median, below it every run as a dot on the line of their spread. What is
 * encrypted stands together, full; what is not stands below, striped.
 */
export function barChart(id: string, title: string, { rows }: ShownWork): Markup {
  const [first] = rows;
  if (!first) throw new RangeError('a work has at least one row');
  const figure = figureOf(first.pattern);
  const scale = zeroScale(
    Math.max(...rows.flatMap((row) => [mostOf(row, figure), ...row.samples.map(figure.of)])),
  );
  const body: Markup[] = [];
  let y = 0;
  for (const { heading, rows: found } of groupsOf(rows, figure)) {
    body.push(markup`<text class="group" x="0" y="${y + 16}">${heading}</text>`);
    y += headPixels;
    for (const row of found) {
      body.push(bar(row, figure, scale, y));
      y += rowPixels;
    }
  }
  const ticks = scale.ticks.map((value) => ({
    at: scale.at(value),
    label: value === 0 ? '0' : figure.formatTick(value),
  }));
  return chart({
    ...{ id, kind: 'bars', height: y + 18, title: `${title}: ${figure.what}` },
    description: groupsOf(rows, figure)
      .flatMap(({ heading, rows: found }) =>
        found.map((row) => `${row.contestant}, ${heading}: ${figure.format(figure.of(row))}`),
      )
      .join('; '),
    body: [...axis(ticks, headPixels - 4, y), ...body],
  });
}

/** Encrypted, then plain, each from the most to the least. */
function groupsOf(
  rows: readonly BenchRow[],
  figure: Figure,
): { heading: string; rows: readonly BenchRow[] }[] {
  const sorted = [...rows].sort((one, other) => figure.of(other) - figure.of(one));
  return [
    { heading: 'encrypted', rows: sorted.filter(({ isSealed }) => isSealed) },
    { heading: 'not encrypted', rows: sorted.filter(({ isSealed }) => !isSealed) },
  ].filter(({ rows: found }) => found.length > 0);
}

function bar(row: BenchRow, figure: Figure, scale: Scale, y: number): Markup {
  const median = figure.of(row);
  const [least, most] = [leastOf(row, figure), mostOf(row, figure)];
  const range = formatRange(figure.format(least), figure.format(most));
  const dots = row.samples.map(
    (sample, at) =>
      markup`<circle class="dot" cx="${percent(scale.at(figure.of(sample)))}" cy="${y + 40}" r="3"><title>run ${at + 1}: ${figure.format(figure.of(sample))}</title></circle>`,
  );
  return markup`<g><title>${row.contestant}: ${figure.format(median)}, ${range}</title><text class="name" x="0" y="${y + 14}">${fitted(row.contestant, 28)}</text>
    <text class="value" x="100%" y="${y + 14}">${figure.format(median)}</text>
    <rect class="bar ${row.kind}${row.isSealed ? '' : ' plain'}" x="0" y="${y + 20}" width="${percent(scale.at(median))}" height="13"/>
    <line class="spread" x1="${percent(scale.at(least))}" x2="${percent(scale.at(most))}" y1="${y + 40}" y2="${y + 40}"/>${dots}</g>`;
}

const leastOf = (row: BenchRow, figure: Figure): number => row.spread.min * perByte(row, figure);
const mostOf = (row: BenchRow, figure: Figure): number => row.spread.max * perByte(row, figure);

/** The spread is told in bytes a second. */
const perByte = (row: BenchRow, figure: Figure): number =>
  row.bytesPerSecond > 0 ? figure.of(row) / row.bytesPerSecond : 0;
