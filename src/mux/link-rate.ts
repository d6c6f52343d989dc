/** A sample is at least this much busy time. */
const sampleMs = 10;

/** How fast the link takes what it is given, measured over the time in which it had something to take. */
export class LinkRate {
  /** 0 until measured. */
  bytesPerSecond = 0;
  /** Given and not taken yet. */
  inFlightBytes = 0;
  #busySince = 0;
  #busyMs = 0;
  #bytes = 0;

  handleSent(now: number, bytes: number): void {
    if (this.inFlightBytes === 0) this.#busySince = now;
    this.inFlightBytes += bytes;
  }

  handleWritten(now: number, bytes: number): void {
    this.inFlightBytes -= bytes;
    this.#bytes += bytes;
    this.#busyMs += now - this.#busySince;
    this.#busySince = now;
    if (this.#busyMs < sampleMs) return;
    const sample = (this.#bytes / this.#busyMs) * 1000;
    this.bytesPerSecond = this.bytesPerSecond === 0 ? sample : this.bytesPerSecond * 0.7 + sample * 0.3;
    this.#busyMs = 0;
    this.#bytes = 0;
  }
}
