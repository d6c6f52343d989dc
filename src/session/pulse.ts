/** What the caller shall do now. */
export type PulseVerdict = 'nothing' | 'beat' | 'dead';

export interface PulseLimits {
  /** Beat when nothing was sent for this long. */
  readonly heartbeatMs: number;
  /** Nothing heard for this long means that the other side is gone. */
  readonly silenceMs: number;
}

/** Signs of life that may be missed before the other side is late. */
const lateBeats = 2;

/**
 * Whether the other end of a session is still there, whatever is between: hops may be alive while it is not. A pure
 * state machine: `handleTick` is called about once a second with what both directions have counted so far.
 */
export class Pulse {
  readonly #limits: PulseLimits;
  #heard = 0;
  #sent = 0;
  #heardAt: number;
  #sentAt: number;
  #tickedAt: number;

  constructor(limits: PulseLimits, now: number) {
    this.#limits = limits;
    this.#heardAt = now;
    this.#sentAt = now;
    this.#tickedAt = now;
  }

  /** Whether the other side should have been heard by now. */
  isLate(now: number): boolean {
    return now - this.#heardAt >= lateBeats * this.#limits.heartbeatMs;
  }

  /** `heardBytes` and `sentRecords` only ever grow. */
  handleTick(now: number, heardBytes: number, sentRecords: number): PulseVerdict {
    // This process stood still: what arrived meanwhile is unread yet.
    const stoodStill = now - this.#tickedAt > this.#limits.heartbeatMs;
    this.#tickedAt = now;
    if (heardBytes !== this.#heard || stoodStill) this.#heardAt = now;
    this.#heard = heardBytes;
    if (now - this.#heardAt >= this.#limits.silenceMs) return 'dead';
    if (sentRecords !== this.#sent) this.#sentAt = now;
    this.#sent = sentRecords;
    if (now - this.#sentAt < this.#limits.heartbeatMs) return 'nothing';
    this.#sentAt = now;
    return 'beat';
  }
}
