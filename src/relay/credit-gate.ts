import type { Stream } from '../transport/contract.js';

/** The credit of a stream, which may be held back for a while. */
export class CreditGate {
  readonly #stream: Pick<Stream, 'credit'>;
  #isHeld = false;
  /** What there would be credit for, were it not held. */
  #owed = 0;

  constructor(stream: Pick<Stream, 'credit'>) {
    this.#stream = stream;
  }

  get isHeld(): boolean {
    return this.#isHeld;
  }

  hold(isHeld: boolean): void {
    this.#isHeld = isHeld;
    if (isHeld || this.#owed === 0) return;
    const owed = this.#owed;
    this.#owed = 0;
    this.#stream.credit(owed);
  }

  give(bytes: number): void {
    if (this.#isHeld) this.#owed += bytes;
    else if (bytes > 0) this.#stream.credit(bytes);
  }
}
