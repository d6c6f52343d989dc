import type { QuicConfig } from './config.js';

type Limits = Pick<QuicConfig, 'spareHandshakes' | 'maxHandshakes' | 'idleTimeoutMs'>;

/**
 * How many calls wait for handshakes. Each takes one handshake and waits until that is over, which of a forged first packet
 * is the idle timeout. So some are always to be free; how many are not is known from quinn's count of handshakes that were
 * begun. They are few, as libuv looks at each of them whenever anything wakes the loop, and twice as many as began lately.
 */
export class HandshakeCalls {
  readonly #limits: Limits;
  #calls = 0;
  #underWay = 0;
  /** Since the look before the last one. */
  #begun = 0;
  #accepted = 0;
  #acceptedAtMs = -Infinity;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** quinn's counter, of 32 bits. Returns how many more calls there are to be. */
  handleAccepted(now: number, accepted: number): number {
    const begun = (accepted - this.#accepted) >>> 0;
    this.#accepted = accepted;
    this.#underWay += begun;
    this.#begun = begun;
    if (begun > 0) this.#acceptedAtMs = now;
    // None lasts longer. What failed in ways that leave open whether it was begun is counted no more.
    else if (now - this.#acceptedAtMs > 2 * this.#limits.idleTimeoutMs) this.#underWay = 0;
    const wanted = Math.max(0, this.#wanted - this.#calls);
    this.#calls += wanted;
    return wanted;
  }

  /** A handshake that was begun is over. */
  handleOver(): void {
    // It may have begun since the counter was read.
    this.#underWay--;
  }

  /** A call has returned; whether it is to be made again. */
  handleReturned(): boolean {
    if (this.#calls <= this.#wanted) return true;
    this.#calls--;
    return false;
  }

  get #wanted(): number {
    const { spareHandshakes, maxHandshakes } = this.#limits;
    return Math.min(Math.max(0, this.#underWay) + Math.max(spareHandshakes, 2 * this.#begun), maxHandshakes);
  }
}
