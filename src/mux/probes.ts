import { encodeUint64Frame } from './encode.js';
import { frameType } from './frame.js';
import type { Liveness } from './liveness.js';

const maxOpenProbes = 64;

/** KEEPALIVE and its answer: each is made when it is sent, so that the latest counts and none pile up. */
export class Probes {
  readonly #liveness: Liveness;
  /** When each probe without an answer went out; no more than fit between suspicion and death are kept. */
  readonly #sentAt = new Map<number, number>();
  #last = 0;
  #isDue = false;
  #answerDue: number | undefined;

  constructor(liveness: Liveness) {
    this.#liveness = liveness;
  }

  /** Asks the other side for life. */
  want(): void {
    this.#isDue = true;
  }

  /** The latest probe is the one that is answered. */
  answer(token: number): void {
    this.#answerDue = token;
  }

  handleAnswer(now: number, token: number): void {
    const sentAt = this.#sentAt.get(token);
    if (sentAt === undefined) return;
    this.#liveness.handleRtt(now - sentAt);
    for (const older of this.#sentAt.keys()) if (older <= token) this.#sentAt.delete(older);
  }

  /** The frames that are due, which count as sent. */
  poll(now: number, append: (frame: Uint8Array) => void): void {
    if (this.#isDue) {
      this.#isDue = false;
      this.#sentAt.set(++this.#last, now);
      this.#sentAt.delete(this.#last - maxOpenProbes);
      append(encodeUint64Frame(frameType.keepalive, 0, this.#last));
      this.#liveness.handleProbe(now);
    }
    if (this.#answerDue === undefined) return;
    append(encodeUint64Frame(frameType.keepaliveAck, 0, this.#answerDue));
    this.#answerDue = undefined;
  }
}
