import { RoundCounter } from './round-counter.js';
import type { AckSample } from './controller.js';

/** What a slow start should do now: go on, go on at a quarter of the pace, or end. */
export type SlowStartAdvice = 'grow' | 'grow-slowly' | 'end';

/** HyStart++ (RFC 9406): ends slow start when round trips grow, before the queue is full. For a paced sender (L = ∞). */
export class HyStart {
  readonly #rounds = new RoundCounter();
  #lastMinMs = Infinity;
  #minMs = Infinity;
  #samples = 0;
  /** The round trip at which conservative slow start began; undefined outside of it. */
  #baselineMs: number | undefined;
  #slowRounds = 0;

  handleAck(sample: AckSample): SlowStartAdvice {
    if (this.#rounds.handleAck(sample) && this.#endRound()) return 'end';
    const { rttMs } = sample;
    if (rttMs !== undefined && rttMs >= 0) {
      this.#minMs = Math.min(this.#minMs, rttMs);
      this.#samples++;
    }
    if (this.#samples >= leastSamples) this.#judge();
    return this.#baselineMs === undefined ? 'grow' : 'grow-slowly';
  }

  #endRound(): boolean {
    this.#lastMinMs = this.#minMs;
    this.#minMs = Infinity;
    this.#samples = 0;
    if (this.#baselineMs === undefined) return false;
    this.#slowRounds++;
    return this.#slowRounds >= mostSlowRounds;
  }

  #judge(): void {
    if (this.#baselineMs !== undefined) {
      // It was jitter: the round trip is what it had been.
      if (this.#minMs < this.#baselineMs) this.#baselineMs = undefined;
    } else if (Number.isFinite(this.#lastMinMs)) {
      const risen = Math.min(mostRiseMs, Math.max(leastRiseMs, this.#lastMinMs / 8));
      if (this.#minMs < this.#lastMinMs + risen) return;
      this.#baselineMs = this.#minMs;
      this.#slowRounds = 0;
    }
  }
}

/** RFC 9406 §4.3. */
const leastSamples = 8;
const leastRiseMs = 4;
const mostRiseMs = 16;
const mostSlowRounds = 5;
