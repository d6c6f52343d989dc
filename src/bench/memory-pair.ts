import type { OrderedLink } from '../mux/index.js';

const nothing = (): void => undefined;
/** As much as transports on sockets read at once. */
const readBytes = 256 * 1024;

interface Write {
  readonly chunks: readonly Uint8Array[];
  readonly written: () => void;
}

/**
 * One end of a link that is nothing but memory: what one end writes the other reads in a later turn of the loop, out of
 * memory of its own. Each byte is copied once on its way, as nothing that moves bytes could do with less.
 */
export class MemoryPairLink implements OrderedLink {
  readonly #buffer = new Uint8Array(readBytes);
  #other: MemoryPairLink = this;
  #writes: Write[] = [];
  #isScheduled = false;
  #isEnding = false;
  #isOver = false;
  #onData: (bytes: Uint8Array) => void = nothing;
  #onEnd: () => void = nothing;
  #onError: (error: Error) => void = nothing;
  unsentBytes = 0;

  /** Both ends. */
  static pair(): readonly [MemoryPairLink, MemoryPairLink] {
    const [one, other] = [new MemoryPairLink(), new MemoryPairLink()];
    one.#other = other;
    other.#other = one;
    return [one, other];
  }

  write(chunks: Uint8Array[], written: () => void): boolean {
    for (const { length } of chunks) this.unsentBytes += length;
    this.#writes.push({ chunks, written });
    this.#schedule();
    return true;
  }

  onData(handler: (bytes: Uint8Array) => void): void {
    this.#onData = handler;
  }

  /** `write` never asks for no more. */
  onWritable = nothing;

  onEnd(handler: () => void): void {
    this.#onEnd = handler;
  }

  onError(handler: (error: Error) => void): void {
    this.#onError = handler;
  }

  close(): void {
    this.#isEnding = true;
    this.#schedule();
  }

  abort(): void {
    if (this.#isOver) return;
    this.#drop();
    setImmediate(() => this.#other.#break());
  }

  #schedule(): void {
    if (this.#isScheduled || this.#isOver) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#move();
    });
  }

  /** What is there now: what is written meanwhile goes in the next turn, so that others have theirs. */
  #move(): void {
    const writes = this.#writes;
    this.#writes = [];
    for (const { chunks, written } of writes) {
      this.#other.#read(chunks);
      for (const { length } of chunks) this.unsentBytes -= length;
      written();
    }
    if (this.#isOver || !this.#isEnding || this.#writes.length > 0) return;
    this.#isEnding = false;
    if (!this.#other.#isOver) this.#other.#onEnd();
  }

  #read(chunks: readonly Uint8Array[]): void {
    let filled = 0;
    const give = (): void => {
      if (filled > 0 && !this.#isOver) this.#onData(this.#buffer.subarray(0, filled));
      filled = 0;
    };
    for (const chunk of chunks)
      for (let at = 0; at < chunk.length;) {
        const count = Math.min(chunk.length - at, readBytes - filled);
        this.#buffer.set(count === chunk.length ? chunk : chunk.subarray(at, at + count), filled);
        at += count;
        filled += count;
        if (filled === readBytes) give();
      }
    give();
  }

  #break(): void {
    if (this.#isOver) return;
    this.#drop();
    this.#onError(new Error('the other end aborted'));
  }

  #drop(): void {
    this.#isOver = true;
    const writes = this.#writes;
    this.#writes = [];
    setImmediate(() => {
      for (const { written } of writes) written();
    });
  }
}
