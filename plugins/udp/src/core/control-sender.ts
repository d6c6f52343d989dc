import type { FrameWriter } from './frame-writer.js';
import { controlDataBytes } from './frame-writer.js';
import { RangeSet } from './range-set.js';

/** What the receiver holds of control that came out of order; more may not be under way. */
export const maxHeldControlBytes = 1024 * 1024;

/** Offsets are u48; what is pulled at once is far less than what is left behind this one. */
const lastPullFrom = 2 ** 48 - 2 ** 30;

interface Segment {
  readonly from: number;
  readonly bytes: Uint8Array;
}

/** The sending side of control: one byte stream, kept until it is acknowledged, sent again by ranges. */
export class ControlSender {
  readonly #pull: (maxBytes: number) => Uint8Array | undefined;
  /** What is kept, in order. */
  readonly #segments: Segment[] = [];
  readonly #acked = new RangeSet();
  readonly #lost = new RangeSet();
  #keptFrom: number;
  #sentTo: number;
  #pulledTo: number;
  /** There may be something to pull. */
  #mayPull = true;

  constructor(sentBytes: number, pull: (maxBytes: number) => Uint8Array | undefined) {
    this.#pull = pull;
    this.#keptFrom = sentBytes;
    this.#sentTo = sentBytes;
    this.#pulledTo = sentBytes;
    this.#acked.add(-1, sentBytes);
  }

  /** Pulled and not on its way. */
  get unsentBytes(): number {
    let lost = 0;
    for (let index = 0; index < this.#lost.count; index++)
      lost += this.#lost.to(index) - this.#lost.from(index);
    return lost + this.#pulledTo - this.#sentTo;
  }

  /** All that was pulled is acknowledged, and there was nothing more to pull. */
  get isIdle(): boolean {
    return !this.#mayPull && this.#acked.to(0) === this.#pulledTo;
  }

  /** Offsets come to their end: nothing more is pulled. */
  get isPastOffsets(): boolean {
    return this.#pulledTo > lastPullFrom;
  }

  ready(): void {
    this.#mayPull = true;
  }

  /** Whether `write` would write; pulls what there is, up to a packet's. */
  hasMore(maxBytes: number): boolean {
    if (this.#lost.count > 0) return true;
    if (this.isPastOffsets) this.#mayPull = false;
    while (this.#mayPull && this.#pulledTo - this.#sentTo < maxBytes && this.#windowBytes > 0) {
      const bytes = this.#pull(maxBytes);
      if (bytes === undefined || bytes.length === 0) this.#mayPull = false;
      else {
        this.#segments.push({ from: this.#pulledTo, bytes });
        this.#pulledTo += bytes.length;
      }
    }
    return this.#pulledTo > this.#sentTo && this.#windowBytes > 0;
  }

  /** Writes what was lost, else what is new, as far as there is room; undefined: nothing, or no room. */
  write(into: FrameWriter): { readonly from: number; readonly to: number } | undefined {
    const room = Math.min(into.roomBytes - controlDataBytes, 0xffff);
    if (room <= 0) return undefined;
    const range = this.#lost.takeFirst(room) ?? this.#takeNew(room);
    if (range !== undefined) this.#writeRange(range.from, range.to, into);
    return range;
  }

  /** What there still is of this range, which was sent before; false: it has arrived, or there is no room. */
  writeAgain(from: number, to: number, into: FrameWriter): boolean {
    if (this.#acked.covers(from, to) || into.roomBytes < to - from + controlDataBytes) return false;
    if (from < this.#keptFrom) return false;
    this.#writeRange(from, to, into);
    return true;
  }

  handleAcked(from: number, to: number): void {
    if (this.#acked.add(from, to) === 0) return;
    // Found lost before, and there after all: it is not kept any more.
    this.#lost.remove(from, to);
    const arrived = this.#acked.to(0);
    let gone = 0;
    for (; ; gone++) {
      const segment = this.#segments[gone];
      if (segment === undefined || this.#keptFrom + segment.bytes.length > arrived) break;
      this.#keptFrom += segment.bytes.length;
    }
    if (gone > 0) this.#segments.splice(0, gone);
  }

  handleLost(from: number, to: number): void {
    this.#lost.add(from, to);
    for (let index = 0; index < this.#acked.count && this.#acked.from(index) < to; index++)
      if (this.#acked.to(index) > from) this.#lost.remove(this.#acked.from(index), this.#acked.to(index));
  }

  #writeRange(from: number, to: number, into: FrameWriter): void {
    into.controlData(from, to - from);
    for (let index = this.#lastFrom(from); ; index++) {
      const segment = this.#segments[index];
      if (segment === undefined || segment.from >= to) return;
      into.raw(segment.bytes.subarray(Math.max(0, from - segment.from), to - segment.from));
    }
  }

  /** Index of the segment that has the byte at `offset`. Kept are as many as a peer likes: it is not looked for from the first. */
  #lastFrom(offset: number): number {
    let low = 0;
    let high = this.#segments.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.#segments[middle]?.from ?? Infinity) <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  get #windowBytes(): number {
    return maxHeldControlBytes - (this.#sentTo - this.#acked.to(0));
  }

  #takeNew(room: number): { readonly from: number; readonly to: number } | undefined {
    const bytes = Math.min(room, this.#pulledTo - this.#sentTo, this.#windowBytes);
    if (bytes <= 0) return undefined;
    const from = this.#sentTo;
    this.#sentTo += bytes;
    return { from, to: this.#sentTo };
  }
}
