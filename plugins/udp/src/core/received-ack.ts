import { ackBytes, ackRangeBytes } from './frame-writer.js';
import { u16At, u32At, u48At } from './number-at.js';

/** More than most have; so few lie in V8's own heap. */
const firstRanges = 8;

/** An ACK frame that came; used anew for the next one. Ranges rise with their index: 0 is the lowest. */
export class ReceivedAck {
  #firsts = new Float64Array(firstRanges);
  #lasts = new Float64Array(firstRanges);
  count = 0;
  largest = 0;
  delayMs = 0;
  creditBytes = 0;
  /** Packets with the mark CE that the other side got so far. */
  marked = 0;

  first(index: number): number {
    return this.#firsts[index] ?? Infinity;
  }

  last(index: number): number {
    return this.#lasts[index] ?? Infinity;
  }

  /** The frame at `at`, which fits. What is wrong with it; undefined: nothing. */
  read(frames: Uint8Array, at: number): string | undefined {
    this.largest = u48At(frames, at + 1);
    this.delayMs = u32At(frames, at + 7) / 1000;
    this.creditBytes = u32At(frames, at + 11) * 1024;
    this.marked = u32At(frames, at + 15);
    this.count = u16At(frames, at + 19);
    if (this.count === 0) return 'an ACK without ranges';
    this.#reserve(this.count);
    let last = this.largest;
    for (let index = this.count - 1; index >= 0; index--) {
      const further = at + ackBytes + (this.count - 2 - index) * ackRangeBytes;
      if (index < this.count - 1) {
        const gap = u32At(frames, further);
        if (gap === 0) return 'an ACK with ranges that touch';
        last = this.first(index + 1) - 1 - gap;
      }
      const length = u32At(frames, index === this.count - 1 ? at + 21 : further + 4);
      const first = last - length + 1;
      if (length === 0 || first < 1) return 'an ACK with a range that is none';
      this.#firsts[index] = first;
      this.#lasts[index] = last;
    }
    return undefined;
  }

  #reserve(ranges: number): void {
    if (ranges <= this.#firsts.length) return;
    this.#firsts = new Float64Array(2 * ranges);
    this.#lasts = new Float64Array(2 * ranges);
  }
}
