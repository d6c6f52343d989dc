import { benchDefaults } from '../config/index.js';
import type { RunLimit } from './work.js';

/**
 * How far a run is: messages that only warm up, then those that count. Sans-IO; times in milliseconds. In a run of round
 * trips the first of both begins where the last one ended; one of a window lets all that warms up arrive before.
 */
export class BenchRunCore {
  readonly #limit: RunLimit;
  readonly #beganAt: number;
  readonly #warmUpMessages: number;
  readonly #warmUpMs: number;
  #warmedUp = 0;
  #measuredAt: number | undefined;
  #counted = 0;

  constructor(limit: RunLimit, now: number) {
    const { warmUpShare, minWarmUp, maxWarmUp } = benchDefaults;
    this.#limit = limit;
    this.#beganAt = now;
    const messages = 'iterations' in limit ? Math.ceil(limit.iterations * warmUpShare) : minWarmUp;
    this.#warmUpMessages = Math.min(Math.max(messages, minWarmUp), maxWarmUp);
    this.#warmUpMs = 'timeMs' in limit ? limit.timeMs * warmUpShare : 0;
  }

  /** From now on messages count. */
  measure(now: number): void {
    this.#measuredAt = now;
  }

  get isMeasuring(): boolean {
    return this.#measuredAt !== undefined;
  }

  /** Those that count. */
  get counted(): number {
    return this.#counted;
  }

  /** Since the first that counts was about to go. */
  measuredMs(now: number): number {
    return this.#measuredAt === undefined ? 0 : now - this.#measuredAt;
  }

  /** One more message is sent, or round trip over; whether it was the last one of what it belongs to. */
  handleMessage(now: number): boolean {
    const isLate = now - this.#beganAt >= benchDefaults.runMs;
    if (this.#measuredAt === undefined) {
      const isWarm = ++this.#warmedUp >= this.#warmUpMessages && now - this.#beganAt >= this.#warmUpMs;
      return isWarm || isLate;
    }
    this.#counted++;
    if (isLate) return true;
    const limit = this.#limit;
    if ('iterations' in limit) return this.#counted >= limit.iterations;
    return this.#counted >= benchDefaults.minIterations && now - this.#measuredAt >= limit.timeMs;
  }
}
