import { packetLayout, TokenBucketCore } from 'xfer/plugin';

/** What gathers while nothing is sent. */
const gatheredMs = 2;
/** And while the pace is waited for: timers have a granularity of 1 ms, and a process waits for a core. */
const lateMs = 5;
/** One run is at most so much of the rate. */
const runMs = 1;
/** A bucket waits for no less: it is rounding. */
const leastWaitMs = 1e-3;
const leastDatagrams = 2;
/** Eight messages of the kernel's, UDP_SEGMENT included: what is decided for a run is worth that much. */
const maxRunBytes = 8 * 65_507;

/** Spreads what is sent over time: a token bucket whose debt is waited for, and whose bursts the receiver's buffer can hold. */
export class Pacer {
  readonly #burstBytes: number;
  readonly #bucket: TokenBucketCore;
  #datagramBytes: number;
  #rate = Infinity;
  /** There was something to send, and the pace held it back. */
  #isAwaited = false;

  constructor(burstBytes: number, datagramBytes: number) {
    this.#burstBytes = burstBytes;
    this.#datagramBytes = datagramBytes;
    this.#bucket = new TokenBucketCore({ capacityAt: (rate) => this.#capacityAt(rate) });
  }

  get bytesPerSecond(): number {
    return this.#rate;
  }

  /** Packets of one run. */
  get runPackets(): number {
    const bytes = Math.min(
      Math.max((this.#rate / 1000) * runMs, leastDatagrams * this.#datagramBytes),
      this.#burstBytes / 2,
      maxRunBytes,
    );
    return Math.min(Math.max(1, Math.floor(bytes / this.#datagramBytes)), packetLayout.maxRunPackets);
  }

  setDatagramBytes(bytes: number): void {
    this.#datagramBytes = bytes;
  }

  setRate(bytesPerSecond: number, now: number): void {
    if (bytesPerSecond === this.#rate) return;
    this.#rate = Math.max(1, bytesPerSecond);
    this.#bucket.setRate(this.#rate === Infinity ? undefined : this.#rate, now);
  }

  waitMs(now: number): number {
    if (this.#rate === Infinity) return 0;
    const waitMs = this.#bucket.waitMs(now);
    if (waitMs < leastWaitMs) return 0;
    this.#isAwaited = true;
    return waitMs;
  }

  /** There is nothing to send, or no window: time that goes by is not the pace's. */
  handleIdle(): void {
    this.#isAwaited = false;
  }

  reserve(bytes: number, now: number): void {
    if (this.#rate !== Infinity) this.#bucket.reserve(bytes, now);
  }

  /** With a run's debt on top of it a burst stays within what the receiver holds. */
  #capacityAt(rate: number): number {
    const wanted = Math.max(
      (rate / 1000) * (this.#isAwaited ? lateMs : gatheredMs),
      leastDatagrams * this.#datagramBytes,
    );
    return Math.min(wanted, Math.max(this.#burstBytes / 2, this.#burstBytes - maxRunBytes));
  }
}
