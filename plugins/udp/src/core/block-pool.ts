/** A run of full size fits into one. */
export const blockBytes = 65_536;
/** Blocks that wait to be used again: 4 MiB, what a round trip on short paths holds up. */
const maxFree = 64;

/** Memory for content that came out of order, used again: fresh memory costs more than the copy into it. */
export class BlockPool {
  readonly #free: Uint8Array[] = [];

  /** A block of `blockBytes`, with any content. */
  take(): Uint8Array {
    return this.#free.pop() ?? new Uint8Array(blockBytes);
  }

  /** Nobody reads this block any more. */
  give(block: Uint8Array): void {
    if (this.#free.length < maxFree) this.#free.push(block);
  }
}
