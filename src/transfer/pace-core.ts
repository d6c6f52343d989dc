/**
 * A token bucket with debt: a sans-IO core. What is sent is taken at once, whatever there is, and the answer says how
 * long to wait before the next; so large and small records get the same rate. Times in milliseconds.
 */
export class PaceCore {
  #bytesPerSecond: number | undefined;
  /** Below zero: debt. */
  #tokens = 0;
  #filledAt: number | undefined;

  /** `bytesPerSecond`: undefined for no limit. */
  constructor(bytesPerSecond?: number) {
    this.#bytesPerSecond = bytesPerSecond;
  }

  get bytesPerSecond(): number | undefined {
    return this.#bytesPerSecond;
  }

  /** Debt of the old rate is paid at the new one. */
  setRate(bytesPerSecond: number | undefined, now: number): void {
    this.#fill(now);
    this.#bytesPerSecond = bytesPerSecond;
    if (bytesPerSecond === undefined) this.#tokens = 0;
  }

  /** The largest record that goes at this rate without a gap that anybody would notice. */
  get recordBytes(): number {
    const rate = this.#bytesPerSecond;
    return rate === undefined ? Infinity : Math.max(leastRecordBytes, (rate * recordMs) / 1000);
  }

  /** Takes `bytes`. */
  take(bytes: number, now: number): void {
    this.#fill(now);
    if (this.#bytesPerSecond !== undefined) this.#tokens -= bytes;
  }

  /** How long to wait before anything is sent; 0: not at all. */
  waitMs(now: number): number {
    this.#fill(now);
    const rate = this.#bytesPerSecond;
    return rate === undefined || this.#tokens >= 0 ? 0 : (-this.#tokens / rate) * 1000;
  }

  #fill(now: number): void {
    const rate = this.#bytesPerSecond;
    if (rate !== undefined && this.#filledAt !== undefined) {
      const most = (rate * burstMs) / 1000;
      this.#tokens = Math.min(most, this.#tokens + ((now - this.#filledAt) / 1000) * rate);
    }
    this.#filledAt = now;
  }
}

/** Unused rate is kept for this long. */
const burstMs = 50;
const recordMs = 50;
const leastRecordBytes = 4 * 1024;
