import type { BenchObserver } from '../bench/observer.js';
import { printable } from '../transfer/printable.js';
import { workTitle } from './bench-figures.js';
import { rowLine } from './bench-table.js';
import type { Write } from './view.js';

/** For logs, and terminals that can only write on: a line for each work, each row and what is skipped. */
export function benchLines(stderr: Write): BenchObserver {
  return {
    onWork: (work, entries, place) => {
      const by = entries.map(({ contestant }) => printable(contestant)).join(', ');
      const rounds = place === undefined ? '' : `, ${place.rounds} rounds`;
      stderr(`${workTitle(work)}: ${by || 'nobody'}${rounds}\n`);
    },
    onSkipped: ({ name, code, reason }) =>
      stderr(`skipped ${printable(name)}: ${printable(reason)} (${printable(code)})\n`),
    onProgress: () => undefined,
    onSample: () => undefined,
    onRow: (row) => stderr(`${rowLine(row)}\n`),
  };
}
