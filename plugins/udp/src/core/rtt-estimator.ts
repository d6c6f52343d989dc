/** The least round trip is that of so long. */
const minWindowMs = 10_000;
/** RFC 9002 §6.1.2: timers are no finer. */
const granularityMs = 1;

/** Round trips of one path: smoothed and varying by RFC 6298 and RFC 9002 §5, the least in a window of 10 seconds. */
export class RttEstimator {
  readonly #maxAckDelayMs: number;
  #smoothedMs: number;
  #variationMs: number;
  #isMeasured = false;
  #latestMs: number;
  /** The least of this half of the window and of the one before. */
  #least = Infinity;
  #leastBefore = Infinity;
  #halfEndsAt: number;

  constructor(now: number, { initialMs, maxAckDelayMs }: { initialMs: number; maxAckDelayMs: number }) {
    this.#maxAckDelayMs = maxAckDelayMs;
    this.#smoothedMs = initialMs;
    this.#variationMs = initialMs / 2;
    this.#latestMs = initialMs;
    this.#halfEndsAt = now + minWindowMs / 2;
  }

  get isMeasured(): boolean {
    return this.#isMeasured;
  }

  get smoothedMs(): number {
    return this.#smoothedMs;
  }

  get latestMs(): number {
    return this.#latestMs;
  }

  get minMs(): number {
    const least = Math.min(this.#least, this.#leastBefore);
    return least === Infinity ? this.#smoothedMs : least;
  }

  /** RFC 9002 §6.2.1, without its doubling. */
  get probeTimeoutMs(): number {
    return this.#smoothedMs + Math.max(4 * this.#variationMs, granularityMs) + this.#maxAckDelayMs;
  }

  /** Returns the round trip without the receiver's delay, of which no more is believed than its timer may be late. */
  handleSample(now: number, rawMs: number, ackDelayMs: number): number {
    const delayMs = Math.min(ackDelayMs, 2 * this.#maxAckDelayMs);
    const rttMs = rawMs > delayMs ? rawMs - delayMs : rawMs;
    this.#latestMs = rawMs;
    this.#keepLeast(now, rttMs);
    if (this.#isMeasured) {
      this.#variationMs += (Math.abs(this.#smoothedMs - rttMs) - this.#variationMs) / 4;
      this.#smoothedMs += (rttMs - this.#smoothedMs) / 8;
    } else {
      this.#isMeasured = true;
      this.#smoothedMs = rttMs;
      this.#variationMs = rttMs / 2;
    }
    return rttMs;
  }

  #keepLeast(now: number, rttMs: number): void {
    if (now >= this.#halfEndsAt) {
      this.#leastBefore = now < this.#halfEndsAt + minWindowMs / 2 ? this.#least : Infinity;
      this.#least = Infinity;
      this.#halfEndsAt = now + minWindowMs / 2;
    }
    this.#least = Math.min(this.#least, rttMs);
  }
}
