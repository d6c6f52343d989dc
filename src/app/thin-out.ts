import { transferDefaults } from '../config/index.js';

/** Passes on the newest value at most once an interval, and the last one when flushed. */
export class ThinOut<T> {
  readonly #pass: (value: T) => void;
  #waiting: T | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(pass: (value: T) => void) {
    this.#pass = pass;
  }

  push(value: T): void {
    this.#waiting = value;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.flush();
    }, transferDefaults.progressIntervalMs).unref();
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const value = this.#waiting;
    this.#waiting = undefined;
    if (value !== undefined) this.#pass(value);
  }
}
