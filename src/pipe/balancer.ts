import { asXferError, type XferError } from '../errors/index.js';
import { Gate } from '../transfer/gate.js';
import { SharedBlock } from './block-pool.js';
import type { Framing, PipeWriter } from './channel.js';
import { FrameScanner, newline } from './frame-scanner.js';
import { cutShort } from './frame-walker.js';
import type { Outlet, OutletOptions } from './outlet.js';

export interface BalancerOptions extends OutletOptions {
  /** What goes to one writer as a whole: a line, a message, or a block of `bytes`. */
  readonly framing: Framing;
}

/** A block is cut into so many runs of frames for each writer: few enough for large records, enough to be shared out. */
const runsPerWriter = 8;

/**
 * Each frame goes to one of the writers, as a whole: the one that holds least of its window. What a writer fails with that it
 * has not released goes to the others, so everything is kept until the writer releases it. A release counts as the other
 * side's word only a turn of the event loop later: a writer that fails releases everything too, and `done` rejects then.
 */
export class Balancer implements Outlet {
  readonly #options: BalancerOptions;
  readonly #scanner: FrameScanner;
  readonly #workers: readonly Worker[];
  readonly #gate = new Gate();
  /** The worker that has the beginning of a frame whose end has not come. */
  #open: Worker | undefined;
  /** Runs of whole frames of workers that failed, while the only worker left is within a frame. */
  #returned: Run[] = [];
  #next = 0;
  #confirming: NodeJS.Immediate | undefined;
  #firstError: XferError | undefined;

