import type { BenchEvents } from '../bench/engine.js';
import type { BenchReport } from '../bench/report.js';
import { printableJson } from '../transfer/printable.js';
import { benchTables } from './bench-rows.js';
import type { TableStyle } from './table-style.js';

/** Shows what a bench finds, as soon as it does. */
export interface BenchView extends BenchEvents {
  onReport(report: BenchReport): void;
}

/** For programs an object a line, the report the last of them; for people tables, when a work is over. `print` writes a line to stdout. */
export function benchView(style: TableStyle, print: (line: string) => void): BenchView {
  if (style.json)
    return {
      onWork: (work, entries) => print(printableJson({ event: 'work', ...work, entries })),
      onRow: (row) => print(printableJson({ event: 'row', ...row })),
      onSkipped: (skipped) => print(printableJson({ event: 'skipped', ...skipped })),
      onReport: (report) => print(printableJson({ event: 'bench', ...report })),
    };
  const tables = benchTables(style, print);
  return { onRow: tables.row, onReport: tables.end };
}
