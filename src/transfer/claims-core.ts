import { RangeSet } from './range-set.js';

/**
 * Which records of a transfer have arrived, whatever lane brought them: a sans-IO core. A number is claimed before its
 * content is written, so that a copy of it never is; what did not verify is given back.
 */
export class ClaimsCore {
  readonly #claimed: RangeSet;

  /** `mostGaps`: the sender's window has no more records. Numbers below `first` are those of earlier transfers: claimed. */
  constructor(mostGaps: number, first = 0) {
    this.#claimed = new RangeSet(mostGaps);
    if (first > 0) this.#claimed.claim(0, first);
  }

  /** Numbers that are claimed. */
  get size(): number {
    return this.#claimed.size;
  }

  /** Whether [0, count) and nothing else is claimed. */
  isWhole(count: number): boolean {
    const [first, ...more] = this.#claimed.ranges;
    if (!first) return count === 0;
    return more.length === 0 && first[0] === 0 && first[1] === count;
  }

  /** `full`: more gaps than an honest sender leaves. */
  claim(number: number): 'new' | 'copy' | 'full' {
    if (this.#claimed.has(number)) return 'copy';
    return this.#claimed.claim(number, number + 1) ? 'new' : 'full';
  }

  /** The record did not verify: another copy is to be taken. */
  giveBack(number: number): void {
    this.#claimed.remove(number, number + 1);
  }
}
