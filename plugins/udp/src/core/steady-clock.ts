/** The core asks to be called this often at least, whatever happens. */
export const heartbeatMs = 4_000;

/** So a longer step than this is no time that passed: the clock jumped, or the process slept. */
const longestStepMs = 5_000;

/** What is due within a microsecond is due now, or a rounded sum would be waited for again and again. */
export const isDue = (at: number, now: number): boolean => at - now < 1e-3;

/** Time as the connection knows it: it stands still while the caller's clock jumps, so no deadline is missed or lost by that. */
export class SteadyClock {
  #caller: number;
  #shift = 0;
  now: number;

  constructor(caller: number) {
    this.#caller = caller;
    this.now = caller;
  }

  advance(caller: number): number {
    const step = caller - this.#caller;
    if (step < 0 || step > longestStepMs) this.#shift -= step;
    this.#caller = caller;
    this.now = caller + this.#shift;
    return this.now;
  }

  /** A time of ours on the caller's clock, as that stands. */
  toCaller(at: number): number {
    return at - this.#shift;
  }
}
