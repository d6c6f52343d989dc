import { benchDefaults } from '../config/index.js';
import type { BenchEntry, BenchRow } from './report.js';

/** A row without its single runs, which nobody asks for any more. */
export type PassRow = Omit<BenchRow, 'samples'>;

/** What a contestant came to in each pass of a bench that is repeated: its rows, oldest first. */
export class PassHistory {
  readonly #rows = new Map<string, PassRow[]>();

  /** The oldest are forgotten past benchDefaults.keptPasses. */
  add(row: BenchRow): void {
    const rows = this.#rows.get(row.id) ?? [];
    this.#rows.set(row.id, rows);
    const { samples: _runs, ...kept } = row;
    rows.push(kept);
    rows.splice(0, rows.length - benchDefaults.keptPasses);
  }

  of({ id }: Pick<BenchEntry, 'id'>): readonly PassRow[] {
    return this.#rows.get(id) ?? [];
  }

  /** Those of every contestant of every work, in the order in which they came. */
  all(): readonly (readonly PassRow[])[] {
    return [...this.#rows.values()];
  }
}
