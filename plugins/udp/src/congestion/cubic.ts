import { clampRate, clampWindow, firstWindowBytes, orMs, unknownRttMs } from './bounds.js';
import type { AckSample, CongestionController, ControllerOptions, LossSample } from './controller.js';
import { CubicCurve, lossKeeps } from './cubic-curve.js';
import { HyStart } from './hystart.js';

interface Growth {
  readonly windowBytes: number;
  readonly thresholdBytes: number;
  readonly flatBytes: number;
  readonly curve: CubicCurve | undefined;
}

/**
 * CUBIC (RFC 9438) as most of the Internet's TCP runs it, with HyStart++ (RFC 9406), paced. Every loss slows it, random ones
 * too: it is for paths where others must see an equal.
 */
export class Cubic implements CongestionController {
  readonly name = 'cubic';
  #datagramBytes: number;
  #windowBytes: number;
  #thresholdBytes = Infinity;
  /** Where the curve is flat: about the window that met the last full queue. */
  #flatBytes = 0;
  #curve: CubicCurve | undefined;
  readonly #hyStart = new HyStart();
  #rttMs: number;
  #ackedAt: number;
  /** Losses of packets sent before the last reduction are of the same event. */
  #reducedAt = -Infinity;
  /** How it was before, and the lost bytes that were the reason: all of them acknowledged after all undo it. */
  #before: Growth | undefined;
  #lostBytes = 0;

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
    const gain = this.#windowBytes < this.#thresholdBytes / 2 ? slowStartPace : pace;
    return clampRate((gain * this.windowBytes * 1000) / this.#rttMs);
  }

  handleSent(): void {
    // Nothing depends on single packets: the window does the rest.
  }

  handleAck(sample: AckSample): void {
    const { now, smoothedRttMs, marked, isAppLimited, inFlightBytes } = sample;
    this.#rttMs = orMs(smoothedRttMs, this.#rttMs);
    const elapsedMs = now - this.#ackedAt;
    this.#ackedAt = now;
    if (now < this.#reducedAt) this.#reducedAt = -Infinity;
    if (marked > 0 && now > this.#reducedAt + this.#rttMs) this.#reduce(now, markKeeps);
    const acked = sample.ackedBytes > 0 ? sample.ackedBytes : 0;
    if (isAppLimited && inFlightBytes + acked < this.#windowBytes / 2) this.#curve?.skip(elapsedMs);
    else this.#grow(sample, acked);
  }

  handleLoss({ now, sentAt, lostBytes }: LossSample): void {
    if (sentAt > this.#reducedAt) {
      this.#lostBytes = 0;
      this.#reduce(now, lossKeeps);
    }
    if (lostBytes > 0) this.#lostBytes += lostBytes;
  }

  handlePersistentCongestion(now: number): void {
    this.#reduce(now, lossKeeps);
    this.#windowBytes = this.#leastBytes;
    this.#before = undefined;
  }

  handleSpuriousLoss(_now: number, bytes: number): void {
    if (!this.#before || !(bytes > 0)) return;
    this.#lostBytes -= bytes;
    if (this.#lostBytes > 0) return;
    const { windowBytes, thresholdBytes, flatBytes, curve } = this.#before;
    this.#windowBytes = Math.max(this.#windowBytes, windowBytes);
    this.#thresholdBytes = thresholdBytes;
    this.#flatBytes = flatBytes;
    this.#curve = curve;
    this.#before = undefined;
  }

  handleDatagramBytes(bytes: number): void {
    this.#datagramBytes = bytes;
  }

  describe(): Readonly<Record<string, number | string>> {
    const state = this.#windowBytes < this.#thresholdBytes ? 'slow-start' : 'avoidance';
    return { state, thresholdBytes: this.#thresholdBytes, flatBytes: this.#flatBytes };
  }

  get #leastBytes(): number {
    return leastPackets * this.#datagramBytes;
  }

  #grow(sample: AckSample, acked: number): void {
    const window = this.windowBytes;
    if (window < this.#thresholdBytes) {
      const advice = this.#curve ? 'grow' : this.#hyStart.handleAck(sample);
      if (advice === 'end') this.#thresholdBytes = window;
      // An ACK of more than the window is a lump or a lie.
      const grown = window + Math.min(acked, window) / (advice === 'grow' ? 1 : slowGrowth);
      this.#windowBytes = Math.min(grown, Math.max(window, this.#thresholdBytes));
      return;
    }
    // Slow start ended without a loss: the curve starts at its flat place (RFC 9438 §4.10).
    this.#curve ??= new CubicCurve(sample.now, window, window, window);
    this.#windowBytes = this.#curve.grow(sample.now, window, acked, this.#rttMs, this.#datagramBytes);
  }

  #reduce(now: number, keeps: number): void {
    const window = this.windowBytes;
    this.#before = {
      windowBytes: window,
      thresholdBytes: this.#thresholdBytes,
      flatBytes: this.#flatBytes,
      curve: this.#curve,
    };
    // Fast convergence (RFC 9438 §4.7): who lost below where it lost before leaves room for the newcomer.
    this.#flatBytes = window < this.#flatBytes ? (window * (1 + keeps)) / 2 : window;
    this.#windowBytes = Math.max(window * keeps, this.#leastBytes);
    this.#thresholdBytes = this.#windowBytes;
    this.#curve = new CubicCurve(now, this.#windowBytes, this.#flatBytes, window);
    this.#reducedAt = now;
  }
}

/** RFC 6928. */
const firstPackets = 10;
const leastPackets = 2;
/** A mark comes of a shorter queue than a loss does (RFC 8511). */
const markKeeps = 0.85;
const slowGrowth = 4;
/** Parts of a window a round trip, as Linux paces TCP: enough that the pace never holds the window back. */
const slowStartPace = 2;
const pace = 1.25;
