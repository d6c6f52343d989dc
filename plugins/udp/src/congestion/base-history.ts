/**
 * The round trip without a queue, as RFC 6817 §3.4.2 keeps it: the least of each of the last ten minutes. A route that became
 * longer is believed after ten minutes; a queue that drained, at once.
 */
export class BaseHistory {
  readonly #minima: number[] = [];
  #minuteSince = 0;

  /** Undefined before the first sample. */
  get ms(): number | undefined {
    return this.#minima.length > 0 ? Math.min(...this.#minima) : undefined;
  }

  update(now: number, rttMs: number): void {
    if (this.#minima.length === 0 || Math.abs(now - this.#minuteSince) >= minuteMs) {
      this.#minima.push(rttMs);
      this.#minuteSince = now;
      if (this.#minima.length > minutes) this.#minima.shift();
    }
    const last = this.#minima.length - 1;
    this.#minima[last] = Math.min(this.#minima[last] ?? rttMs, rttMs);
  }

  reset(): void {
    this.#minima.length = 0;
  }
}

const minutes = 10;
const minuteMs = 60_000;
