/** Memory for what is read from one stream and sent on others. */
export class Block {
  readonly bytes: Uint8Array;
  used = 0;
  /** Pieces that are not sent yet, and one for whoever still fills it. */
  holders = 1;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
}

const blockBytes = 256 * 1024;
/** Blocks kept for later: 4 MiB. */
const mostSpare = 16;

/** Blocks are used again, or a relay would leave a gigabyte to the collector for each one that it forwards. */
export class BlockPool {
  readonly #spare: Uint8Array[] = [];

  take(): Block {
    return new Block(this.#spare.pop() ?? new Uint8Array(blockBytes));
  }

  /** One holder less; the last one gives the memory back. */
  release(block: Block): void {
    if (--block.holders > 0 || this.#spare.length >= mostSpare) return;
    this.#spare.push(block.bytes);
  }
}
