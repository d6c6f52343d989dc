import type { BenchRow, ProcessTime } from '../report.js';
import { markup, nothing, type Markup } from './markup.js';
import { threeDigits } from './numbers.js';
import { zeroScale, type Scale } from './scale.js';
import { axis, chart, fitted, percent } from './svg.js';
import type { ShownWork } from './works.js';

const rowPixels = 58;

/**
 * What it costs: processor time a GiB of all processes, one after the other from zero, the cheapest first. The first process
 * of each bar, which is the near one, has one colour, the second another; neither is that of a kind of contestant.
 */
export function cpuChart(id: string, title: string, { rows }: ShownWork): Markup | undefined {
  const costly = rows
    .flatMap((row) => (row.cpuSecondsPerGiB?.length ? [{ row, parts: row.cpuSecondsPerGiB }] : []))
    .sort((one, other) => cpuTotal(one.parts) - cpuTotal(other.parts));
  if (costly.length === 0) return undefined;
  const scale = zeroScale(Math.max(...costly.map(({ parts }) => cpuTotal(parts))));
  const bottom = costly.length * rowPixels;
  const ticks = scale.ticks.map((value) => ({
    at: scale.at(value),
    label: value === 0 ? '0' : `${Number(value.toPrecision(2))} s`,
  }));
  return chart({
    ...{ id, kind: 'bars', height: bottom + 18, title: `${title}: processor seconds a GiB` },
    description: costly.map(({ row, parts }) => `${row.contestant}: ${partsText(parts)}`).join('; '),
    body: [
      ...axis(ticks, 0, bottom),
      ...costly.map(({ row, parts }, at) => bar(row, parts, scale, at * rowPixels)),
    ],
  });
}

export const cpuTotal = (parts: readonly ProcessTime[]): number =>
  parts.reduce((sum, { seconds }) => sum + seconds, 0);

function bar(row: BenchRow, parts: readonly ProcessTime[], scale: Scale, y: number): Markup {
  let before = 0;
  const segments = parts.map(({ process, seconds }, at) => {
    const from = before;
    before += seconds;
    return markup`<rect class="segment ${tone(at)}" x="${percent(scale.at(from))}" y="${y + 38}" width="${percent(scale.at(before) - scale.at(from))}" height="13"><title>${process}: ${threeDigits(seconds)} s</title></rect>`;
  });
  const told = parts.map(
    ({ process, seconds }, at) =>
      markup`${at === 0 ? nothing : markup`<tspan> </tspan>`}<tspan class="key ${tone(at)}">■</tspan><tspan> ${fitted(process, 12)} ${threeDigits(seconds)}</tspan>`,
  );
  return markup`<g><text class="name" x="0" y="${y + 14}">${fitted(row.contestant, 28)}</text>
    <text class="value" x="100%" y="${y + 14}">${threeDigits(cpuTotal(parts))} s/GiB</text>
    <text class="parts" x="0" y="${y + 31}">${told}</text>${segments}</g>`;
}

const partsText = (parts: readonly ProcessTime[]): string =>
  `${threeDigits(cpuTotal(parts))} s, of which ${parts.map(({ process, seconds }) => `${process} ${threeDigits(seconds)}`).join(', ')}`;

const tone = (at: number): string => `tone-${((at + 2) % 6) + 1}`;
