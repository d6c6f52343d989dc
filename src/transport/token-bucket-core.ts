export interface TokenBucketOptions {
  /** Tokens a second: bytes, connections, whatever is limited. Undefined or 0: no limit. */
  readonly ratePerSecond?: number | undefined;
  /** What may gather unused at a rate. Default: a tenth of a second's, 8192 at least. */
  readonly capacityAt?: (ratePerSecond: number) => number;
  /** Default: true. */
  readonly startsFull?: boolean;
}

/**
 * A token bucket with debt: a sans-IO core. What is reserved is taken at once, whatever there is, and the answer says how
 * long to wait; so large and small pieces get the same rate. Times in milliseconds; one that goes back fills nothing.
 */
export class TokenBucketCore {
  readonly #capacityAt: (ratePerSecond: number) => number;
  readonly #startsFull: boolean;
  #ratePerSecond: number | undefined;
  /** Below zero: debt. Undefined until there is a rate: then it is what it starts with. */
  #tokens: number | undefined;
  #filledAt: number | undefined;

  constructor({ ratePerSecond, capacityAt = usualCapacity, startsFull = true }: TokenBucketOptions = {}) {
    this.#capacityAt = capacityAt;
    this.#startsFull = startsFull;
    this.#ratePerSecond = limitOf(ratePerSecond);
  }

  /** Undefined: no limit. */
  get ratePerSecond(): number | undefined {
    return this.#ratePerSecond;
  }

  /** Debt of the old rate is paid at the new one; without a limit it is forgotten. */
  setRate(ratePerSecond: number | undefined, now: number): void {
    this.#fill(now);
    this.#ratePerSecond = limitOf(ratePerSecond);
    if (this.#ratePerSecond === undefined) this.#tokens = undefined;
  }

  /** Takes `tokens` (negative: gives them back) and says how many milliseconds to wait before more is taken. */
  reserve(tokens: number, now: number): number {
    const held = this.#fill(now);
    if (held !== undefined) this.#tokens = held - tokens;
    return this.waitMs(now);
  }

  /** Takes `tokens` where all of them are there; for what is refused rather than kept waiting. */
  tryTake(tokens: number, now: number): boolean {
    if (!this.has(tokens, now)) return false;
    this.reserve(tokens, now);
    return true;
  }

  has(tokens: number, now: number): boolean {
    const held = this.#fill(now);
    return held === undefined || held >= tokens;
  }

  /** Whether nothing is missing: a bucket made anew would be the same. */
  isFull(now: number): boolean {
    const [held, rate] = [this.#fill(now), this.#ratePerSecond];
    return held === undefined || rate === undefined || held >= this.#capacityAt(rate);
  }

  /** How long to wait before anything is taken; 0: not at all. */
  waitMs(now: number): number {
    const [held, rate] = [this.#fill(now), this.#ratePerSecond];
    return held === undefined || rate === undefined || held >= 0 ? 0 : (-held / rate) * 1000;
  }

  /** What is there now; undefined without a limit. */
  #fill(now: number): number | undefined {
    const rate = this.#ratePerSecond;
    const elapsedMs = Math.max(0, now - (this.#filledAt ?? now));
    this.#filledAt = Math.max(now, this.#filledAt ?? now);
    if (rate === undefined) return undefined;
    const capacity = this.#capacityAt(rate);
    const held = this.#tokens ?? (this.#startsFull ? capacity : 0);
    this.#tokens = Math.min(capacity, held + (elapsedMs / 1000) * rate);
    return this.#tokens;
  }
}

/** More than a tenth of a second would be lost in one burst by whoever is behind it. */
const usualCapacity = (ratePerSecond: number): number => Math.max(ratePerSecond / 10, 8192);

const limitOf = (ratePerSecond: number | undefined): number | undefined =>
  ratePerSecond === undefined || ratePerSecond <= 0 ? undefined : ratePerSecond;