  constructor(writers: readonly PipeWriter[], options: BalancerOptions) {
    this.#options = options;
    this.#scanner = new FrameScanner(options.framing);
    this.#workers = writers.map((writer, index) => new Worker(writer, index));
    for (const worker of this.#workers)
      worker.writer.done.catch((error: unknown) => this.#fail(worker, asXferError(error)));
  }

  get hasRoom(): boolean {
    if (this.#open) return !this.#open.isFull;
    const live = this.#live;
    return live.length === 0 || live.some((worker) => !worker.isFull);
  }

  write(block: SharedBlock): void {
    try {
      this.#share(block);
    } finally {
      block.release();
    }
  }

  room(): Promise<void> {
    return this.#gate.until(() => this.hasRoom);
  }

  async finish(): Promise<void> {
    if (this.#options.framing === 'len32' && !this.#scanner.isBetween) throw cutShort();
    // Behind a last line without a newline other lines may follow.
    if (this.#open) this.#give(new SharedBlock(Uint8Array.of(newline)), true);
    await this.#gate.until(() => this.#live.every((worker) => worker.runs.length === 0));
    for (const { writer } of this.#live) writer.finish();
    await Promise.allSettled(this.#workers.map(({ writer }) => writer.done));
    if (this.#firstError) throw this.#firstError;
  }

  reset(error: XferError): void {
    for (const worker of this.#live) {
      worker.isGone = true;
      worker.writer.reset(error);
      for (const run of worker.runs.splice(0)) run.drop();
    }
    for (const run of this.#returned.splice(0)) run.drop();
    this.#open = undefined;
    this.#gate.check();
  }

  get #live(): readonly Worker[] {
    return this.#workers.filter((worker) => !worker.isGone);
  }

  /** Cuts the block behind frames, into runs of about the same size. */
  #share(block: SharedBlock): void {
    const { bytes } = block;
    const isWhole = this.#options.framing === 'bytes';
    const step = isWhole ? bytes.length : Math.ceil(bytes.length / (runsPerWriter * this.#workers.length));
    let from = 0;
    for (let at = 0; at < bytes.length; at += step) {
      const end = this.#scanner.scan(bytes.subarray(at, at + step));
      if (end === 0) continue;
      this.#give(new SharedBlock(bytes.subarray(from, at + end), block), true);
      from = at + end;
    }
    if (from < bytes.length) this.#give(new SharedBlock(bytes.subarray(from), block), false);
  }

  /** Takes over the piece, which goes on the frame that is open, or begins one. */
  #give(piece: SharedBlock, isEnd: boolean): void {
    const worker = this.#open ?? this.#leastLoaded(undefined);
    if (!worker) return piece.release();
    const begun = this.#open ? worker.runs.at(-1) : undefined;
    const run = begun ?? new Run();
    if (!begun) worker.runs.push(run);
    run.isEnded = isEnd;
    this.#open = isEnd ? undefined : worker;
    this.#write(worker, run, piece);
    if (isEnd && this.#returned.length > 0) this.#shareReturned();
  }

  #write(worker: Worker, run: Run, piece: SharedBlock): void {
    const release = run.add(piece, () => this.#confirmSoon());
    if (worker.writer.write({ bytes: piece.bytes, release }) || worker.isFull) return;
    worker.isFull = true;
    void worker.writer.drained().then(() => {
      worker.isFull = false;
      this.#gate.check();
    });
  }

  /** Those that hold the same share take turns. */
  #leastLoaded(except: Worker | undefined): Worker | undefined {
    let best: Worker | undefined;
    for (let i = 0; i < this.#workers.length; i++) {
      const worker = this.#workers[(this.#next + i) % this.#workers.length];
      if (!worker || worker.isGone || worker === except) continue;
      if (!best || worker.load < best.load) best = worker;
    }
    if (best) this.#next = best.index + 1;
    return best;
  }

  #confirmSoon(): void {
    this.#confirming ??= setImmediate(() => {
      this.#confirming = undefined;
      for (const worker of this.#workers) worker.forgetReleased();
      this.#gate.check();
    });
  }

  #fail(worker: Worker, error: XferError): void {
    if (worker.isGone) return;
    worker.isGone = true;
    this.#firstError ??= error;
    this.#returned.push(...worker.runs.splice(0));
    this.#options.onDropped?.(worker.index, error);
    if (this.#live.length === 0) {
      this.reset(error);
      this.#options.onGone(this.#firstError);
      return;
    }
    if (this.#open === worker) this.#open = undefined;
    this.#shareReturned();
    this.#gate.check();
  }

  /** A run whose end has not come is of the open frame, and the last: whoever gets it goes on with that frame. */
  #shareReturned(): void {
    const returned = this.#returned.splice(0);
    returned.sort((a, b) => Number(b.isEnded) - Number(a.isEnded));
    for (const old of returned) {
      const worker = this.#leastLoaded(this.#open);
      if (!worker) {
        this.#returned.push(old);
        continue;
      }
      const run = new Run();
      run.isEnded = old.isEnded;
      worker.runs.push(run);
      for (const piece of old.takePieces()) this.#write(worker, run, piece);
      if (!run.isEnded) this.#open = worker;
    }
  }
}

class Worker {
  readonly writer: PipeWriter;
  readonly index: number;
  /** In order of writing; the last one may be of a frame that is not all. */
  readonly runs: Run[] = [];
  isFull = false;
  isGone = false;

  constructor(writer: PipeWriter, index: number) {
    this.writer = writer;
    this.index = index;
  }

  get load(): number {
    return this.writer.heldBytes / this.writer.windowBytes;
  }

  /** A frame is kept until all of it was released. */
  forgetReleased(): void {
    const kept = this.runs.findIndex((run) => !run.isDone);
    for (const run of this.runs.splice(0, kept === -1 ? this.runs.length : kept)) run.drop();
  }
}

/** Whole frames, or the beginning of one, that went to one writer. */
class Run {
  isEnded = false;
  #pieces: SharedBlock[] = [];
  #unreleased = 0;

  get isDone(): boolean {
    return this.isEnded && this.#unreleased === 0;
  }

  /** Keeps the piece, which it takes over; what is given back is the writer's release. */
  add(piece: SharedBlock, onRelease: () => void): () => void {
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

  drop(): void {
    for (const piece of this.takePieces()) piece.release();
  }
}
