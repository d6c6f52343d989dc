import type { relayDefaults } from '../config/index.js';
import { CapacityEstimate } from './capacity-estimate.js';

export type SaturationLimits = Readonly<
  Record<keyof Pick<typeof relayDefaults, 'shareWindowMs' | 'saturatedLoad' | 'calmLoad'>, number>
>;

/**
 * Whether a relay has more to forward than it can, and how much that is: by its event loop, as it turns out, or by a rate
 * that it may not pass. It begins at one load and ends at a lower one, so that what is held does not come and go.
 */
export class Saturation {
  readonly #limits: SaturationLimits;
  readonly #estimate = new CapacityEstimate();
  #limitBytesPerMs: number | undefined;
  #loopLoad = 0;
  #limitLoad = 0;
  /** How long the loop's load has been low. */
  #calmMs = 0;
  #isLoopFull = false;
  #isLimitFull = false;
  #windowBytes = 0;
  #windowBusyMs = 0;
  #windowElapsedMs = 0;

  constructor(limits: SaturationLimits) {
    this.#limits = limits;
  }

  get isSaturated(): boolean {
    return this.#isLoopFull || this.#isLimitFull;
  }

  /** What can be forwarded now. */
  get bytesPerMs(): number {
    const limit = this.#limitBytesPerMs ?? Infinity;
    return this.#isLoopFull || limit === Infinity ? Math.min(limit, this.#estimate.bytesPerMs) : limit;
  }

  /** Undefined or 0: what the event loop can. */
  setLimit(bytesPerSecond: number | undefined): void {
    this.#limitBytesPerMs =
      bytesPerSecond === undefined || bytesPerSecond <= 0 ? undefined : bytesPerSecond / 1000;
    if (this.#limitBytesPerMs === undefined) this.#isLimitFull = false;
  }

  /** What was forwarded since the last call, the load of the loop in that time, and whether anybody is held. */
  handleTick(elapsedMs: number, bytes: number, load: number, isHolding: boolean): void {
    const { shareWindowMs, saturatedLoad, calmLoad } = this.#limits;
    const blend = 1 - Math.exp(-elapsedMs / shareWindowMs);
    this.#loopLoad += blend * (load - this.#loopLoad);
    this.#calmMs = this.#loopLoad >= calmLoad ? 0 : this.#calmMs + elapsedMs;
    this.#isLoopFull = this.#isLoopFull ? this.#calmMs < shareWindowMs : this.#loopLoad >= saturatedLoad;
    if (this.#limitBytesPerMs !== undefined) {
      this.#limitLoad += blend * (bytes / elapsedMs / this.#limitBytesPerMs - this.#limitLoad);
      // Who is held wants more than there is, however little comes through at the moment.
      this.#isLimitFull =
        this.#limitLoad >= (this.#isLimitFull ? calmLoad : saturatedLoad) || (this.#isLimitFull && isHolding);
    }
    this.#windowBytes += bytes;
    this.#windowBusyMs += load * elapsedMs;
    this.#windowElapsedMs += elapsedMs;
    if (this.#windowElapsedMs >= shareWindowMs) this.#endWindow();
  }

  #endWindow(): void {
    const [bytesPerMs, load] = [this.#windowBytes, this.#windowBusyMs].map(
      (sum) => sum / this.#windowElapsedMs,
    );
    this.#estimate.handleWindow(bytesPerMs ?? 0, load ?? 0, this.#isLoopFull);
    this.#windowBytes = 0;
    this.#windowBusyMs = 0;
    this.#windowElapsedMs = 0;
  }
}
