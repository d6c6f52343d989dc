import { formatRate } from '../../config/quantity.js';
import type { BenchRow } from '../report.js';
import { markup, type Markup } from './markup.js';
import { formatBytes, formatUs, shortRate, shortUs } from './numbers.js';
import { logScale, type Scale } from './scale.js';
import { chart, fitted, percent } from './svg.js';
import type { ShownPattern } from './works.js';

const plotPixels = 280;
const labelPixels = 16;

interface Line {
  readonly name: string;
  readonly rows: readonly BenchRow[];
}

/** How it goes with the size of a message: a line each, both axes in factors, names where the lines end. */
export function lineChart(id: string, { pattern, title, works }: ShownPattern): Markup {
  const isTime = pattern === 'latency';
  const rows = works.flatMap((work) => work.rows);
  const across = logScale(
    works.map(({ bytes }) => bytes),
    2,
    24,
  );
  const up = logScale(
    rows.flatMap(isTime ? (row) => [timeOf(row)] : ({ spread }) => [spread.min, spread.max]),
    10,
    8,
  );
  const valueOf = isTime ? timeOf : ({ bytesPerSecond }: BenchRow): number => bytesPerSecond;
  const yOf = (value: number): number => Math.round(10 * plotPixels * (1 - up.at(value))) / 10;
  const format = isTime ? formatUs : formatRate;
  const lines = linesOf(rows);
  const places = apart(lines.map(({ rows: own }) => yOf(valueOf(own.at(-1) ?? missing()))));
  const drawn = lines.map(({ name, rows: own }, index) => {
    const tone = `tone-${(index % 6) + 1}`;
    const points = own.map((row) => ({ row, x: across.at(row.bytes), y: yOf(valueOf(row)) }));
    const segments = points.slice(1).map(({ x, y }, at) => {
      const from = points[at] ?? missing();
      return markup`<line class="line ${tone} dash-${Math.floor(index / 6)}" x1="${percent(from.x)}" y1="${from.y}" x2="${percent(x)}" y2="${y}"/>`;
    });
    const marks = points.map(
      ({ row, x, y }) =>
        markup`<g><title>${name}, ${formatBytes(row.bytes)}: ${format(valueOf(row))}</title>${isTime ? [] : [whisker(row, x, yOf, tone)]}${mark(index, percent(x), y, tone)}</g>`,
    );
    const last = points.at(-1) ?? missing();
    const place = places[index] ?? last.y;
    const label = markup`<line class="leader" x1="${percent(last.x)}" y1="${last.y}" x2="100%" y2="${last.y}"/>
      <svg class="label" x="100%" y="0" overflow="visible"><line class="leader" x1="5" y1="${last.y}" x2="12" y2="${place}"/>
      <g class="mark ${tone}" transform="translate(17 ${place})">${shapeOf(index)}</g>
      <text class="name" x="25" y="${place + 4}">${fitted(name, 19)}<title>${name}</title></text></svg>`;
    return markup`${segments}${marks}${label}`;
  });
  return chart({
    ...{
      id,
      kind: 'lines',
      height: plotPixels + 22,
      title: `${title}: ${isTime ? 'median of half a round trip' : 'bytes a second'} by message size`,
    },
    description: lines
      .map(
        ({ name, rows: own }) =>
          `${name}: ${own.map((row) => `${formatBytes(row.bytes)} ${format(valueOf(row))}`).join(', ')}`,
      )
      .join('; '),
    body: [...grid(across, up, yOf, isTime), ...drawn],
  });
}

const timeOf = ({ latency, usPerTransfer }: BenchRow): number => latency?.medianUs ?? usPerTransfer;

function missing(): never {
  throw new RangeError('a line has at least one point');
}

function linesOf(rows: readonly BenchRow[]): readonly Line[] {
  const lines = new Map<string, BenchRow[]>();
  for (const row of rows) {
    // Both ways at once is another work of the same size.
    const name = row.contestant + (row.isBothWays ? ', both ways' : '');
    lines.set(name, [...(lines.get(name) ?? []), row]);
  }
  return [...lines].map(([name, own]) => ({ name, rows: own.sort((one, other) => one.bytes - other.bytes) }));
}

function grid(across: Scale, up: Scale, yOf: (value: number) => number, isTime: boolean): Markup[] {
  const every = Math.ceil(across.ticks.length / 6);
  return [
    ...up.ticks.map(
      (value) =>
        markup`<line class="grid" x1="0" x2="100%" y1="${yOf(value)}" y2="${yOf(value)}" /><text class="tick" x="0" dx="-6" y="${yOf(value) + 4}" text-anchor="end">${isTime ? shortUs(value) : shortRate(value)}</text>`,
    ),
    ...across.ticks
      .filter((_, at) => at % every === 0)
      .map(
        (value) =>
          markup`<line class="grid" x1="${percent(across.at(value))}" x2="${percent(across.at(value))}" y1="0" y2="${plotPixels}"/><text class="tick" x="${percent(across.at(value))}" y="${plotPixels + 16}" text-anchor="middle">${formatBytes(value)}</text>`,
      ),
  ];
}

const whisker = ({ spread }: BenchRow, x: number, yOf: (value: number) => number, tone: string): Markup =>
  markup`<line class="whisker ${tone}" x1="${percent(x)}" x2="${percent(x)}" y1="${yOf(spread.min)}" y2="${yOf(spread.max)}"/>`;

/** A shape of its own for each line, for those who do not tell its colour from the next. A nested svg moves by percentages. */
const mark = (index: number, x: string, y: number, tone: string): Markup =>
  markup`<svg class="mark ${tone}" x="${x}" y="${y}" overflow="visible">${shapeOf(index)}</svg>`;

/** Past the last tone both begin again, with another shape to each tone. */
const shapeOf = (index: number): Markup =>
  shapes[(index + 2 * Math.floor(index / shapes.length)) % shapes.length] ?? missing();

const shapes: readonly Markup[] = [
  markup`<circle r="3.5" />`,
  markup`<rect x="-3.2" y="-3.2" width="6.4" height="6.4" />`,
  markup`<path d="M0-4.4 4-.2 0 4.4-4 .2z" />`,
  markup`<path d="M0-4.4 4.4 3.4h-8.8z" />`,
  markup`<path d="M-4.4-3.4h8.8L0 4.4z" />`,
  markup`<path class="cross" d="M-3.4-3.4 3.4 3.4M-3.4 3.4 3.4-3.4" />`,
];

/** Heights of labels near those that are wanted, none over another, none outside of the plot if it can be helped. */
function apart(wanted: readonly number[]): readonly number[] {
  const order = wanted.map((y, index) => ({ y, index })).sort((one, other) => one.y - other.y);
  let below = Number.NEGATIVE_INFINITY;
  for (const one of order) below = one.y = Math.max(one.y, below + labelPixels);
  let above = plotPixels + labelPixels;
  for (const one of order.reverse()) above = one.y = Math.min(one.y, above - labelPixels);
  const places: number[] = [];
  for (const { y, index } of order) places[index] = Math.round(y);
  return places;
}
