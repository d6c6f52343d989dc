interface Due {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** Virtual time in milliseconds: what is due runs in order of time, and in order of asking where times are equal. */
export class VirtualClock {
  now = 0;
  readonly #heap: Due[] = [];
  #order = 0;

  after(ms: number, run: () => void): void {
    const heap = this.#heap;
    const due = { at: this.now + Math.max(0, ms), order: this.#order++, run };
    let at = heap.push(due) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (!above || !isBefore(due, above)) break;
      heap[at] = above;
      heap[parent] = due;
      at = parent;
    }
  }

  /** Runs what is due next; false where nothing is. */
  step(): boolean {
    const next = this.#pop();
    if (!next) return false;
    this.now = next.at;
    next.run();
    return true;
  }

  #pop(): Due | undefined {
    const heap = this.#heap;
    const [first] = heap;
    const last = heap.pop();
    if (!first || !last || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      const [left, right] = [heap[2 * at + 1], heap[2 * at + 2]];
      if (!left) break;
      const child = right && isBefore(right, left) ? 2 * at + 2 : 2 * at + 1;
      const below = child === 2 * at + 1 ? left : right;
      if (!below || !isBefore(below, last)) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

const isBefore = (a: Due, b: Due): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);
