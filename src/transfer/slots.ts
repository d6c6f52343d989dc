/** A bounded number of places; who finds none waits for one, in order. */
export class Slots {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(places: number) {
    this.#free = places;
  }

  /** Calls `start` when there is a place, at once where there is one now. */
  take(start: () => void): void {
    if (this.#free === 0) return void this.#waiting.push(start);
    this.#free--;
    start();
  }

  give(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#free++;
  }
}
