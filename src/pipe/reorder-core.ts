import { RangeSet } from '../transfer/range-set.js';
import type { Block } from './channel.js';

/** Blocks that wait are put together where they are no larger, or a million single bytes would cost a thousand times as much. */
const smallBytes = 4 * 1024;
const leastGatheredBytes = 512;
const mostGatheredBytes = 64 * 1024;
/** With more than this part of a window waiting, blocks do not keep memory that is twice as large as they are. */
const compactBeyondPart = 1 / 16;

/**
 * Content of one way of a channel, brought into order: a sans-IO core. What a record brings is claimed before it is opened,
 * so that nothing comes twice; opened content is taken in order, whatever order it was put in.
 *
 * Calls: `claim` with what a record's header says, then `put`, or `giveBack` where it did not verify; `take` until it gives
 * nothing.
 */
export class ReorderCore {
  readonly #claimed: RangeSet;
  /** By the offset that they begin at. */
  readonly #waiting = new Map<number, Block>();
  /** Of those that wait, by the offset that they end at, what may get more behind it. */
  readonly #open = new Map<number, Gathered>();
  #taken = 0;
  #held = 0;
  #end = Infinity;

  /** `mostGaps`: an honest sender leaves no more between what has come. */
  constructor(mostGaps: number) {
    this.#claimed = new RangeSet(mostGaps);
  }

  /** Put and not taken. */
  get waitingBytes(): number {
    return this.#held;
  }

  /** The end of what was taken. */
  get takenBytes(): number {
    return this.#taken;
  }

  /** Pieces of content with nothing between them. */
  get islands(): number {
    return this.#claimed.ranges.length;
  }

  /** Whether it is known how much is all. */
  get hasEnd(): boolean {
    return this.#end !== Infinity;
  }

  /** Whether all has been taken that there is. */
  get isAtEnd(): boolean {
    return this.#taken === this.#end;
  }

  /** Whether `take` has something. */
  get hasNext(): boolean {
    return this.#waiting.has(this.#taken);
  }

  /** The end of what was claimed. */
  get reachedBytes(): number {
    return this.#claimed.ranges.at(-1)?.[1] ?? 0;
  }

  /** So many bytes are all. False where that cannot be. */
  handleEnd(bytes: number): boolean {
    if (this.hasEnd || bytes < this.reachedBytes) return false;
    this.#end = bytes;
    return true;
  }

  /** False for what was there already, lies behind the end, or leaves too many gaps. */
  claim(offset: number, bytes: number): boolean {
    return offset + bytes <= this.#end && this.#claimed.claim(offset, offset + bytes);
  }

  /** It did not verify: it may come again. */
  giveBack(offset: number, bytes: number): void {
    this.#claimed.remove(offset, offset + bytes);
  }

  /** What was claimed. `windowBytes`: what may be held now. */
  put(offset: number, given: Block, windowBytes: number): void {
    const isMuch = this.#held + given.bytes.length > windowBytes * compactBeyondPart;
    const block = isMuch && given.bytes.length > smallBytes ? compact(given) : given;
    const { length } = block.bytes;
    this.#held += length;
    const isSmall = length <= smallBytes;
    const before = isSmall ? this.#open.get(offset) : undefined;
    if (before?.append(block.bytes)) {
      this.#open.delete(offset);
      this.#open.set(offset + length, before);
      return block.release();
    }
    // What comes next may be wanted at once, and is not copied.
    if (offset === this.#taken) return void this.#waiting.set(offset, block);
    if (isSmall) {
      const gathered = new Gathered(block.bytes);
      block.release();
      this.#open.set(offset + length, gathered);
      this.#waiting.set(offset, gathered);
    } else this.#waiting.set(offset, block);
  }

  take(): Block | undefined {
    const block = this.#waiting.get(this.#taken);
    if (!block) return undefined;
    this.#waiting.delete(this.#taken);
    this.#taken += block.bytes.length;
    this.#held -= block.bytes.length;
    this.#open.delete(this.#taken);
    return block;
  }

  /** Releases all that was not taken. */
  close(): void {
    for (const block of this.#waiting.values()) block.release();
    this.#waiting.clear();
    this.#open.clear();
    this.#held = 0;
  }
}

/** Small blocks, one behind the other; it grows by doubling. */
class Gathered implements Block {
  #memory: Buffer;
  #length: number;

  constructor(first: Uint8Array) {
    this.#memory = Buffer.allocUnsafe(Math.max(leastGatheredBytes, 2 * first.length));
    this.#memory.set(first);
    this.#length = first.length;
  }

  get bytes(): Uint8Array {
    return this.#memory.subarray(0, this.#length);
  }

  /** False where there is no room. */
  append(bytes: Uint8Array): boolean {
    const length = this.#length + bytes.length;
    if (length > mostGatheredBytes) return false;
    if (length > this.#memory.length) {
      const larger = Buffer.allocUnsafe(Math.max(length, 2 * this.#memory.length));
      larger.set(this.bytes);
      this.#memory = larger;
    }
    this.#memory.set(bytes, this.#length);
    this.#length = length;
    return true;
  }

  release(): void {
    // Memory of its own, that nobody wants back.
  }
}

/** The same in memory of its size, where it stands in much more. */
function compact(block: Block): Block {
  const { length, buffer } = block.bytes;
  if (buffer.byteLength <= 2 * length) return block;
  const bytes = Buffer.allocUnsafeSlow(length);
  bytes.set(block.bytes);
  block.release();
  return { bytes, release: () => undefined };
}
