import { WindowedMax } from '../congestion/windowed-max.js';
import type { SentRun } from './sent-run.js';

/** What an ACK told about the rate of delivery. */
export interface RateSample {
  readonly priorDelivered: number;
  readonly bytesPerSecond: number | undefined;
  readonly isAppLimited: boolean;
}

const recentTurns = 5;
const turnMs = 2_000;

/** Estimates how fast a path delivers, by draft-cheng-iccrg-delivery-rate-estimation, with runs for packets. Bytes are whole datagrams. */
export class DeliveryRate {
  #delivered = 0;
  #deliveredAt: number;
  #firstSentAt: number;
  /** What was sent before so much was delivered was sent when there was too little to send; 0: no such phase. */
  #appLimitedUntil = 0;
  /** Of the newest run that the ACK at hand acknowledged. */
  #newest: SentRun | undefined;
  #latest = 0;
  readonly #recent = new WindowedMax(recentTurns);
  #turnSince: number;

  constructor(now: number) {
    this.#deliveredAt = now;
    this.#firstSentAt = now;
    this.#turnSince = now;
  }

  get delivered(): number {
    return this.#delivered;
  }

  /** The latest sample, bytes a second. */
  get latest(): number {
    return this.#latest;
  }

  /** The highest sample of the last 10 seconds or so, bytes a second. */
  get highest(): number {
    return this.#recent.value;
  }

  handleSent(now: number, run: SentRun, inFlightBytes: number): void {
    if (inFlightBytes === 0) {
      this.#firstSentAt = now;
      this.#deliveredAt = now;
    }
    run.delivered = this.#delivered;
    run.deliveredAt = this.#deliveredAt;
    run.firstSentAt = this.#firstSentAt;
    run.isAppLimited = this.#appLimitedUntil > 0;
  }

  /** There was room for more than there was to send. */
  handleAppLimited(inFlightBytes: number): void {
    this.#appLimitedUntil = this.#delivered + Math.max(inFlightBytes, 1);
  }

  /** Each run of an ACK, then `sample` once. */
  handleAcked(now: number, run: SentRun): void {
    this.#delivered += run.wireBytes;
    this.#deliveredAt = now;
    const newest = this.#newest;
    if (newest === undefined || run.number > newest.number) {
      this.#newest = run;
      this.#firstSentAt = run.sentAt;
    }
  }

  /** Undefined: nothing of this path was acknowledged. */
  sample(now: number, minRttMs: number): RateSample | undefined {
    const run = this.#newest;
    this.#newest = undefined;
    if (run === undefined) return undefined;
    if (this.#delivered > this.#appLimitedUntil) this.#appLimitedUntil = 0;
    const intervalMs = Math.max(run.sentAt - run.firstSentAt, now - run.deliveredAt);
    // Shorter than any round trip: ACKs or sending times were squeezed, §3.3 of the draft.
    const isValid = intervalMs > 0 && intervalMs >= minRttMs;
    const bytesPerSecond = isValid ? ((this.#delivered - run.delivered) / intervalMs) * 1000 : undefined;
    if (now - this.#turnSince >= turnMs || now < this.#turnSince) {
      this.#turnSince = now;
      this.#recent.advance();
    }
    if (bytesPerSecond !== undefined) {
      this.#latest = bytesPerSecond;
      this.#recent.update(bytesPerSecond);
    }
    return { priorDelivered: run.delivered, bytesPerSecond, isAppLimited: run.isAppLimited };
  }
}
