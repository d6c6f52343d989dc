import { packetLayout } from 'xfer/plugin';
import type { ReceivedAck } from './received-ack.js';

const most = 2 ** 48 - 1;
/** From here on they are left for what is under way and the end of the connection. */
const reserved = 2 ** 16;
/** Numbers between one that is skipped and the next, on average: first, and at most; twice as many each time. */
const firstPeriod = 64;
const longestPeriod = 16_384;
/** An ACK of what was sent long before brings nobody anything. */
const maxSkipped = 16;

/**
 * The numbers of what is sent. They rise and none is used twice; now and then one is never used, so that who acknowledges
 * what it did not get, to be sent more than the path carries, gives itself away (RFC 9000 §21.4).
 */
export class PacketNumbers {
  readonly #random: () => number;
  #next: number;
  #period = firstPeriod;
  #skipAt: number;
  /** Rising. */
  readonly #skipped: number[] = [];

  constructor(random: () => number, first = 1) {
    this.#random = random;
    this.#next = first;
    this.#skipAt = this.#drawSkip();
  }

  get next(): number {
    return this.#next;
  }

  /** Nothing new may be begun. */
  get areLow(): boolean {
    return this.#next > most - reserved;
  }

  /** Not even a run is left. */
  get areSpent(): boolean {
    return this.#next > most - packetLayout.maxRunPackets;
  }

  /** So many were used, from `next` on. */
  use(count: number): void {
    this.#next += count;
    if (this.#next < this.#skipAt) return;
    this.#skipped.push(this.#next);
    if (this.#skipped.length > maxSkipped) this.#skipped.shift();
    this.#next += 1;
    this.#period = Math.min(2 * this.#period, longestPeriod);
    this.#skipAt = this.#drawSkip();
  }

  /** Whether the ACK tells of a number that was not used. */
  isRefutedBy(ack: ReceivedAck): boolean {
    if (ack.largest >= this.#next) return true;
    let index = ack.count - 1;
    for (let at = this.#skipped.length - 1; at >= 0; at--) {
      const skipped = this.#skipped[at] ?? 0;
      while (index >= 0 && ack.first(index) > skipped) index -= 1;
      if (index < 0) return false;
      if (ack.last(index) >= skipped) return true;
    }
    return false;
  }

  #drawSkip(): number {
    return this.#next + Math.floor((0.5 + this.#random()) * this.#period);
  }
}
