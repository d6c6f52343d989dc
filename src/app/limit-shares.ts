import type { SendLimit } from '../transfer/send-options.js';
import type { RateLimit } from './rate-limit.js';

/** How fast to send, for who also tells how much was sent. */
export interface ToldLimit extends SendLimit {
  /** So much was sent in all, at this time in milliseconds. */
  handleSent(bytes: number, now: number): void;
}

/** One limit for several transfers at once: each has an equal part of it, whether the others use theirs or not. */
export class LimitShares {
  readonly #limit: RateLimit;
  readonly #count: number;
  readonly #sent = new Map<ToldLimit, number>();

  constructor(limit: RateLimit, count: number) {
    this.#limit = limit;
    this.#count = count;
  }

  share(): ToldLimit {
    const bytesPerSecond = () => this.#bytesPerSecond;
    const share: ToldLimit = {
      get bytesPerSecond() {
        return bytesPerSecond();
      },
      onChange: (listener) => this.#limit.onChange(listener),
      handleSent: (bytes, now) => {
        this.#sent.set(share, bytes);
        this.#limit.handleSent(
          [...this.#sent.values()].reduce((sum, one) => sum + one, 0),
          now,
        );
      },
    };
    return share;
  }

  get #bytesPerSecond(): number | undefined {
    const { bytesPerSecond } = this.#limit;
    return bytesPerSecond === undefined ? undefined : bytesPerSecond / this.#count;
  }
}
