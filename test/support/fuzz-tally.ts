/** Counts what was sent by kind and what became of it. */
export class FuzzTally {
  readonly #counts = new Map<string, Map<string, number>>();
  total = 0;

  add(kind: string, outcome: string): void {
    const row = this.#counts.get(kind) ?? new Map<string, number>();
    this.#counts.set(kind, row);
    row.set(outcome, (row.get(outcome) ?? 0) + 1);
    this.total++;
  }

  get outcomes(): ReadonlySet<string> {
    return new Set([...this.#counts.values()].flatMap((row) => [...row.keys()]));
  }

  get kinds(): readonly string[] {
    return [...this.#counts.keys()];
  }

  /** A line a kind: its outcomes, the most frequent first. */
  lines(): string[] {
    const kinds = [...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1));
    const wide = Math.max(...kinds.map(([kind]) => kind.length));
    return kinds.map(([kind, row]) => {
      const all = [...row.values()].reduce((sum, count) => sum + count, 0);
      const outcomes = [...row]
        .sort(([, a], [, b]) => b - a)
        .map(([outcome, count]) => `${outcome} ${count}`);
      return `${kind.padEnd(wide)} ${String(all).padStart(6)}  ${outcomes.join(', ')}`;
    });
  }
}
