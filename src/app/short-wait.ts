import { availableParallelism } from 'node:os';
import type { NativeApi } from '../native/api.js';

/** What takes longer is slept through: that costs it little. */
const mostMs = 2;

/**
 * A wait that comes again and again, as of a pool's sends. Behind a short one the next is stayed awake for, which costs processor time, and
 * is not where there is one processor: somebody on this machine may be who is waited for.
 */
export class ShortWait {
  readonly #native: Pick<NativeApi, 'stayAwake'>;
  readonly #canSpare: boolean;
  #beganAt: number | undefined;
  #lastMs = Infinity;

  constructor(native: Pick<NativeApi, 'stayAwake'>, processors = availableParallelism()) {
    this.#native = native;
    this.#canSpare = processors > 1;
  }

  begin(): void {
    this.#beganAt = performance.now();
    if (this.#isShort) this.#native.stayAwake(1000 * mostMs);
  }

  /** What was waited for is there. */
  end(): void {
    if (this.#beganAt === undefined) return;
    if (this.#isShort) this.#native.stayAwake(0);
    this.#lastMs = performance.now() - this.#beganAt;
    this.#beganAt = undefined;
  }

  get #isShort(): boolean {
    return this.#canSpare && this.#lastMs <= mostMs;
  }
}
