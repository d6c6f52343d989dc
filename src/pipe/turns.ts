/** Who may use something that takes one call at a time: in the order in which they asked. */
export class Turns {
  readonly #waiting: ((isMine: boolean) => void)[] = [];
  #isTaken = false;
  #isClosed = false;

  /** Resolves with true when it is the caller's turn, and with false when there will be none. */
  async take(): Promise<boolean> {
    if (this.#isClosed) return false;
    if (this.#isTaken) return new Promise((resolve) => this.#waiting.push(resolve));
    this.#isTaken = true;
    return true;
  }

  /** The caller's turn is over. */
  pass(): void {
    const next = this.#waiting.shift();
    if (next) next(true);
    else this.#isTaken = false;
  }

  /** There are no turns any more; those that wait are told. */
  close(): void {
    this.#isClosed = true;
    for (const resolve of this.#waiting.splice(0)) resolve(false);
  }
}
