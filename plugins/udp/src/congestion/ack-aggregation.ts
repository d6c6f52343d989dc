import { WindowedMax } from './windowed-max.js';

/**
 * ACKs come in lumps: after a pause more is acknowledged at once than the path's rate explains, and before it the window is
 * used up. So the window gets as much on top as lumps exceeded the rate by, the most of the last rounds.
 */
export class AckAggregation {
  readonly #excess = new WindowedMax(rounds);
  #since: number | undefined;
  #ackedBytes = 0;

  get extraBytes(): number {
    return this.#excess.value;
  }

  handleAck(now: number, ackedBytes: number, rate: number, windowBytes: number): void {
    const elapsedMs = this.#since === undefined ? -1 : now - this.#since;
    const expectedBytes = (rate * elapsedMs) / 1000;
    // The acknowledged fell behind the rate: a new lump begins here.
    if (elapsedMs < 0 || this.#ackedBytes <= expectedBytes) {
      this.#since = now;
      this.#ackedBytes = ackedBytes;
      this.#excess.update(Math.min(ackedBytes, windowBytes, (rate * maxLumpMs) / 1000));
      return;
    }
    this.#ackedBytes += ackedBytes;
    const excess = this.#ackedBytes - expectedBytes;
    this.#excess.update(Math.min(excess, windowBytes, (rate * maxLumpMs) / 1000));
  }

  handleRound(): void {
    this.#excess.advance();
  }

  /** What comes next does not belong to the lump before. */
  restart(): void {
    this.#since = undefined;
  }

  reset(): void {
    this.#excess.reset();
    this.restart();
  }
}

const rounds = 10;
/** A longer pause is no lump, but a path that stands still. */
const maxLumpMs = 100;
