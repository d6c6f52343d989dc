import type { BenchLatency, BenchRow } from '../report.js';
import { markup, type Markup } from './markup.js';
import { formatUs, shortUs } from './numbers.js';
import { logScale, type Scale } from './scale.js';
import { axis, chart, fitted, percent } from './svg.js';
import { latencyMeaning, type ShownWork } from './works.js';

const rowPixels = 50;

interface Timed {
  readonly row: BenchRow;
  readonly latency: BenchLatency;
}

/**
 * Who is the quickest, and how often it is not: from the least to the most a line, from the median to the 99th percentile a
 * bar, at the median a mark, and each run's own median a dot. The axis has no zero, so lengths are factors.
 */
export function latencyChart(id: string, title: string, { rows }: ShownWork): Markup | undefined {
  const timed = rows
    .flatMap((row): Timed[] => (row.latency ? [{ row, latency: row.latency }] : []))
    .sort((one, other) => one.latency.medianUs - other.latency.medianUs);
  const [first] = timed;
  if (!first) return undefined;
  const scale = logScale(
    timed.flatMap(({ latency }) => [latency.minUs, latency.maxUs]),
    10,
    6,
  );
  const bottom = timed.length * rowPixels + 4;
  const ticks = scale.ticks.map((value) => ({ at: scale.at(value), label: shortUs(value) }));
  return chart({
    ...{ id, kind: 'bars', height: bottom + 18, title: `${title}: ${latencyMeaning(first.row.pattern)}` },
    description: timed.map(({ row, latency }) => `${row.contestant}: ${said(latency)}`).join('; '),
    body: [...axis(ticks, 0, bottom), ...timed.map((one, at) => bar(one, scale, at * rowPixels))],
  });
}

function bar({ row, latency }: Timed, scale: Scale, y: number): Markup {
  const { minUs, medianUs, p99Us, maxUs } = latency;
  const [least, median, p99, most] = [minUs, medianUs, p99Us, maxUs].map((us) => scale.at(us)) as [
    number,
    number,
    number,
    number,
  ];
  const dots = row.samples.flatMap(({ latency: own }, at) =>
    own
      ? [
          markup`<circle class="dot" cx="${percent(scale.at(own.medianUs))}" cy="${y + 42}" r="3"><title>run ${at + 1}: ${said(own)}</title></circle>`,
        ]
      : [],
  );
  return markup`<g><title>${row.contestant}: ${said(latency)}</title><text class="name" x="0" y="${y + 14}">${fitted(row.contestant, 22)}</text>
    <text class="value" x="100%" y="${y + 14}">${formatUs(medianUs)}<tspan class="aside"> p99 ${formatUs(p99Us)}</tspan></text>
    <line class="spread" x1="${percent(least)}" x2="${percent(most)}" y1="${y + 28}" y2="${y + 28}" />
    <rect class="bar ${row.kind}${row.isSealed ? '' : ' plain'}" x="${percent(median)}" y="${y + 22}" width="${percent(Math.max(0.002, p99 - median))}" height="12"/>
    <line class="median" x1="${percent(median)}" x2="${percent(median)}" y1="${y + 19}" y2="${y + 37}"/>${dots}</g>`;
}

const said = ({ minUs, medianUs, p99Us, maxUs }: BenchLatency): string =>
  `median ${formatUs(medianUs)}, 99 of 100 within ${formatUs(p99Us)}, least ${formatUs(minUs)}, most ${formatUs(maxUs)}`;
