/** Small pieces share a block, so that what they take is no more than a block above what they are. */
const leastBlockBytes = 4 * 1024;

/** Bytes in the order in which they came, copied into memory of its own. */
export class ByteQueue {
  #blocks: { readonly memory: Uint8Array; filled: number }[] = [];
  /** Of the first block: what is taken. */
  #taken = 0;
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  push(bytes: Uint8Array): void {
    this.#bytes += bytes.length;
    let rest = bytes;
    const last = this.#blocks.at(-1);
    if (last) {
      const part = rest.subarray(0, last.memory.length - last.filled);
      last.memory.set(part, last.filled);
      last.filled += part.length;
      rest = rest.subarray(part.length);
    }
    if (rest.length === 0) return;
    const memory = Buffer.allocUnsafe(Math.max(rest.length, leastBlockBytes));
    memory.set(rest);
    this.#blocks.push({ memory, filled: rest.length });
  }

  /** The first `count` bytes, or all there are: the caller's from now on. */
  take(count: number): Uint8Array {
    const wanted = Math.min(count, this.#bytes);
    this.#bytes -= wanted;
    const [first] = this.#blocks;
    if (first && wanted <= first.filled - this.#taken) return this.#takeFirst(wanted);
    const taken = Buffer.allocUnsafe(wanted);
    for (let at = 0; at < wanted;) {
      const part = this.#takeFirst(wanted - at);
      taken.set(part, at);
      at += part.length;
    }
    return taken;
  }

  clear(): void {
    this.#blocks = [];
    this.#taken = 0;
    this.#bytes = 0;
  }

  /** Of the first block alone. */
  #takeFirst(most: number): Uint8Array {
    const [first] = this.#blocks;
    if (!first) return new Uint8Array();
    const part = first.memory.subarray(this.#taken, Math.min(first.filled, this.#taken + most));
    this.#taken += part.length;
    if (this.#taken < first.filled) return part;
    // What is left of it is not worth keeping an idle stream's memory.
    this.#blocks.shift();
    this.#taken = 0;
    return part;
  }
}
