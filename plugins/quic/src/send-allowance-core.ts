/** What quinn has counted, as `PathStats` gives it. */
export interface SendSample {
  readonly sentBytes: number;
  readonly sentDatagrams: number;
  readonly cwndBytes: number;
}

interface Limits {
  readonly leastUnsentBytes: number;
  readonly maxUnsentBytes: number;
}

/**
 * The least of a datagram that is not content: first byte, no connection id where the peer has chosen none, packet number of
 * one byte, tag of 16, type of a frame (RFC 9000 §5.1 and §17.3.1, RFC 9001 §5.3). More would leave what was sent unsent for good.
 */
const overheadBytes = 19;
/** The part of what may wait that is given at once: writes are few, and a look at the counters, which takes quinn's lock, is worth it. */
const portions = 4;
/** How soon it is looked again whether there is room: timers are no finer, and no path is so slow that later is soon enough. */
const leastWaitMs = 1;
const mostWaitMs = 20;
/** What waits with quinn goes within this time, or it was too much. */
const patienceMs = 100;
/** Rates over less are noise. */
const leastRateMs = 5;

/**
 * How much to give to quinn, which takes 10 MB and tells of nothing: what waits there goes before what is urgent now. What
 * it has sent is known from its datagrams, about, and never too little: what is sent again, and most headers, count as
 * content. That is made good whenever all is sent. Where quinn has run dry it gets twice as much the next time.
 */
export class SendAllowanceCore {
  readonly #limits: Limits;
  #targetBytes: number;
  /** For quinn, in all; part of it may have been sent before it is known to be copied. */
  #takenBytes = 0;
  #sentBytes = 0;
  /** Between what was sent by its datagrams and by what was given. */
  #slackBytes = 0;
  #cwndBytes = 0;
  #isLimited = false;
  #rate = 0;
  #rateFromBytes = 0;
  #rateFromMs: number | undefined;

  constructor(limits: Limits) {
    this.#limits = limits;
    this.#targetBytes = limits.leastUnsentBytes;
  }

  /** So much may be taken now. Where it is nothing, a sample will tell when there is room again. */
  get roomBytes(): number {
    const room = this.#targetBytes - this.unsentBytes;
    this.#isLimited = room < this.#targetBytes / portions;
    return this.#isLimited ? 0 : room;
  }

  /** Where there is no room: when a sample will tell of some. */
  get waitMs(): number {
    if (this.#rate === 0) return leastWaitMs;
    const ms = (this.#targetBytes / portions / this.#rate) * 1000;
    return Math.max(leastWaitMs, Math.min(Math.floor(ms), mostWaitMs));
  }

  get unsentBytes(): number {
    return this.#takenBytes - this.#sentBytes;
  }

  /** While there is more to send all of the window is under way. */
  get inFlightBytes(): number {
    return this.unsentBytes > 0 ? this.#cwndBytes : 0;
  }

  /** Bytes a second while there was something to send; 0 before it was measured. */
  get rate(): number {
    return this.#rate;
  }

  handleTaken(bytes: number): void {
    this.#takenBytes += bytes;
  }

  /** Was taken, and came to nothing. */
  handleDropped(bytes: number): void {
    this.#takenBytes -= bytes;
    this.#sentBytes = Math.min(this.#sentBytes, this.#takenBytes);
  }

  handleSample(now: number, { sentBytes, sentDatagrams, cwndBytes }: SendSample): void {
    this.#cwndBytes = cwndBytes;
    const content = sentBytes - overheadBytes * sentDatagrams;
    const sent = Math.max(this.#sentBytes, content - this.#slackBytes);
    this.#measure(now, sent - this.#sentBytes);
    this.#sentBytes = Math.min(sent, this.#takenBytes);
    this.#slackBytes += sent - this.#sentBytes;
    if (this.#isLimited) this.#adjust();
  }

  #measure(now: number, bytes: number): void {
    this.#rateFromBytes += bytes;
    const isBusy = this.#takenBytes > this.#sentBytes;
    if (!isBusy || this.#rateFromMs === undefined) {
      this.#rateFromBytes = 0;
      this.#rateFromMs = isBusy ? now : undefined;
      return;
    }
    const ms = now - this.#rateFromMs;
    if (ms < leastRateMs) return;
    const rate = (this.#rateFromBytes / ms) * 1000;
    this.#rate = this.#rate === 0 ? rate : this.#rate + (rate - this.#rate) / 4;
    this.#rateFromBytes = 0;
    this.#rateFromMs = now;
  }

  #adjust(): void {
    const { leastUnsentBytes, maxUnsentBytes } = this.#limits;
    if (this.#takenBytes === this.#sentBytes)
      this.#targetBytes = Math.min(2 * this.#targetBytes, maxUnsentBytes);
    else if (this.#rate > 0) {
      const mostBytes = Math.floor((this.#rate * patienceMs) / 1000);
      // With less than half of it the counters would be looked at more often than is worth it.
      const bytes = Math.min(Math.max(this.#targetBytes, Math.floor(mostBytes / 2)), mostBytes);
      this.#targetBytes = Math.max(leastUnsentBytes, Math.min(bytes, maxUnsentBytes));
    }
  }
}
