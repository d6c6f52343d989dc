import type { XferError } from '../../../src/errors/index.js';
import type { Block, PipeWriter } from '../../../src/pipe/channel.js';
import { SharedBlock } from '../../../src/pipe/block-pool.js';
import { bytesOf, textOf } from './endpoint-fakes.js';

/** A writer that keeps what it gets until the test lets it go; it can stand still, take, or fail. */
export class HandWriter implements PipeWriter {
  readonly windowBytes: number;
  readonly done: Promise<void>;
  /** All that was written, and what the other side has said it has. */
  written = '';
  taken = '';
  blocks = 0;
  isFinished = false;
  wasReset: XferError | undefined;
  /** Takes everything at once. */
  isQuick = false;
  isDetached = false;
  takenBytes = 0;
  #isOver = false;
  #failure: XferError | undefined;
  readonly #held: Block[] = [];
  #waiting: (() => void)[] = [];
  #resolve!: () => void;
  #reject!: (error: XferError) => void;

  constructor(windowBytes = 100) {
    this.windowBytes = windowBytes;
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.done.catch(() => undefined);
  }

  get heldBytes(): number {
    return this.#held.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  get heldBlocks(): number {
    return this.#held.length;
  }

  write(block: Block): boolean {
    this.blocks += 1;
    if (this.#isOver) {
      block.release();
      return true;
    }
    this.written += textOf(block.bytes);
    this.#held.push(block);
    if (this.isQuick) this.take();
    return this.heldBytes < this.windowBytes;
  }

  async drained(): Promise<void> {
    if (this.heldBytes >= this.windowBytes) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** The other side has the first so many blocks. */
  take(blocks = this.#held.length): void {
    for (const block of this.#held.splice(0, blocks)) {
      this.taken += textOf(block.bytes);
      this.takenBytes += block.bytes.length;
      block.release();
    }
    if (this.heldBytes < this.windowBytes) this.#wake();
    if (this.isFinished && this.#held.length === 0) this.#finish();
  }

  finish(error?: XferError): void {
    this.isFinished = true;
    this.#failure = error;
    if (this.isQuick || this.#held.length === 0) this.take();
  }

  reset(error: XferError): void {
    this.wasReset = error;
    this.fail(error);
  }

  fail(error: XferError): void {
    this.#isOver = true;
    for (const block of this.#held.splice(0)) block.release();
    this.#reject(error);
    this.#wake();
  }

  #finish(): void {
    if (this.#failure) this.reset(this.#failure);
    else this.#resolve();
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

export const quick = (): HandWriter => {
  const writer = new HandWriter();
  writer.isQuick = true;
  return writer;
};

/** Lets everything that is under way happen. */
export const turns = async (count = 5): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
};

/** Blocks whose memory is retained: how many there are that somebody has not released. */
export class BlockLedger {
  held = 0;

  block(content: string | Uint8Array): SharedBlock {
    const bytes = typeof content === 'string' ? bytesOf(content) : content;
    return new SharedBlock(bytes, { retain: () => (this.held += 1), release: () => (this.held -= 1) });
  }
}
