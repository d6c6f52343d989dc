/** The least of the last few samples: jitter and delayed ACKs only ever make a round trip longer (RFC 6817 §3.4.2). */
export class RecentMinimum {
  readonly #samples: number[] = [];
  readonly #length: number;

  constructor(length: number) {
    this.#length = length;
  }

  /** Undefined before the first sample. */
  get ms(): number | undefined {
    return this.#samples.length > 0 ? Math.min(...this.#samples) : undefined;
  }

  update(rttMs: number): void {
    this.#samples.push(rttMs);
    if (this.#samples.length > this.#length) this.#samples.shift();
  }

  reset(): void {
    this.#samples.length = 0;
  }
}
