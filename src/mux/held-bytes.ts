const blockBytes = 16 * 1024;

interface Block {
  readonly bytes: Uint8Array;
  used: number;
}

/**
 * Content that waits for its reader, copied into blocks, so that a peer who sends single bytes costs no more
 * memory than one who sends frames.
 */
export class HeldBytes {
  bytes = 0;
  #blocks: Block[] = [];

  push(bytes: Uint8Array): void {
    this.bytes += bytes.length;
    let from = 0;
    const last = this.#blocks.at(-1);
    if (last) {
      from = Math.min(bytes.length, last.bytes.length - last.used);
      last.bytes.set(bytes.subarray(0, from), last.used);
      last.used += from;
    }
    if (from === bytes.length) return;
    const rest = bytes.subarray(from);
    const block = new Uint8Array(Math.max(blockBytes, rest.length));
    block.set(rest);
    this.#blocks.push({ bytes: block, used: rest.length });
  }

  /** The oldest piece, which is the caller's from now on. */
  shift(): Uint8Array | undefined {
    const block = this.#blocks.shift();
    if (!block) return undefined;
    this.bytes -= block.used;
    return block.bytes.subarray(0, block.used);
  }

  clear(): void {
    this.bytes = 0;
    this.#blocks = [];
  }
}
