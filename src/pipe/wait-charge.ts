/** How much one of several writers may hold up the others. */
export interface SlowLimit {
  /** For how long altogether before it is too slow. */
  readonly waitMs: number;
  /** The part of all other time by which that is forgiven again. */
  readonly forgivenShare: number;
  /** For how long it may take nothing of the rest that it alone is waited for. */
  readonly standstillMs: number;
}

/**
 * For how long others waited for one writer: a leaky bucket. One that has stopped fills it once, and one that is a little slower
 * than the others, or stops now and then, only if the others lose more than `forgivenShare` of their time with it.
 */
export class WaitCharge {
  readonly #limit: SlowLimit;
  #chargedMs = 0;

  constructor(limit: SlowLimit) {
    this.#limit = limit;
  }

  /** What others may still wait; 0 or less: it is too slow. */
  get restMs(): number {
    return this.#limit.waitMs - this.#chargedMs;
  }

  handlePassed(passedMs: number, isHoldingUp: boolean): void {
    if (isHoldingUp) this.#chargedMs += passedMs;
    else this.#chargedMs = Math.max(0, this.#chargedMs - passedMs * this.#limit.forgivenShare);
  }
}
