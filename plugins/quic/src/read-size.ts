/** What a read asks for where nothing is known of what comes: a stream that says little should cost little. */
const leastBytes = 4 * 1024;
const growth = 4;

/**
 * How much to ask for in the next read of a stream. The binding sets all of it aside as long as the read waits, so a large
 * one is worth it only where much comes.
 */
export class ReadSize {
  readonly #maxBytes: number;
  bytes: number;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
    this.bytes = Math.min(leastBytes, maxBytes);
  }

  /** What a read of `bytes` brought. */
  handleRead(length: number): void {
    const wanted = length === this.bytes ? growth * length : 2 * length;
    this.bytes = Math.min(Math.max(leastBytes, wanted), this.#maxBytes);
  }
}
