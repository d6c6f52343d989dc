import { BaseHistory } from './base-history.js';
import { clampRate, clampWindow, firstWindowBytes, orMs, unknownRttMs } from './bounds.js';
import type { AckSample, CongestionController, ControllerOptions, LossSample } from './controller.js';
import { RecentMinimum } from './recent-minimum.js';
import { WindowedMax } from './windowed-max.js';

/**
 * `growing`: slow start, to the threshold or until delay grows. `steady`: by delay. `slowed`: two packets, for two round
 * trips, so that the queue's own part of the base delay shows.
 */
type State = 'growing' | 'steady' | 'slowed';

/**
 * LEDBAT++ (draft-irtf-iccrg-ledbat-plus-plus): takes what others leave. It aims at 60 ms of queue, which is less than whoever
 * fills queues makes, so that it yields to them; and slows down now and then, lest the base delay that it measures be the
 * queue of another of its kind.
 */
export class Ledbat implements CongestionController {
  readonly name = 'ledbat';
  readonly #base = new BaseHistory();
  readonly #current = new RecentMinimum(currentSamples);
  #datagramBytes: number;
  #windowBytes: number;
  #thresholdBytes = Infinity;
  /** Queues at the last losses: where the buffer is shorter than the target, it ends there. */
  readonly #fullQueueMs = new WindowedMax(fullQueueEvents);
  #state: State = 'growing';
  #rttMs: number;
  #reducedAt = -Infinity;
  /** Until then the queue that is seen is one that was answered already. */
  #answeredUntil = -Infinity;
  /** When the next slowdown begins; Infinity as long as slow start lasts. */
  #slowdownAt = Infinity;
  #slowdownSince: number | undefined;
  #ackedAt: number;

  constructor({ now, datagramBytes, rttMs }: ControllerOptions) {
    this.#datagramBytes = datagramBytes;
    this.#windowBytes = firstWindowBytes(firstPackets, datagramBytes);
    this.#rttMs = orMs(rttMs, unknownRttMs);
    this.#ackedAt = now;
  }

