import { createHash } from 'node:crypto';
import type { BenchReport } from '../report.js';
import { barChart } from './bar-chart.js';
import { cpuChart } from './cpu-chart.js';
import { factsSection, head } from './head.js';
import { latencyChart } from './latency-chart.js';
import { lineChart } from './line-chart.js';
import { markup, Markup, nothing } from './markup.js';
import { style } from './style.js';
import { stripes } from './svg.js';
import { allNumbers, allRuns, besidesTable, skippedTable } from './tables.js';
import { verdictSection } from './verdict.js';
import { figureOf, latencyMeaning, shownPatterns, type ShownPattern, type ShownWork } from './works.js';

/** So many sizes of one pattern are lines, and each size by itself folds away. */
const fewestForLines = 4;

/**
 * A report as one HTML file by itself: no script, and nothing is fetched, which its policy holds it to. Everything that the
 * report says is text in it, whatever it looks like.
 */
export function htmlReport(report: BenchReport): string {
  const patterns = shownPatterns(report.rows);
  const page = markup`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src '${styleHash}'; base-uri 'none'; form-action 'none'"/>
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="referrer" content="no-referrer" />
        <title>xfer bench, ${report.date}</title>
        <style>${new Markup(style)}</style>
      </head>
      <body>
        ${stripes} ${head(report)}
        <main>
          ${verdictSection(report.verdict)} ${factsSection(report)}
          ${patterns.map((shown, at) => section(shown, `p${at}`))}
          <section>
            <h2>Skipped</h2>
            ${skippedTable(report)}
          </section>
          <section>
            <h2>All numbers</h2>
            ${allNumbers(report.rows)}
            <details>
              <summary>Every run</summary>
              ${allRuns(report.rows)}
            </details>
          </section>
        </main>
      </body>
    </html> `;
  return page.text;
}

const styleHash = `sha256-${createHash('sha256').update(style).digest('base64')}`;

function section(shown: ShownPattern, id: string): Markup {
  const { title, works, pattern } = shown;
  const sizes = new Set(works.map(({ bytes }) => bytes)).size;
  const each = works.map((work, at) => workFigures(work, `${id}-${at}`));
  if ((pattern === 'memory' || pattern === 'latency') && sizes >= fewestForLines)
    return markup`<section><h2>${title}</h2>
      <figure><figcaption>${lineCaptions[pattern]} Both axes in factors.</figcaption>${lineChart(`${id}-lines`, shown)}</figure>
      <details><summary>Each size by itself</summary>${keysOf(shown)}${each}</details>
    </section>`;
  return markup`<section><h2>${title}</h2>${keysOf(shown)}${each}</section>`;
}

const lineCaptions = {
  latency: 'Median of half a round trip, by the size of a message: lower is better.',
  memory: 'Bytes a second, by the size of a message: higher is better. Upright lines are the spread.',
} as const;

function workFigures(work: ShownWork, id: string): Markup {
  const pattern = work.rows[0]?.pattern ?? 'file';
  const latency = latencyChart(`${id}-latency`, work.name, work);
  const cpu = cpuChart(`${id}-cpu`, work.name, work);
  return markup`<h3>${work.name}</h3>
    ${pattern === 'latency' && latency ? nothing : figure(`${capital(figureOf(pattern).what)}, median; dots are single runs`, barChart(`${id}-rate`, work.name, work))}
    ${besidesTable(work.name, work)}
    ${figure(`${capital(latencyMeaning(pattern))}: line from least to most, bar from median to 99 of 100, dots medians of single runs. Each step is ten times the one before.`, latency)}
    ${figure('Processor seconds a GiB, by process: less is better', cpu)}`;
}

const figure = (caption: string, chart: Markup | undefined): Markup =>
  chart ? markup`<figure><figcaption>${caption}</figcaption>${chart}</figure>` : nothing;

/** What stands for what, of all that the bars of a pattern use. */
function keysOf({ works }: ShownPattern): Markup {
  const rows = works.flatMap((work) => work.rows);
  const kinds = (['xfer', 'baseline', 'peer', 'reference'] as const).filter((kind) =>
    rows.some((row) => row.kind === kind),
  );
  const shown = kinds.flatMap((kind) =>
    [true, false]
      .filter((isSealed) => rows.some((row) => row.kind === kind && row.isSealed === isSealed))
      .map((isSealed) => ({ kind, isSealed })),
  );
  return markup`<ul class="keys">
    ${shown.map(
      ({ kind, isSealed }) =>
        markup`<li>
          <svg aria-hidden="true">
            <rect class="bar ${kind}${isSealed ? '' : ' plain'}" width="28" height="12" /></svg>${kindNames[kind]}, ${isSealed ? 'encrypted' : 'not encrypted'}
        </li>`,
    )}
  </ul>`;
}

const kindNames = {
  ...{ xfer: 'xfer', baseline: 'another build of it' },
  ...{ peer: 'another tool', reference: 'what the machine can do' },
} as const;

const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);
