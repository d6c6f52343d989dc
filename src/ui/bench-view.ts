import type { BenchObserver } from '../bench/observer.js';
import type { BenchReport, BenchRow } from '../bench/report.js';
import { printableJson } from '../transfer/printable.js';
import { sweepTables } from './bench-sweep.js';
import { benchTables, skippedLines } from './bench-table.js';
import { verdictLines } from './bench-verdict.js';
import { indented, type TableStyle } from './table-style.js';

/** Shows what a bench finds, as soon as it does. */
export interface BenchView extends Pick<BenchObserver, 'onWork' | 'onRow' | 'onSkipped'> {
  onReport(report: BenchReport): void;
}

/**
 * For programs an object a line, the report the last of them; for people a table for each work that is over, and behind all of
 * them what was skipped and what it means. `print` writes a line to stdout.
 */
export function benchView(style: TableStyle, print: (line: string) => void): BenchView {
  if (style.json)
    return {
      onWork: (work, entries) => print(printableJson({ event: 'work', ...work, entries })),
      onRow: (row) => print(printableJson({ event: 'row', ...row })),
      onSkipped: (skipped) => print(printableJson({ event: 'skipped', ...skipped })),
      onReport: (report) => print(printableJson({ event: 'bench', ...report })),
    };
  const sweep = sweepTables(style, print);
  let isSweep = false;
  let isFirst = true;
  let rows: BenchRow[] = [];
  const flush = (): void => {
    if (rows.length === 0) return;
    print(`${isFirst ? '' : '\n'}${benchTables(rows, style)}`);
    isFirst = false;
    rows = [];
  };
  return {
    onWork: (_work, _entries, place) => {
      flush();
      isSweep = place?.isSweep === true;
    },
    onRow: (row) => {
      if (!isSweep) rows.push(row);
      else if (row.kind !== 'reference') {
        sweep(row);
        isFirst = false;
      }
    },
    onSkipped: () => undefined,
    onReport: ({ skipped, verdict, rows: all, machine, kernel, node }) => {
      flush();
      const lacking = skippedLines(skipped, style);
      if (lacking !== undefined) print(`\n${lacking}`);
      if (all.some(isBare)) print(`\n${indented('', unsealed, style)}`);
      print(`\n${verdictLines(verdict, style).join('\n')}`);
      print(style.paint('dim', `\n${machine} · ${kernel} · Node ${node}`));
    },
  };
}

const isBare = ({ kind, pattern }: BenchRow): boolean =>
  kind === 'xfer' && (pattern === 'latency' || pattern === 'memory');

const unsealed =
  'Rates of latency and memory are of bare transports, unsealed, from memory to memory: what a transfer adds is not in them.';
