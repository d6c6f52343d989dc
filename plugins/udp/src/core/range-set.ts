/** Integers as few ranges `[from, to)` that neither overlap nor touch, in order. Growing at the upper end costs nothing. */
export class RangeSet {
  /** from, to, from, to … */
  readonly #edges: number[] = [];

  get count(): number {
    return this.#edges.length / 2;
  }

  from(index: number): number {
    return this.#edges[2 * index] ?? Infinity;
  }

  to(index: number): number {
    return this.#edges[2 * index + 1] ?? Infinity;
  }

  /** How many of `[from, to)` were not there yet. */
  add(from: number, to: number): number {
    if (from >= to) return 0;
    const last = this.count - 1;
    if (last < 0 || from > this.to(last)) {
      this.#edges.push(from, to);
      return to - from;
    }
    if (from >= this.from(last)) return this.#growLast(last, to);
    return this.#merge(from, to);
  }

  covers(from: number, to: number): boolean {
    if (from >= to) return true;
    const index = this.#firstReaching(from);
    return this.from(index) <= from && this.to(index) >= to;
  }

  /** Takes out all below `value`. */
  removeBelow(value: number): void {
    let gone = 0;
    while (gone < this.count && this.to(gone) <= value) gone += 1;
    if (gone > 0) this.#edges.splice(0, 2 * gone);
    if (this.count > 0 && this.from(0) < value) this.#edges[0] = value;
  }

  /** Takes out `[from, to)`. */
  remove(from: number, to: number): void {
    if (from >= to) return;
    const first = this.#firstReaching(from);
    const kept: number[] = [];
    let end = first;
    for (; end < this.count && this.from(end) < to; end += 1) {
      if (this.from(end) < from) kept.push(this.from(end), from);
      if (this.to(end) > to) kept.push(to, this.to(end));
    }
    if (end > first) this.#edges.splice(2 * first, 2 * (end - first), ...kept);
  }

  /** Takes out the first at most `most` integers; undefined: there are none. */
  takeFirst(most: number): { readonly from: number; readonly to: number } | undefined {
    if (this.count === 0) return undefined;
    const from = this.from(0);
    const to = Math.min(this.to(0), from + most);
    this.removeBelow(to);
    return { from, to };
  }

  #growLast(last: number, to: number): number {
    const before = this.to(last);
    if (to <= before) return 0;
    this.#edges[2 * last + 1] = to;
    return to - before;
  }

  #merge(from: number, to: number): number {
    const first = this.#firstReaching(from);
    let [end, low, high, known] = [first, from, to, 0];
    for (; end < this.count && this.from(end) <= to; end += 1) {
      known += Math.min(to, this.to(end)) - Math.max(from, this.from(end));
      low = Math.min(low, this.from(end));
      high = Math.max(high, this.to(end));
    }
    this.#edges.splice(2 * first, 2 * (end - first), low, high);
    return to - from - known;
  }

  /** Index of the first range that ends at `value` or above it. */
  #firstReaching(value: number): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.to(middle) < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
