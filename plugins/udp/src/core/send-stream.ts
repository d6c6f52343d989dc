import type { PulledContent } from './contract.js';
import { RangeSet } from './range-set.js';

/**
 * What was sent of one stream and what of it arrived. A stream's end counts as one more byte behind its content, so it is
 * acknowledged like content.
 */
export class SendStream {
  readonly id: number;
  /** What `SendStreams` has counted of it as outstanding. */
  countedBytes = 0;
  #highest = 0;
  /** All below it has arrived. */
  #arrivedTo: number;
  /** Content that is not all acknowledged, in order. */
  readonly #contents: PulledContent[] = [];
  readonly #acked = new RangeSet();
  #isForgotten = false;
  #end = Infinity;

  constructor(id: number, offset: number) {
    this.id = id;
    // Nobody sends below the first offset.
    this.#acked.add(-1, offset);
    this.#arrivedTo = offset;
  }

  /** Sent and not known to have arrived without a gap before it. */
  get outstandingBytes(): number {
    return this.#isForgotten ? 0 : Math.max(0, this.#highest - this.#arrivedTo);
  }

  get isForgotten(): boolean {
    return this.#isForgotten;
  }

  /** All of it arrived, its end included. */
  get isFinished(): boolean {
    return this.#arrivedTo > this.#end;
  }

  get hasUnacked(): boolean {
    return this.#contents.length > 0;
  }

  add(content: PulledContent): void {
    this.#contents.push(content);
    this.#highest = content.offset + content.bytes;
    if (content.fin) this.#end = this.#highest;
  }

  /** Whether this need not be sent again. */
  covers(offset: number, bytes: number, fin: boolean): boolean {
    return this.#isForgotten || this.#hasArrived(offset, offset + bytes + (fin ? 1 : 0));
  }

  /** Whether this is what all that was sent behind it waits for. */
  needs(offset: number): boolean {
    return offset <= this.#arrivedTo;
  }

  handleAcked(offset: number, bytes: number, fin: boolean): void {
    if (this.#isForgotten) return;
    const to = offset + bytes + (fin ? 1 : 0);
    const isNew = this.#acked.add(offset, to) > 0;
    this.#arrivedTo = this.#acked.to(0);
    if (isNew || bytes === 0) this.#settle(offset, to);
  }

  /** Nothing of it is of use any more. */
  forget(): void {
    this.#isForgotten = true;
    for (const content of this.#contents.splice(0)) content.done();
  }

  /** Ends content that overlaps `[from, to)` and has all arrived. */
  #settle(from: number, to: number): void {
    const contents = this.#contents;
    let index = this.#firstEndingAbove(from);
    let kept = index;
    const done: PulledContent[] = [];
    for (; index < contents.length; index++) {
      const content = contents[index];
      if (content === undefined || content.offset > to) break;
      if (this.#hasArrived(content.offset, endOf(content))) done.push(content);
      else contents[kept++] = content;
    }
    if (kept < index) contents.splice(kept, index - kept);
    for (const content of done) content.done();
  }

  /** Nearly always in order. */
  #hasArrived(from: number, to: number): boolean {
    return to <= this.#arrivedTo || this.#acked.covers(from, to);
  }

  /** Nearly always the first. */
  #firstEndingAbove(offset: number): number {
    const first = this.#contents[0];
    if (first !== undefined && endOf(first) >= offset) return 0;
    let low = 0;
    let high = this.#contents.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const content = this.#contents[middle];
      if (content !== undefined && endOf(content) < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

const endOf = (content: PulledContent): number => content.offset + content.bytes + (content.fin ? 1 : 0);
