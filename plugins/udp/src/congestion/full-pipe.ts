/** Finds out in startup that the pipe is full: three rounds that brought less than a quarter more (BBR's plateau). */
export class FullPipe {
  #best = 0;
  #rounds = 0;

  /** At the end of a round whose samples were not limited by the application. Returns whether the pipe is full. */
  handleRound(rate: number): boolean {
    if (rate >= this.#best * leastGrowth) {
      this.#best = rate;
      this.#rounds = 0;
    } else this.#rounds++;
    return this.#rounds >= plateauRounds;
  }

  reset(): void {
    this.#best = 0;
    this.#rounds = 0;
  }
}

const leastGrowth = 1.25;
const plateauRounds = 3;
