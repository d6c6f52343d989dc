import { WindowedMax } from './windowed-max.js';

/**
 * What the path has shown to carry: the largest delivery rate of the last rounds, in bytes a second. A maximum, because
 * everything that disturbs a sample but a lump of ACKs makes it smaller.
 */
export class BandwidthFilter {
  readonly #rates = new WindowedMax(rounds);
  /** Of the present turn, without what the application limited; 0: nothing was learnt. */
  #best = 0;
  #turnSince = 0;

  /** 0 before the first sample. */
  get rate(): number {
    return this.#rates.value;
  }

  /** A sample that was taken while the application had nothing to send is a lower bound of the rate, and no more. */
  update(rate: number | undefined, isLimited: boolean): void {
    if (rate === undefined || !(rate > 0 && rate <= maxRate)) return;
    if (isLimited && rate < this.#rates.value) return;
    this.#rates.update(rate);
    if (!isLimited) this.#best = Math.max(this.#best, rate);
  }

  /**
   * A round in which nothing was learnt makes nothing older. One that a queue made long, and that brought far less than
   * the estimate, counts as several: a path that became slow would be overrun for ten of its long rounds.
   */
  handleRound(now: number, minRttMs: number): void {
    const elapsedMs = Math.abs(now - this.#turnSince);
    if (this.#best === 0 || elapsedMs < leastTurnMs) return;
    const rounds = Math.max(1, Math.floor(elapsedMs / Math.max(minRttMs, leastTurnMs)));
    const turns = this.#best < this.rate * farLess ? Math.min(mostTurns, rounds) : 1;
    for (let turn = 0; turn < turns; turn++) this.#rates.advance();
    this.#turnSince = now;
    this.#best = 0;
  }

  reset(): void {
    this.#rates.reset();
    this.#best = 0;
  }
}

/** More than a whole cycle of probing, so that one probe's result lasts until the next's. */
const rounds = 10;
/** On a path of microseconds ten rounds are over while a process waits for its turn on the processor. */
const leastTurnMs = 10;
const mostTurns = 3;
const farLess = 0.6;
/** What is above, bytes a second, comes of a broken clock. */
const maxRate = 1e12;
