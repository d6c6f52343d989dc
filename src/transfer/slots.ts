/** A bounded number of places; who finds none waits for one, in order. */
export class Slots {
  readonly #waiting = new Set<{ start(): void }>();
  #free: number;

  constructor(places: number) {
    this.#free = places;
  }

  /**
   * Calls `start` when there is a place, at once where there is one now. What it returns leaves the queue, and does
   * nothing once `start` was called.
   */
  take(start: () => void): () => void {
    if (this.#free === 0) {
      const waiting = { start };
      this.#waiting.add(waiting);
      return () => void this.#waiting.delete(waiting);
    }
    this.#free--;
    start();
    return () => undefined;
  }

  give(): void {
    for (const next of this.#waiting) {
      this.#waiting.delete(next);
      return next.start();
    }
    this.#free++;
  }
}
