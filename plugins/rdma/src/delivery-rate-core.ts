/** A rate is measured over at least so long. */
const leastSpanMs = 20;

/** How fast what is under way gets done, measured while there is something under way, without a clock. */
export class DeliveryRateCore {
  inFlightBytes = 0;
  bytesPerSecond = 0;
  #since = 0;
  #doneBytes = 0;

  handleSent(now: number, bytes: number): void {
    if (this.inFlightBytes === 0) this.#begin(now);
    this.inFlightBytes += bytes;
  }

  handleDone(now: number, bytes: number): void {
    this.inFlightBytes -= bytes;
    this.#doneBytes += bytes;
    const ms = now - this.#since;
    if (ms < leastSpanMs) return;
    this.bytesPerSecond = (this.#doneBytes * 1000) / ms;
    this.#begin(now);
  }

  #begin(now: number): void {
    this.#since = now;
    this.#doneBytes = 0;
  }
}
