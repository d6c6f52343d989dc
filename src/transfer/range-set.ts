/** A set of numbers kept as disjoint, sorted ranges [from, to). Pure; memory is that of the gaps. */
export class RangeSet {
  readonly #ranges: [from: number, to: number][] = [];
  readonly #mostRanges: number;
  #size = 0;

  /** What would leave more than `mostRanges` ranges is not taken. */
  constructor(mostRanges = Number.MAX_SAFE_INTEGER) {
    this.#mostRanges = mostRanges;
  }

  /** How many numbers are in the set. */
  get size(): number {
    return this.#size;
  }

  /** How many ranges there are: 1 more than the gaps. */
  get ranges(): readonly (readonly [from: number, to: number])[] {
    return this.#ranges;
  }

  /** Adds [from, to) where none of it is in the set; false and no change where some of it is, or there are too many gaps. */
  claim(from: number, to: number): boolean {
    const ranges = this.#ranges;
    const at = this.#firstEndingAtOrAfter(from);
    const before = ranges[at];
    if (before && before[1] === from) {
      const next = ranges[at + 1];
      if (next && next[0] < to) return false;
      before[1] = to;
      if (next?.[0] === to) {
        before[1] = next[1];
        ranges.splice(at + 1, 1);
      }
    } else {
      if (before && before[0] < to) return false;
      if (before?.[0] === to) before[0] = from;
      else if (ranges.length >= this.#mostRanges) return false;
      else ranges.splice(at, 0, [from, to]);
    }
    this.#size += to - from;
    return true;
  }

  /** Takes [from, to) out again, which must be in the set as a whole. */
  remove(from: number, to: number): void {
    const at = this.#firstEndingAtOrAfter(to);
    const range = this.#ranges[at];
    if (!range || range[0] > from || range[1] < to || from >= to) throw new RangeError('not in the set');
    const left: [number, number][] = range[0] < from ? [[range[0], from]] : [];
    const right: [number, number][] = to < range[1] ? [[to, range[1]]] : [];
    this.#ranges.splice(at, 1, ...left, ...right);
    this.#size -= to - from;
  }

  /** What of [from, to) is not in the set. */
  missing(from: number, to: number): (readonly [from: number, to: number])[] {
    const gaps: (readonly [number, number])[] = [];
    let at = from;
    for (let i = this.#firstEndingAtOrAfter(from + 1); at < to; i++) {
      const range = this.#ranges[i];
      const start = Math.min(range?.[0] ?? to, to);
      if (start > at) gaps.push([at, start]);
      at = Math.max(at, range?.[1] ?? to);
    }
    return gaps;
  }

  has(number: number): boolean {
    const range = this.#ranges[this.#firstEndingAtOrAfter(number + 1)];
    return range !== undefined && range[0] <= number && number < range[1];
  }

  /** The first ranges, at most so many, as a set of their own. */
  first(mostRanges: number): RangeSet {
    const some = new RangeSet();
    for (const [from, to] of this.#ranges.slice(0, mostRanges)) some.claim(from, to);
    return some;
  }

  /** Removes and returns all ranges. */
  take(): readonly (readonly [from: number, to: number])[] {
    this.#size = 0;
    return this.#ranges.splice(0);
  }

  #firstEndingAtOrAfter(value: number): number {
    let low = 0;
    let high = this.#ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#ranges[middle]?.[1] ?? 0) < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
