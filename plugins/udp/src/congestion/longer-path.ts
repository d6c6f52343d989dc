export interface LongerPathRound {
  /** The round trip without a queue, as far as it is known. */
  readonly minMs: number;
  /** Bytes a second. */
  readonly bandwidth: number;
}

/**
 * Tells a path that has become longer, by another route or another network: round trips that no queue of our own explains, for
 * several rounds. Until the old minimum is forgotten a sender that keeps bandwidth × round trip in flight would deliver only a
 * part of that in each of the longer round trips, take that for the bandwidth, and so shrink from round to round. With that
 * estimate what is in flight explains any round trip, so that shrinking is a sign of its own: a queue would shrink with it.
 */
export class LongerPath {
  #leastMs = Infinity;
  #mostInFlight = 0;
  #bestRate = 0;
  #rate = 0;
  #rounds = 0;
  /** Of the rounds that took long the one with the most in flight. */
  #peak: { readonly inFlight: number; readonly ms: number } | undefined;

  /** What the last round delivered at best, bytes a second; 0: that is not known. */
  get rate(): number {
    return this.#rate;
  }

  /** `inFlightBytes`: what was in flight before this ACK. */
  handleAck(rttMs: number | undefined, inFlightBytes: number, rate: number | undefined): void {
    this.#bestRate = Math.max(this.#bestRate, rate ?? 0);
    if (rttMs !== undefined && rttMs < this.#leastMs) this.#leastMs = rttMs;
    this.#mostInFlight = Math.max(this.#mostInFlight, inFlightBytes);
  }

  /** A round is over; whether the path is taken to be longer now. */
  handleRound({ minMs, bandwidth }: LongerPathRound): boolean {
    const queueMs = bandwidth > 0 ? (this.#mostInFlight / bandwidth) * 1000 : Infinity;
    const isLong = this.#leastMs < Infinity && this.#leastMs > muchMore * minMs + pauseMs;
    const isStrange = isLong && (this.#leastMs > muchMore * queueMs + pauseMs || this.#hasShrunk());
    if (!isLong) this.#peak = undefined;
    this.#rate = this.#bestRate;
    this.#bestRate = 0;
    this.#leastMs = Infinity;
    this.#mostInFlight = 0;
    this.#rounds = isStrange ? this.#rounds + 1 : 0;
    return this.#rounds >= leastRounds;
  }

  reset(): void {
    this.#leastMs = Infinity;
    this.#mostInFlight = 0;
    this.#rounds = 0;
    this.#peak = undefined;
  }

  /** Much less was in flight than there was, and it took no less time. */
  #hasShrunk(): boolean {
    const inFlight = this.#mostInFlight;
    if (!this.#peak || inFlight >= this.#peak.inFlight) this.#peak = { inFlight, ms: this.#leastMs };
    return inFlight < this.#peak.inFlight * muchLess && this.#leastMs > this.#peak.ms * asLong;
  }
}

const muchMore = 1.5;
const muchLess = 0.75;
const asLong = 0.95;
const leastRounds = 2;
/** A process that was kept from the processor makes a round trip longer, too. */
const pauseMs = 4;
