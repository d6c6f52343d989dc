import type { PassHistory, PassRow } from '../bench/pass-history.js';
import { printable } from '../transfer/printable.js';
import { figureOf, median, scaleOf, significant, workTitle } from './bench-figures.js';
import { fitTable } from './fit-table.js';
import { sparkline } from './sparkline.js';
import type { TableStyle } from './table-style.js';

const bars = 40;
const mostColumns = 240;

/** What contestants came to over all passes, a table for each work; undefined where no pass had a row. */
export function passesTables(history: PassHistory, style: TableStyle): string | undefined {
  const works = new Map<string, (readonly PassRow[])[]>();
  for (const rows of history.all()) {
    const [first] = rows;
    if (first) works.set(workTitle(first), [...(works.get(workTitle(first)) ?? []), rows]);
  }
  const tables = [...works].map(([title, rows]) => passesTable(title, rows, style));
  return tables.length === 0 ? undefined : tables.join('\n\n');
}

function passesTable(title: string, rows: readonly (readonly PassRow[])[], style: TableStyle): string {
  const pattern = rows[0]?.[0]?.pattern ?? 'file';
  const figures = rows.map((passes) => passes.map((row) => figureOf(pattern, row)));
  const { by, unit } = scaleOf(pattern, figures.flat());
  const cells = (of: (values: readonly number[]) => number): readonly string[] =>
    figures.map((values) => significant(of(values) / by));
  const { lines } = fitTable(
    [
      {
        ...{ title: 'contestant', rank: 0, isLeft: true, shrinksTo: 12 },
        cells: rows.map(([first]) => printable(first?.contestant ?? '')),
      },
      { title: `median ${unit}`, rank: 1, cells: cells(median) },
      { title: 'min', rank: 2, cells: cells((values) => Math.min(...values)) },
      { title: 'max', rank: 3, cells: cells((values) => Math.max(...values)) },
      { title: 'last', rank: 5, cells: cells((values) => values.at(-1) ?? 0) },
      { title: 'passes', rank: 4, cells: figures.map(({ length }) => String(length)) },
      {
        ...{ title: 'pass by pass', rank: 6, isLeft: true },
        cells: figures.map((values) => sparkline(values, Math.min(values.length, bars))),
      },
    ],
    Math.min(style.columns, mostColumns),
  );
  const [head = '', ...body] = lines;
  return [style.paint('bold', title), style.paint('bold', head), ...body].join('\n');
}
