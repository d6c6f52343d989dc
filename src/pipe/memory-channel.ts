import type { XferError } from '../errors/index.js';
import { Gate } from '../transfer/gate.js';
import type { Block, PipeReader, PipeWriter } from './channel.js';
import { mostQueuedBlocks } from './send-queue-core.js';

/** The two halves of a channel within this process: blocks go from one to the other as they are. */
export function memoryChannel(windowBytes: number): {
  readonly writer: PipeWriter;
  readonly reader: PipeReader;
} {
  const channel = new MemoryChannel(windowBytes);
  return { writer: channel, reader: channel.reader };
}

class MemoryChannel implements PipeWriter {
  readonly done: Promise<void>;
  readonly windowBytes: number;
  readonly isDetached = false;
  readonly reader: PipeReader;
  readonly #queue: Block[] = [];
  readonly #room = new Gate();
  readonly #content = new Gate();
  #heldBytes = 0;
  #takenBytes = 0;
  #isFinished = false;
  /** Comes behind all that was written. */
  #failure: XferError | undefined;
  #error: XferError | undefined;
  #settle!: (error?: XferError) => void;

  constructor(windowBytes: number) {
    this.windowBytes = windowBytes;
    this.done = new Promise((resolve, reject) => {
      this.#settle = (error) => (error ? reject(error) : resolve());
    });
    this.done.catch(() => undefined);
    this.reader = this.#readerHalf();
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  get takenBytes(): number {
    return this.#takenBytes;
  }

  write(block: Block): boolean {
    if (this.#error || this.#isFinished) {
      block.release();
      return true;
    }
    this.#queue.push(block);
    this.#heldBytes += block.bytes.length;
    this.#content.check();
    return this.#hasRoom;
  }

  drained(): Promise<void> {
    return this.#room.until(() => this.#hasRoom || this.#error !== undefined);
  }

  finish(error?: XferError): void {
    this.#isFinished = true;
    this.#failure = error;
    this.#content.check();
  }

  reset(error: XferError): void {
    this.#end(error);
  }

  get #hasRoom(): boolean {
    return this.#heldBytes < this.windowBytes && this.#queue.length < mostQueuedBlocks;
  }

  #readerHalf(): PipeReader {
    const heldBytes = () => this.#heldBytes;
    return {
      windowBytes: this.windowBytes,
      get heldBytes() {
        return heldBytes();
      },
      read: () => this.#read(),
      delivered: () => this.#settle(),
      stop: (error) => this.#end(error),
    };
  }

  async #read(): Promise<Block | undefined> {
    await this.#content.until(() => this.#queue.length > 0 || this.#isFinished || this.#error !== undefined);
    if (this.#error) throw this.#error;
    const block = this.#queue.shift();
    if (block) return this.#lent(block);
    if (!this.#failure) return undefined;
    this.#end(this.#failure);
    throw this.#failure;
  }

  /** Counts as held until the reader releases it. */
  #lent(block: Block): Block {
    return {
      bytes: block.bytes,
      release: () => {
        this.#heldBytes -= block.bytes.length;
        this.#takenBytes += block.bytes.length;
        block.release();
        this.#room.check();
      },
    };
  }

  #end(error: XferError): void {
    if (this.#error) return;
    this.#error = error;
    for (const block of this.#queue.splice(0)) {
      this.#heldBytes -= block.bytes.length;
      block.release();
    }
    this.#settle(error);
    this.#room.check();
    this.#content.check();
  }
}
