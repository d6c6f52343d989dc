/** What a read asks for where nothing is known of what comes: a stream that says little should cost little. */
const usualLeastBytes = 4 * 1024;
const growth = 4;

/**
 * How much to ask for in the next read of a stream. The binding sets all of it aside as long as the read waits, so a large
 * one is worth it only where much comes.
 */
export class ReadSize {
  readonly #maxBytes: number;
  readonly #leastBytes: number;
  bytes: number;

  constructor(maxBytes: number, leastBytes = usualLeastBytes) {
    this.#maxBytes = maxBytes;
    this.#leastBytes = Math.min(leastBytes, maxBytes);
    this.bytes = this.#leastBytes;
  }

  /** What a read of `bytes` brought. */
  handleRead(length: number): void {
    const wanted = length === this.bytes ? growth * length : 2 * length;
    this.bytes = Math.min(Math.max(this.#leastBytes, wanted), this.#maxBytes);
  }
}
