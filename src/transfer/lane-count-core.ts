/** What the caller shall do now. */
export type LaneCountVerdict = 'keep' | 'add' | 'drop';

export interface LaneCountTick {
  /** Content that was acknowledged until now. */
  readonly receivedBytes: number;
  readonly lanes: number;
  /** Whether there was content for the lanes all the time, and room in the window: more lanes could carry more. */
  readonly isNetworkBound: boolean;
}

/** Ticks over which a rate is measured before anything is concluded from it. */
const measureTicks = 4;
/** Another lane must bring so much, or it goes again. */
const leastGain = 1.1;
/** Ticks until it is tried again after it brought nothing; doubled every time. */
const firstRestTicks = 20;
const mostRestTicks = 640;

/**
 * How many lanes help: a sans-IO core that climbs as long as another lane makes the transfer faster by a tenth, and
 * rests when one did not. Only where the network is what limits it: on a fast path more lanes cost CPU and bring nothing.
 * `handleTick` is called at equal distances.
 */
export class LaneCountCore {
  readonly #mostLanes: number;
  #ticks = 0;
  #bytesBefore = 0;
  #boundTicks = 0;
  /** Bytes a tick before the last lane was added. */
  #rateBefore: number | undefined;
  #restTicks = 0;
  #nextRestTicks = firstRestTicks;

  constructor(mostLanes: number) {
    this.#mostLanes = mostLanes;
  }

  handleTick({ receivedBytes, lanes, isNetworkBound }: LaneCountTick): LaneCountVerdict {
    if (this.#restTicks > 0) this.#restTicks--;
    this.#ticks++;
    if (isNetworkBound) this.#boundTicks++;
    if (this.#ticks < measureTicks) return 'keep';
    const rate = (receivedBytes - this.#bytesBefore) / this.#ticks;
    const isBound = this.#boundTicks === this.#ticks;
    this.#ticks = 0;
    this.#boundTicks = 0;
    this.#bytesBefore = receivedBytes;
    return this.#conclude(rate, lanes, isBound);
  }

  #conclude(rate: number, lanes: number, isBound: boolean): LaneCountVerdict {
    const before = this.#rateBefore;
    this.#rateBefore = undefined;
    if (before !== undefined && rate < before * leastGain) {
      this.#restTicks = this.#nextRestTicks;
      this.#nextRestTicks = Math.min(mostRestTicks, 2 * this.#nextRestTicks);
      return lanes > 1 ? 'drop' : 'keep';
    }
    if (!isBound || this.#restTicks > 0 || lanes >= this.#mostLanes || rate <= 0) return 'keep';
    this.#rateBefore = rate;
    return 'add';
  }
}
