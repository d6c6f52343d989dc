import { SharedBlock } from './block-pool.js';
import type { PipeWriter } from './channel.js';
import { newline } from './frame-scanner.js';

/** One of the writers that share content, and what it was given. */
export class BalancedWriter {
  readonly writer: PipeWriter;
  readonly index: number;
  /** In order of writing; the last one may be of a frame that is not all. */
  readonly runs: BalancedRun[] = [];
  isFull = false;
  isGone = false;
  /** Its other side has delivered all. */
  isDone = false;
  /** The last that it has is a line without its newline. */
  isWithinLine = false;

  constructor(writer: PipeWriter, index: number) {
    this.writer = writer;
    this.index = index;
  }

  get load(): number {
    return this.writer.heldBytes / this.writer.windowBytes;
  }

  /** What is written from now on is of this run. */
  begin(run: BalancedRun): void {
    if (this.isWithinLine) this.writer.write(new SharedBlock(Uint8Array.of(newline)));
    this.isWithinLine = run.isCutOff;
    this.runs.push(run);
  }

  /** Takes over the piece, which stays in the run until that is dropped. False: full. */
  write(run: BalancedRun, piece: SharedBlock, onRelease: () => void): boolean {
    const kept = this.#pinsMuch(piece) ? copyOf(piece) : piece;
    return this.writer.write({ bytes: kept.bytes, release: run.lend(kept, onRelease) });
  }

  /** A frame is kept until all of it was released. */
  forgetReleased(): void {
    const kept = this.runs.findIndex((run) => !run.isDone);
    for (const run of this.runs.splice(0, kept === -1 ? this.runs.length : kept)) run.drop();
  }

  /**
   * A piece keeps all the memory that it lies in, and its neighbours have gone to others: what is kept so is half a window at
   * most, and the rest of a window copies. Whoever is quick holds too little for that.
   */
  #pinsMuch({ bytes }: SharedBlock): boolean {
    const part = bytes.length / bytes.buffer.byteLength;
    return part <= 1 / 2 && this.load > part / 2;
  }
}

/** Whole frames, or the beginning of one, that go to one writer. */
export class BalancedRun {
  isEnded = false;
  /** It ends with the content, within a line. */
  isCutOff = false;
  #pieces: SharedBlock[] = [];
  #unreleased = 0;

  get isDone(): boolean {
    return this.isEnded && this.#unreleased === 0;
  }

  /** Takes over the piece, which nobody has yet. */
  add(piece: SharedBlock): void {
    this.#pieces.push(piece);
  }

  /** Takes over the piece, which a writer gets; what is given back is the writer's release. */
  lend(piece: SharedBlock, onRelease: () => void): () => void {
    this.#pieces.push(piece);
    this.#unreleased += 1;
    piece.retain();
    return () => {
      piece.release();
      this.#unreleased -= 1;
      onRelease();
    };
  }

  /** They are the caller's now. */
  takePieces(): SharedBlock[] {
    const pieces = this.#pieces;
    this.#pieces = [];
    return pieces;
  }

  /** The same for another writer: this one's releases mean nothing to it. */
  again(): BalancedRun {
    const run = new BalancedRun();
    run.isEnded = this.isEnded;
    run.isCutOff = this.isCutOff;
    run.#pieces = this.takePieces();
    return run;
  }

  drop(): void {
    for (const piece of this.takePieces()) piece.release();
  }
}

function copyOf(piece: SharedBlock): SharedBlock {
  const bytes = Buffer.allocUnsafeSlow(piece.bytes.length);
  bytes.set(piece.bytes);
  piece.release();
  return new SharedBlock(bytes);
}
