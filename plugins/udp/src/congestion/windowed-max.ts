/** The largest value of the last `length` turns. What a turn is, its user says: round trips, for instance. */
export class WindowedMax {
  readonly #turns: number[];
  #turn = 0;
  /** Asked for with every packet that is sent, and seldom another. */
  #value = 0;

  constructor(length: number) {
    this.#turns = Array.from({ length }, () => 0);
  }

  /** 0 where there is none. */
  get value(): number {
    return this.#value;
  }

  update(value: number): void {
    const at = this.#turn % this.#turns.length;
    this.#turns[at] = Math.max(this.#turns[at] ?? 0, value);
    this.#value = Math.max(this.#value, value);
  }

  /** A turn is over, and so the oldest is forgotten. */
  advance(): void {
    this.#turn++;
    this.#turns[this.#turn % this.#turns.length] = 0;
    this.#value = Math.max(...this.#turns);
  }

  reset(): void {
    this.#turns.fill(0);
    this.#value = 0;
  }
}
