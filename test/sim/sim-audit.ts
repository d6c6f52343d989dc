import type { Dispatch } from '../../src/transfer/scheduler-core.js';

interface Known {
  readonly bytes: number;
  readonly carriers: Set<number>;
  sentAt: number;
  /** Bytes that may go out again since a lane that had them is gone, may be, or brought them damaged. */
  owed: boolean;
}

/** The least that a record has waited before it is copied. */
const leastLagMs = 200;

/** What went out, and why: an account of its own, kept beside the scheduler's. Throws where something goes out without a reason. */
export class SimAudit {
  readonly #known = new Map<number, Known>();
  readonly carriedBy = new Map<number, number>();
  sentBytes = 0;
  /** Sent again for what died, was suspect or did not verify; and what of that there was. */
  resentBytes = 0;
  lostBytes = 0;
  copiedBytes = 0;
  unacknowledgedBytes = 0;

  get unacknowledged(): number {
    return this.#known.size;
  }

  handleDispatch(lane: number, dispatch: Dispatch<number>, now: number, isExhausted: boolean): void {
    const { number, piece, isRepeat } = dispatch;
    this.sentBytes += piece.bytes;
    this.carriedBy.set(lane, (this.carriedBy.get(lane) ?? 0) + piece.bytes);
    const known = this.#known.get(number);
    if (isRepeat !== (known !== undefined)) throw new Error(`record ${number} is wrongly called a repeat`);
    if (!known) {
      this.unacknowledgedBytes += piece.bytes;
      this.#known.set(number, { bytes: piece.bytes, carriers: new Set([lane]), sentAt: now, owed: false });
      return;
    }
    if (known.carriers.has(lane)) throw new Error(`record ${number} goes twice on lane ${lane}`);
    if (known.owed) this.resentBytes += piece.bytes;
    else {
      const [head] = this.#known.keys();
      const isLate = head === number && now >= known.sentAt + leastLagMs;
      if (!isLate && !isExhausted) throw new Error(`record ${number} is sent again without a reason`);
      this.copiedBytes += piece.bytes;
    }
    known.owed = false;
    known.carriers.add(lane);
    known.sentAt = now;
  }

  handleReceived(number: number): void {
    this.unacknowledgedBytes -= this.#known.get(number)?.bytes ?? 0;
    this.#known.delete(number);
  }

  handleAgain(number: number): void {
    const known = this.#known.get(number);
    if (!known) return;
    known.carriers.clear();
    this.#owe(known);
  }

  /** The lane is gone, or may be. */
  handleLost(lane: number): void {
    for (const known of this.#known.values()) {
      if (known.carriers.delete(lane) && known.carriers.size === 0) this.#owe(known);
    }
  }

  #owe(known: Known): void {
    if (known.owed) return;
    known.owed = true;
    this.lostBytes += known.bytes;
  }
}
