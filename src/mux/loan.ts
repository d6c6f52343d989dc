import type { Batch } from './batch.js';

/**
 * The bytes of one send, which are the caller's again when `release` is called: exactly once, when none of them waits
 * any more and the link is done with every batch that has a part of them, in whatever order it gets done with those.
 */
export class Loan {
  readonly #release: (() => void) | undefined;
  #last: Batch | undefined;
  #batches = 0;
  #over = false;

  constructor(release: (() => void) | undefined) {
    this.#release = release;
  }

  /** The batch refers to a part of it. */
  lend(batch: Batch): void {
    if (!this.#release || this.#last === batch) return;
    this.#last = batch;
    this.#batches++;
    batch.loans.push(this);
  }

  /** No batch takes more of it. */
  end(): void {
    this.#over = true;
    if (this.#batches === 0) this.#release?.();
  }

  /** For the batch: the link is done with it. */
  handleDone(): void {
    this.#batches--;
    if (this.#over && this.#batches === 0) this.#release?.();
  }
}
