/**
 * What may be in flight without overrunning the queue, as losses told: BBRv2's `inflight_hi`. Infinite until a round is
 * judged to have met a full queue; then a probe that meets none moves it up, by more from probe to probe.
 */
export class InflightBound {
  #bytes = Infinity;
  #growth = firstGrowth;

  get bytes(): number {
    return this.#bytes;
  }

  /** What is used of it while not probing, so that others find room (BBRv2's headroom). */
  get cruiseBytes(): number {
    return this.#bytes * (1 - headroom);
  }

  /** `inFlightThen`: when the packet was sent that found no room. `productBytes`: bandwidth × round trip. */
  handleFullQueue(inFlightThen: number, productBytes: number): void {
    const seen = Math.min(this.#bytes, inFlightThen) * kept;
    this.#bytes = Math.max(seen, productBytes * leastShare);
    this.#growth = firstGrowth;
  }

  /** A round of probing met no full queue, although as much as the bound was in flight. */
  handleRoom(datagramBytes: number): void {
    this.#bytes += datagramBytes * this.#growth;
    this.#growth = this.#growth * 2;
  }

  reset(): void {
    this.#bytes = Infinity;
    this.#growth = firstGrowth;
  }
}

const kept = 0.85;
const leastShare = 0.5;
const headroom = 0.15;
const firstGrowth = 8;
