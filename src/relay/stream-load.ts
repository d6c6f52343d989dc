export interface StreamLoadLimits {
  /** What can be opened a second. */
  readonly streamsPerSecond: number;
  /** The moving average looks back about so long, in steps of so many milliseconds. */
  readonly streamMeanMs: number;
  readonly streamStepMs: number;
  /** It is full from this load on, in parts of one, until it falls below the other. */
  readonly saturatedLoad: number;
  readonly calmLoad: number;
}

/** How near the streams that are opened come to what can be: an exponential moving average, which begins and ends at two loads. */
export class StreamLoad {
  readonly #limits: StreamLoadLimits;
  #load = 0;
  #isFull = false;
  #opened = 0;
  #stepAt: number | undefined;

  constructor(limits: StreamLoadLimits) {
    this.#limits = limits;
  }

  get isFull(): boolean {
    return this.#isFull;
  }

  handleOpen(): void {
    this.#opened++;
  }

  /** `isWaiting`: somebody wants more than comes through. True: it has become full. */
  handleTime(now: number, isWaiting: boolean): boolean {
    const { streamMeanMs, streamStepMs, streamsPerSecond, saturatedLoad, calmLoad } = this.#limits;
    this.#stepAt ??= now;
    const elapsedMs = now - this.#stepAt;
    if (elapsedMs < streamStepMs) return false;
    this.#stepAt = now;
    const blend = 1 - Math.exp(-elapsedMs / streamMeanMs);
    const fresh = ((this.#opened / elapsedMs) * 1000) / streamsPerSecond;
    this.#load += blend * (fresh - this.#load);
    this.#opened = 0;
    const wasFull = this.#isFull;
    this.#isFull = this.#load >= (wasFull ? calmLoad : saturatedLoad) || (wasFull && isWaiting);
    return this.#isFull && !wasFull;
  }
}
