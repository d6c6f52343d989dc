import { blockBytes, SharedBlock, type BlockPool, type PooledMemory } from './block-pool.js';

/** Less room than this is not worth a read: it is what a kernel's pipe holds. */
const leastReadBytes = 64 * 1024;

/** What is at least as long goes on in its own memory; what is shorter is copied beside its neighbours. */
const leastOwnBytes = 64 * 1024;

export interface CoalescerOptions {
  readonly pool: BlockPool;
  /** How long the first byte may wait for more; 0: nothing waits. */
  readonly coalesceMs: number;
  /** Takes over the block. */
  onBlock(block: SharedBlock): void;
}

/**
 * Gathers small pieces of content into blocks: what came goes on when its block is full, or `coalesceMs` after its first byte,
 * and what comes next goes into the rest of the same memory. There is one timer for all of it, set anew by the first byte of
 * each block, so that a piece costs none.
 */
export class Coalescer {
  readonly #options: CoalescerOptions;
  #memory: PooledMemory | undefined;
  /** Of the memory: [#from, #to) waits, what is before has gone. */
  #from = 0;
  #to = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: CoalescerOptions) {
    this.#options = options;
  }

  /** Where the next content may be put, from its beginning on; what of it is used `filled` says. */
  room(): Uint8Array {
    if (this.#memory && this.#memory.bytes.length - this.#to < leastReadBytes) this.#next();
    this.#memory ??= this.#options.pool.take();
    return this.#memory.bytes.subarray(this.#to);
  }

  /** So many bytes were put into the beginning of the last `room`. */
  filled(bytes: number): void {
    if (bytes === 0) return;
    const isFirst = this.#from === this.#to;
    this.#to += bytes;
    const length = this.#memory?.bytes.length ?? 0;
    if (this.#options.coalesceMs === 0 || length - this.#to < leastReadBytes) this.flush();
    else if (isFirst) this.#setTimer();
  }

  /** Content in memory that stands still from now on; it goes on without being copied if it is long. */
  add(bytes: Uint8Array): void {
    if (bytes.length >= leastOwnBytes) {
      this.flush();
      for (let at = 0; at < bytes.length; at += blockBytes)
        this.#options.onBlock(new SharedBlock(bytes.subarray(at, at + blockBytes)));
      return;
    }
    this.room().set(bytes);
    this.filled(bytes.length);
  }

  /** What waits goes on. */
  flush(): void {
    if (this.#from === this.#to || !this.#memory) return;
    const block = new SharedBlock(this.#memory.bytes.subarray(this.#from, this.#to), this.#memory);
    this.#from = this.#to;
    this.#options.onBlock(block);
  }

  /** Nothing has come for a while, and nothing is being read into `room`: memory in which nothing waits goes back. */
  rest(): void {
    if (this.#from === this.#to) this.#next();
  }

  /** What waits is dropped. Nothing may be reading into `room` any more. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#from = this.#to = 0;
    this.#memory?.release();
    this.#memory = undefined;
  }

  #next(): void {
    this.flush();
    this.#memory?.release();
    this.#memory = undefined;
    this.#from = this.#to = 0;
  }

  #setTimer(): void {
    if (this.#timer) this.#timer.refresh();
    else this.#timer = setTimeout(() => this.flush(), this.#options.coalesceMs);
  }
}
