/**
 * The round trip without a queue: the least of the last 10 seconds. Every 5 seconds in which it was not seen again the
 * path must be emptied to measure it (draft-ietf-ccwg-bbr §5.3.4).
 */
export class RoundTripMinimum {
  #minMs: number | undefined;
  #minAt = 0;
  #recentMs = Infinity;
  #recentAt = 0;
  #isDue = false;

  /** Undefined before the first sample. */
  get ms(): number | undefined {
    return this.#minMs;
  }

  /** With the last sample it was found that the minimum had not been seen for long. */
  get isDue(): boolean {
    return this.#isDue;
  }

  update(now: number, rttMs: number | undefined): void {
    // A clock that went back made all times wrong; forward, it only makes the minimum old.
    if (now < this.#recentAt) this.#recentAt = this.#minAt = now;
    this.#isDue = this.#minMs !== undefined && now - this.#recentAt > probeAfterMs;
    if (rttMs === undefined || !(rttMs >= 0 && rttMs <= maxRttMs)) return;
    const sample = Math.max(rttMs, leastRttMs);
    if (sample <= this.#recentMs || this.#isDue) [this.#recentMs, this.#recentAt] = [sample, now];
    // Nearly the minimum is good enough to know that it still holds.
    else if (sample <= this.#recentMs * seenAgain) this.#recentAt = now;
    if (this.#minMs === undefined || this.#recentMs <= this.#minMs || now - this.#minAt > forgetAfterMs) {
      this.#minMs = this.#recentMs;
      this.#minAt = this.#recentAt;
    }
  }

  /** What was seen before counts no more, once the next sample is there; `ms` stays until `endAnew`. */
  beginAnew(): void {
    this.#recentMs = Infinity;
  }

  /** The least since `beginAnew`, where there was any, is the minimum, also where it is larger. */
  endAnew(): void {
    if (this.#recentMs < Infinity) [this.#minMs, this.#minAt] = [this.#recentMs, this.#recentAt];
  }

  reset(): void {
    this.#minMs = undefined;
    this.#recentMs = Infinity;
    this.#isDue = false;
  }
}

const probeAfterMs = 5_000;
const forgetAfterMs = 10_000;
const seenAgain = 1.01;
const leastRttMs = 0.001;
const maxRttMs = 600_000;