  get windowBytes(): number {
    return clampWindow(this.#windowBytes, this.#leastBytes);
  }

  get pacingRate(): number {
    return clampRate((pace * this.windowBytes * 1000) / this.#rttMs);
  }

  handleSent(): void {
    // Nothing depends on single packets: the window does the rest.
  }

  handleAck(sample: AckSample): void {
    const { now, rttMs, smoothedRttMs, marked } = sample;
    this.#followClock(now);
    this.#rttMs = orMs(smoothedRttMs, this.#rttMs);
    if (rttMs !== undefined && rttMs >= 0 && rttMs <= maxRttMs) {
      this.#base.update(now, rttMs);
      this.#current.update(rttMs);
    }
    if (marked > 0 && now > this.#reducedAt + this.#rttMs) this.#halve(now);
    const acked = sample.ackedBytes > 0 ? sample.ackedBytes : 0;
    const isUsed = !sample.isAppLimited || sample.inFlightBytes + acked >= this.#windowBytes / 2;
    // Of more than a window at once no more than a round trip's change is made.
    this.#step(now, Math.min(1, acked / this.windowBytes), isUsed);
  }

  handleLoss({ now, sentAt }: LossSample): void {
    if (sentAt > this.#reducedAt && this.#state !== 'slowed') this.#halve(now);
  }

  handlePersistentCongestion(now: number): void {
    this.#halve(now);
    this.#windowBytes = this.#leastBytes;
    this.#state = 'growing';
    this.#base.reset();
    this.#current.reset();
    this.#fullQueueMs.reset();
  }

  handleSpuriousLoss(): void {
    // Whoever yields to everyone does not hurry back.
  }

  handleDatagramBytes(bytes: number): void {
    this.#datagramBytes = bytes;
  }

  describe(): Readonly<Record<string, number | string>> {
    return {
      state: this.#state,
      baseMs: this.#base.ms ?? 0,
      queueMs: this.#queueMs,
      targetMs: this.#targetMs,
      gain: this.#gain,
    };
  }

  get #leastBytes(): number {
    return leastPackets * this.#datagramBytes;
  }

  get #queueMs(): number {
    return (this.#current.ms ?? 0) - (this.#base.ms ?? 0);
  }

  /** A buffer that is full before the target is reached would make this a Reno: then half of it is the target. */
  get #targetMs(): number {
    const fullMs = this.#fullQueueMs.value;
    return fullMs > 0 ? Math.min(targetMs, Math.max(leastTargetMs, fullMs / 2)) : targetMs;
  }

  /** Part of Reno's growth: on short paths Reno would reach the target before anyone could react. */
  get #gain(): number {
    const base = this.#base.ms ?? 0;
    return base > 0 ? 1 / Math.min(16, Math.ceil((2 * targetMs) / base)) : 1 / 16;
  }

  #step(now: number, part: number, isUsed: boolean): void {
    switch (this.#state) {
      case 'slowed':
        if (now - (this.#slowdownSince ?? now) >= slowedRounds * this.#rttMs) this.#state = 'growing';
        return;
      case 'growing':
        if (isUsed) this.#windowBytes += this.#gain * part * this.#windowBytes;
        if (this.#windowBytes >= this.#thresholdBytes) this.#windowBytes = this.#thresholdBytes;
        else if (this.#queueMs <= (this.#slowdownSince === undefined ? growingEnds : 1) * this.#targetMs)
          return;
        // What was added since the queue began to be seen was too much, and what it loses was lost by that.
        else {
          this.#windowBytes = Math.max(this.#windowBytes / (1 + this.#gain), this.#leastBytes);
          this.#reducedAt = now;
        }
        this.#endGrowing(now);
        return;
      case 'steady':
        if (now >= this.#slowdownAt) this.#slowDown(now);
        else this.#followDelay(now, part, isUsed);
    }
  }

  /** The change of a whole round trip, for the part of it that was acknowledged. */
  #followDelay(now: number, part: number, isUsed: boolean): void {
    const excess = this.#queueMs / this.#targetMs - 1;
    const growth = this.#gain * this.#datagramBytes;
    const decrease = Math.min(excess * this.#windowBytes - growth, this.#windowBytes / 2);
    if (excess > 0 && now <= this.#answeredUntil) return;
    if (excess > 0) this.#windowBytes = Math.max(this.#windowBytes - decrease * part, this.#leastBytes);
    else if (isUsed) this.#windowBytes += growth * part;
  }

  #slowDown(now: number): void {
    const [base, target] = [this.#base.ms ?? 0, this.#targetMs];
    this.#thresholdBytes =
      this.#windowBytes * Math.min(1, (base + target) / (base + Math.max(target, this.#queueMs)));
    this.#windowBytes = this.#leastBytes;
    this.#slowdownSince = now;
    this.#state = 'slowed';
  }

  /** The first slowdown comes soon after the first slow start, each further one so late that they cost a tenth in all. */
  #endGrowing(now: number): void {
    const waitMs =
      this.#slowdownSince === undefined
        ? slowedRounds * this.#rttMs
        : slowdownEvery * (now - this.#slowdownSince);
    this.#slowdownAt = now + waitMs;
    this.#slowdownSince = undefined;
    this.#answeredUntil = now + this.#rttMs;
    this.#state = 'steady';
  }

  #halve(now: number): void {
    this.#fullQueueMs.advance();
    this.#fullQueueMs.update(this.#queueMs);
    this.#windowBytes = Math.max(this.windowBytes / 2, this.#leastBytes);
    this.#thresholdBytes = this.#windowBytes;
    this.#reducedAt = now;
    this.#answeredUntil = now + this.#rttMs;
    if (this.#state === 'growing') this.#endGrowing(now);
  }

  /** What was planned by a clock that went back is planned anew. */
  #followClock(now: number): void {
    const backMs = this.#ackedAt - now;
    this.#ackedAt = now;
    if (backMs <= 0) return;
    this.#slowdownAt -= backMs;
    this.#reducedAt = this.#answeredUntil = -Infinity;
    if (this.#slowdownSince !== undefined) this.#slowdownSince = Math.min(this.#slowdownSince, now);
  }
}

const targetMs = 60;
/** Less could not be told from jitter. */
const leastTargetMs = 5;
const fullQueueEvents = 8;
const growingEnds = 0.75;
const firstPackets = 10;
const leastPackets = 2;
const currentSamples = 4;
const slowedRounds = 2;
const slowdownEvery = 9;
const pace = 1.25;
const maxRttMs = 600_000;
