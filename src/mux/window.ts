import type { ConnectionBudget } from '../transport/contract.js';

/** However short the round trip, a window should hold this much time at the reader's rate: loops and schedulers are late. */
const leastWindowMs = 20;

/** The receiving side's credit: absolute byte counts, so that a later WINDOW replaces an earlier one. */
export class ReceiveWindow {
  sizeBytes: number;
  /** What the other side may send in all, as it was told. */
  limit: number;
  received = 0;
  consumed = 0;
  /** Renewals in the time that a window takes. */
  readonly #renewals: number;
  #renewedAt: number;

  constructor(sizeBytes: number, renewals: number, now: number) {
    this.sizeBytes = sizeBytes;
    this.#renewals = renewals;
    this.limit = sizeBytes;
    this.#renewedAt = now;
  }

  /** Accounts for arriving bytes; false where they are more than was granted. */
  receive(bytes: number): boolean {
    this.received += bytes;
    return this.received <= this.limit;
  }

  /** True when such a part of the window was consumed since the other side was told last. */
  get due(): boolean {
    return (this.consumed + this.sizeBytes - this.limit) * this.#renewals >= this.sizeBytes;
  }

  /** The new limit. Doubles the window where that part of it was consumed within about two round trips, as far as the budget goes. */
  renew(now: number, rttMs: () => number, maxBytes: number, budget: ConnectionBudget): number {
    const extra = Math.min(this.sizeBytes, maxBytes - this.sizeBytes);
    if (extra > 0 && this.#isQuick(now, rttMs) && budget.takeBytes(extra)) this.sizeBytes += extra;
    this.#renewedAt = now;
    this.limit = this.consumed + this.sizeBytes;
    return this.limit;
  }

  /** What a round trip takes is asked for only where it decides: a link may have to look for it. */
  #isQuick(now: number, rttMs: () => number): boolean {
    const took = now - this.#renewedAt;
    return took <= leastWindowMs / this.#renewals || took <= 2 * rttMs();
  }
}
