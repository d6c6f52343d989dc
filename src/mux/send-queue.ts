import type { Batch, BatchWriter } from './batch.js';
import { Loan } from './loan.js';

interface Item {
  readonly chunks: readonly Uint8Array[];
  readonly loan: Loan;
  /** All of it, and what is not taken yet. */
  readonly bytes: number;
  left: number;
  index: number;
  offset: number;
}

/** What a stream wants to send, in order. `release` of an item runs exactly once: when the link is done with it, or on discard. */
export class SendQueue {
  /** Not handed to the link yet. */
  bytes = 0;
  #items: Item[] = [];
  #head = 0;

  push(bytes: Uint8Array | readonly Uint8Array[], release: (() => void) | undefined): void {
    const chunks = bytes instanceof Uint8Array ? [bytes] : [...bytes];
    let total = 0;
    for (const chunk of chunks) total += chunk.length;
    if (total === 0) {
      release?.();
      return;
    }
    this.bytes += total;
    this.#items.push({ chunks, loan: new Loan(release), bytes: total, left: total, index: 0, offset: 0 });
  }

  /**
   * How much to take at once, of `most` bytes at most: never across an end of an item of at least `aloneBytes`, and no
   * further than the item with which there are so many.
   */
  pieceBytes(most: number, aloneBytes: number): number {
    let bytes = 0;
    for (let at = this.#head; bytes < most; at++) {
      const item = this.#items[at];
      if (!item || (bytes > 0 && item.bytes >= aloneBytes)) break;
      bytes += item.left;
      if (bytes >= aloneBytes || item.bytes >= aloneBytes) break;
    }
    return Math.min(bytes, most);
  }

  /** Moves exactly `bytes` bytes, of which there must be as many. */
  take(bytes: number, writer: BatchWriter, batch: Batch): void {
    this.bytes -= bytes;
    let left = bytes;
    while (left > 0) {
      const item = this.#items[this.#head];
      const chunk = item?.chunks[item.index];
      if (!item || !chunk) return;
      const count = Math.min(left, chunk.length - item.offset);
      if (count > 0)
        writer.append(count === chunk.length ? chunk : chunk.subarray(item.offset, item.offset + count));
      left -= count;
      item.left -= count;
      item.offset += count;
      item.loan.lend(batch);
      if (item.offset === chunk.length) this.#advance(item);
    }
  }

  /** Drops everything. What is partly with the link is released when the link is done with it. */
  discard(): void {
    const items = this.#items;
    const head = this.#head;
    this.#items = [];
    this.#head = 0;
    this.bytes = 0;
    for (let i = head; i < items.length; i++) items[i]?.loan.end();
  }

  #advance(item: Item): void {
    item.offset = 0;
    item.index++;
    while (item.index < item.chunks.length && item.chunks[item.index]?.length === 0) item.index++;
    if (item.index < item.chunks.length) return;
    item.loan.end();
    this.#head++;
    if (this.#head === this.#items.length) {
      this.#items = [];
      this.#head = 0;
    } else if (this.#head >= 64 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
  }
}
