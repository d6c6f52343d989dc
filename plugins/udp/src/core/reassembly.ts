import { blockBytes, type BlockPool } from './block-pool.js';

/** What a held piece costs beside its bytes, and at least: so that many small ones are bounded in memory and in the time to find their place. */
const pieceBytes = 128;
const leastPieceBytes = 1024;
/** Shorter pieces would waste too much of a block. */
const leastBlockShare = 3 / 4;

interface Piece {
  readonly offset: number;
  readonly bytes: Uint8Array;
  /** What its bytes are the beginning of. */
  readonly block: Uint8Array | undefined;
}

/** Puts one byte stream in order: what came early is held, copied, until what is missing has come. */
export class Reassembly {
  /** Where what is given out goes on. */
  #next: number;
  /** Disjoint, in order; those before `#head` are gone. */
  readonly #pieces: (Piece | undefined)[] = [];
  #head = 0;
  #costBytes = 0;
  readonly #pool: BlockPool | undefined;
  /** Of the piece that `take` gave last. */
  #given: Uint8Array | undefined;

  constructor(next = 0, pool?: BlockPool) {
    this.#next = next;
    this.#pool = pool;
  }

  get next(): number {
    return this.#next;
  }

  /** Of memory, for what is held. */
  get costBytes(): number {
    return this.#costBytes;
  }

  get isEmpty(): boolean {
    return this.#head === this.#pieces.length;
  }

  /** Behind the last byte that came. */
  get highest(): number {
    const last = this.#pieces.at(-1);
    return last === undefined ? this.#next : last.offset + last.bytes.length;
  }

  /** The part of these bytes that can be given out at once; undefined: none. It counts as given out. */
  pass(offset: number, bytes: Uint8Array): Uint8Array | undefined {
    if (offset > this.#next || offset + bytes.length <= this.#next) return undefined;
    const part = offset === this.#next ? bytes : bytes.subarray(this.#next - offset);
    this.#next += part.length;
    return part;
  }

  /** Copies what is new of these bytes. */
  hold(offset: number, bytes: Uint8Array): void {
    const end = offset + bytes.length;
    let at = Math.max(offset, this.#next);
    let index = this.#firstEndingAbove(at);
    while (at < end) {
      const piece = this.#pieces[index];
      const until = piece === undefined ? end : Math.min(end, piece.offset);
      if (until > at) {
        this.#insert(index, this.#copy(at, bytes.subarray(at - offset, until - offset)));
        index += 1;
      }
      if (piece === undefined) return;
      at = Math.max(until, piece.offset + piece.bytes.length);
      index += 1;
    }
  }

  /** The next held bytes that are in order; undefined: there is a gap, or nothing. They count as given out, and live until the next call. */
  take(): Uint8Array | undefined {
    this.#giveBack();
    for (;;) {
      const piece = this.#pieces[this.#head];
      if (piece === undefined || piece.offset > this.#next) return undefined;
      this.#drop(piece);
      this.#given = piece.block;
      const part = this.pass(piece.offset, piece.bytes);
      if (part !== undefined) return part;
      this.#giveBack();
    }
  }

  #giveBack(): void {
    if (this.#given !== undefined) this.#pool?.give(this.#given);
    this.#given = undefined;
  }

  #copy(offset: number, bytes: Uint8Array): Piece {
    const isLong = bytes.length >= blockBytes * leastBlockShare && bytes.length <= blockBytes;
    const block = isLong ? this.#pool?.take() : undefined;
    if (block === undefined) return { offset, bytes: new Uint8Array(bytes), block };
    block.set(bytes);
    return { offset, bytes: block.subarray(0, bytes.length), block };
  }

  #insert(index: number, piece: Piece): void {
    if (index === this.#pieces.length) this.#pieces.push(piece);
    else this.#pieces.splice(index, 0, piece);
    this.#costBytes += costOf(piece);
  }

  #drop(first: Piece): void {
    this.#costBytes -= costOf(first);
    this.#pieces[this.#head] = undefined;
    this.#head += 1;
    if (this.#head < this.#pieces.length && this.#head < 64) return;
    this.#pieces.splice(0, this.#head);
    this.#head = 0;
  }

  #firstEndingAbove(offset: number): number {
    let [low, high] = [this.#head, this.#pieces.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      const piece = this.#pieces[middle];
      if (piece === undefined || piece.offset + piece.bytes.length <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

const costOf = ({ bytes, block }: Piece): number =>
  Math.max(leastPieceBytes, (block ?? bytes).length + pieceBytes);
