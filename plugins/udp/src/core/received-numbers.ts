import { RangeSet } from './range-set.js';

/** Which packet numbers came, in at most `maxRanges` ranges: what is below the lowest of them counts as received. */
export class ReceivedNumbers {
  readonly #maxRanges: number;
  readonly #ranges = new RangeSet();
  #floor = 0;
  #largest = 0;

  constructor(maxRanges: number) {
    this.#maxRanges = maxRanges;
  }

  get largest(): number {
    return this.#largest;
  }

  get ranges(): number {
    return this.#ranges.count;
  }

  /** First and last number of a range; 0 is the range with the largest. */
  first(index: number): number {
    return this.#ranges.from(this.#ranges.count - 1 - index);
  }

  last(index: number): number {
    return this.#ranges.to(this.#ranges.count - 1 - index) - 1;
  }

  /** Whether none of these is new. */
  has(number: number, packets: number): boolean {
    const from = Math.max(number, this.#floor + 1);
    return this.#ranges.covers(from, number + packets);
  }

  /** How many of them are new. */
  add(number: number, packets: number): number {
    const fresh = this.#ranges.add(Math.max(number, this.#floor + 1), number + packets);
    this.#largest = Math.max(this.#largest, number + packets - 1);
    if (this.#ranges.count > this.#maxRanges) this.forget(this.#ranges.to(0) - 1);
    return fresh;
  }

  /** All up to `number` count as received, and are not told any more; the largest still is. */
  forget(number: number): void {
    this.#floor = Math.max(this.#floor, Math.min(number, this.#largest - 1));
    this.#ranges.removeBelow(this.#floor + 1);
  }
}
