import type { Retain } from '../../src/transport/contract.js';

/** Lends bytes as transports do: until the handler returns, or, up to so many at once, for as long as it keeps them. */
export class Lender {
  readonly #most: number;
  #kept = 0;

  /** `most`: so many may be kept at once; 0: there is no `retain` at all. */
  constructor(most: number) {
    this.#most = most;
  }

  /** How many are kept now. */
  get kept(): number {
    return this.#kept;
  }

  /** Nobody may have the bytes when it is over, or has given them back: they are something else then. */
  lend(bytes: Uint8Array, give: (bytes: Uint8Array, retain?: Retain) => void): void {
    let holders = 0;
    let isOver = false;
    const retain = (): (() => void) | undefined => {
      if (isOver) throw new Error('content was kept too late');
      if (holders > 0 || this.#kept >= this.#most) return undefined;
      holders++;
      this.#kept++;
      return () => {
        if (holders === 0) throw new Error('content was given back twice');
        holders--;
        this.#kept--;
        bytes.fill(0xdd);
      };
    };
    if (this.#most === 0) give(bytes);
    else give(bytes, retain);
    isOver = true;
    if (holders === 0) bytes.fill(0xdd);
  }
}
