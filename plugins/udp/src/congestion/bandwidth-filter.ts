import { WindowedMax } from './windowed-max.js';

/**
 * What the path has shown to carry: the largest delivery rate of the last rounds, in bytes a second. A maximum, because
 * everything that disturbs a sample but a lump of ACKs makes it smaller.
 */
export class BandwidthFilter {
  readonly #rates = new WindowedMax(rounds);
  #wasFed = false;
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
    this.#wasFed ||= !isLimited;
  }

  /**
   * A round in which nothing was learnt makes nothing older. One that a queue made long counts as several, or a path that
   * became slow would be overrun for ten of its long rounds.
   */
  handleRound(now: number, minRttMs: number): void {
    const elapsedMs = Math.abs(now - this.#turnSince);
    if (!this.#wasFed || elapsedMs < leastTurnMs) return;
    const turns = Math.min(mostTurns, Math.max(1, Math.floor(elapsedMs / Math.max(minRttMs, leastTurnMs))));
    for (let turn = 0; turn < turns; turn++) this.#rates.advance();
    this.#turnSince = now;
    this.#wasFed = false;
  }

  reset(): void {
    this.#rates.reset();
    this.#wasFed = false;
  }
}

/** More than a whole cycle of probing, so that one probe's result lasts until the next's. */
const rounds = 10;
/** On a path of microseconds ten rounds are over while a process waits for its turn on the processor. */
const leastTurnMs = 10;
const mostTurns = 3;
/** What is above, bytes a second, comes of a broken clock. */
const maxRate = 1e12;
