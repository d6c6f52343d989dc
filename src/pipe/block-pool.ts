import type { Block } from './channel.js';

/** The longest block: one record of a session. */
export const blockBytes = 1024 * 1024;

/**
 * Reused memory for blocks: a fresh mebibyte each time would cost more than what is done with it. Keeps at most `keep` idle
 * ones; how many are out at once is bounded by the windows of those who have them.
 */
export class BlockPool {
  readonly #idle: Uint8Array[] = [];
  readonly #keep: number;
  #outCount = 0;

  constructor(keep = 64) {
    this.#keep = keep;
  }

  /** Taken and not released. */
  get outCount(): number {
    return this.#outCount;
  }

  /** Memory of `blockBytes`, contents undefined, with one reference, the caller's. */
  take(): PooledMemory {
    this.#outCount += 1;
    return new PooledMemory(this.#idle.pop() ?? new Uint8Array(blockBytes), (bytes) => {
      this.#outCount -= 1;
      if (this.#idle.length < this.#keep) this.#idle.push(bytes);
    });
  }
}

/** What stands still as long as somebody retains it: pooled memory, or a block that others are parts of. */
export interface Retained {
  retain(): unknown;
  release(): void;
}

/** Memory that goes back to its pool with the last reference. */
export class PooledMemory implements Retained {
  readonly bytes: Uint8Array;
  readonly #free: (bytes: Uint8Array) => void;
  #references = 1;

  constructor(bytes: Uint8Array, free: (bytes: Uint8Array) => void) {
    this.bytes = bytes;
    this.#free = free;
  }

  retain(): void {
    this.#references += 1;
  }

  release(): void {
    this.#references -= 1;
    if (this.#references === 0) this.#free(this.bytes);
  }
}

/** A piece of content with as many owners as were told: each calls `release` once, and with the last call it is free. */
export class SharedBlock implements Block, Retained {
  readonly bytes: Uint8Array;
  readonly #memory: Retained | undefined;
  #owners = 1;

  /** Retains what `bytes` lies in; without that the garbage collector frees it. One owner: the caller. */
  constructor(bytes: Uint8Array, memory?: Retained) {
    this.bytes = bytes;
    this.#memory = memory;
    memory?.retain();
  }

  /** One owner more. */
  retain(): this {
    this.#owners += 1;
    return this;
  }

  release(): void {
    this.#owners -= 1;
    if (this.#owners === 0) this.#memory?.release();
  }
}
