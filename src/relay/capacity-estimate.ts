/** The load that is aimed at: a loop that is not quite busy gives everybody a turn who may have one, a busy one does not. */
const aim = 0.97;
/** From here on the loop counts as busy all the time. */
const full = 0.985;
/** One window changes the allowance by so much at most. */
const mostRaise = 1.1;
const mostFall = 0.9;
/** A loop that stays full has its allowance lowered by so much a window. */
const pressure = 0.93;
/** After so many windows in which that changed nothing it is busy with something else, for so many at least. */
const vainWindows = 5;
const restWindows = 100;
/** Then more is tried as long as it goes through, twice as much each time, and so little for so many windows when it did not. */
const firstProbe = 0.03;
const mostProbe = 1;
const followed = 0.95;
const missed = 0.92;
const missWindows = 4;
/** Never less, whatever else the loop is busy with: 4 MiB/s. */
const leastBytesPerMs = 4194;

/**
 * What a relay can forward, learnt from what it does: `handleWindow` is called for each window. Under saturation that is
 * what goes through while the loop is busy, less a little, so that the loop has some time left; where it cannot have any,
 * being busy with something else, it is found by trying.
 */
export class CapacityEstimate {
  #allowed = leastBytesPerMs;
  #fullWindows = 0;
  /** What went through before the loop was full. */
  #before = 0;
  #waitWindows = 0;
  #probe = firstProbe;
  #wasSaturated = false;

  get bytesPerMs(): number {
    return this.#allowed;
  }

  /** What went through in the last window, its load, and whether that counts as saturated. */
  handleWindow(bytesPerMs: number, load: number, isSaturated: boolean): void {
    // While nobody is held, this is what there will be when the load has come.
    const next = isSaturated && this.#wasSaturated ? this.#next(bytesPerMs, load) : this.#first(bytesPerMs);
    this.#wasSaturated = isSaturated;
    this.#allowed = Math.max(leastBytesPerMs, next);
  }

  #first(bytesPerMs: number): number {
    this.#fullWindows = 0;
    this.#probe = firstProbe;
    return bytesPerMs * aim;
  }

  #next(bytesPerMs: number, load: number): number {
    this.#fullWindows = load < full ? 0 : this.#fullWindows + 1;
    if (this.#fullWindows > vainWindows) return this.#tried(bytesPerMs);
    this.#probe = firstProbe;
    this.#waitWindows = 0;
    if (this.#fullWindows > 1) return Math.min(this.#allowed, bytesPerMs) * pressure;
    this.#before = bytesPerMs;
    const wanted = (bytesPerMs * aim) / Math.max(load, 0.01);
    return Math.min(this.#allowed * mostRaise, Math.max(this.#allowed * mostFall, wanted));
  }

  #tried(bytesPerMs: number): number {
    if (this.#fullWindows === vainWindows + 1) return Math.max(this.#before, bytesPerMs) * missed;
    if (this.#fullWindows >= restWindows) this.#fullWindows = 0;
    if (this.#waitWindows > 0) {
      this.#waitWindows--;
      return this.#allowed;
    }
    if (bytesPerMs < this.#allowed * followed) {
      this.#probe = firstProbe;
      this.#waitWindows = missWindows;
      return bytesPerMs * missed;
    }
    const raise = 1 + this.#probe;
    this.#probe = Math.min(mostProbe, 2 * this.#probe);
    return this.#allowed * raise;
  }
}
