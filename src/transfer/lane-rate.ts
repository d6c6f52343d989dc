/** A maximum or minimum over the last one to two periods: two buckets, of which the older is dropped. Pure. */
class Extreme {
  readonly #periodMs: number;
  readonly #pick: (a: number, b: number) => number;
  #older: number | undefined;
  #newer: number | undefined;
  #since = 0;

  constructor(periodMs: number, pick: (a: number, b: number) => number) {
    this.#periodMs = periodMs;
    this.#pick = pick;
  }

  get value(): number | undefined {
    if (this.#older === undefined || this.#newer === undefined) return this.#newer ?? this.#older;
    return this.#pick(this.#older, this.#newer);
  }

  add(sample: number, now: number): void {
    if (now - this.#since > this.#periodMs) {
      this.#older = this.#newer;
      this.#newer = undefined;
      this.#since = now;
    }
    this.#newer = this.#newer === undefined ? sample : this.#pick(this.#newer, sample);
  }
}

/** What a record's acknowledgement is measured against; made when the record is sent. */
export interface Sending {
  readonly sentAt: number;
  readonly deliveredBefore: number;
  readonly deliveredAt: number;
}

/**
 * A lane's bandwidth and delay, measured by what is acknowledged: the highest delivery rate of the last seconds and
 * the shortest time to an acknowledgement (as BBR does; Cardwell et al., "BBR: Congestion-Based Congestion Control",
 * 2016). Pure; times in milliseconds.
 */
export class LaneRate {
  readonly #rate = new Extreme(1_000, Math.max);
  readonly #delay = new Extreme(10_000, Math.min);
  #delivered = 0;
  #deliveredAt = 0;

  /** Bytes a millisecond; undefined until something was measured. */
  get bytesPerMs(): number | undefined {
    return this.#rate.value;
  }

  get delayMs(): number | undefined {
    return this.#delay.value;
  }

  handleSent(now: number, isIdle: boolean): Sending {
    // Time in which nothing was under way says nothing of the lane.
    if (isIdle) this.#deliveredAt = now;
    return { sentAt: now, deliveredBefore: this.#delivered, deliveredAt: this.#deliveredAt };
  }

  handleDelivered(bytes: number, sending: Sending, now: number): void {
    this.#delivered += bytes;
    this.#deliveredAt = now;
    const elapsedMs = Math.max(now - sending.deliveredAt, now - sending.sentAt, leastElapsedMs);
    this.#rate.add((this.#delivered - sending.deliveredBefore) / elapsedMs, now);
    this.#delay.add(Math.max(now - sending.sentAt, leastElapsedMs), now);
  }
}

/** Clocks are not finer than this; nothing is faster either. */
const leastElapsedMs = 0.05;
