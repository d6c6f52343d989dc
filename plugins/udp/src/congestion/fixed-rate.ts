import { clampRate, clampWindow, orMs, unknownRttMs } from './bounds.js';
import type { AckSample, CongestionController, ControllerOptions } from './controller.js';

/** Sends at the rate it was given, whatever is lost: for a path that is one's own, and for tests. */
export class FixedRate implements CongestionController {
  readonly name = 'fixed';
  readonly pacingRate: number;
  #datagramBytes: number;
  #rttMs: number;

  /** `rate` in bytes a second. */
  constructor(rate: number, { datagramBytes, rttMs }: ControllerOptions) {
    this.pacingRate = clampRate(rate);
    this.#datagramBytes = datagramBytes;
    this.#rttMs = orMs(rttMs, unknownRttMs);
  }

  /** Twice what the rate brings into flight: ACKs may be late by a round trip, and what is lost is found out later still. */
  get windowBytes(): number {
    const inFlight = (this.pacingRate * (this.#rttMs + hostPauseMs)) / 1000;
    return clampWindow(2 * inFlight, leastPackets * this.#datagramBytes);
  }

  handleSent(): void {
    // The rate is what it is.
  }

  handleAck({ smoothedRttMs }: AckSample): void {
    this.#rttMs = orMs(smoothedRttMs, this.#rttMs);
  }

  handleLoss(): void {
    // The rate is what it is.
  }

  handlePersistentCongestion(): void {
    // The rate is what it is.
  }

  handleSpuriousLoss(): void {
    // The rate is what it is.
  }

  handleDatagramBytes(bytes: number): void {
    this.#datagramBytes = bytes;
  }

  describe(): Readonly<Record<string, number | string>> {
    return { rate: this.pacingRate };
  }
}

const leastPackets = 16;
/** On a path of microseconds processes wait longer for the processor than packets do for each other. */
const hostPauseMs = 4;
