import { asXferError, XferError } from '../errors/index.js';
import { Gate } from '../transfer/gate.js';
import { BalancedRun, BalancedWriter } from './balanced-writer.js';
import { blockBytes, SharedBlock } from './block-pool.js';
import type { Framing, PipeWriter } from './channel.js';
import { FrameScanner } from './frame-scanner.js';
import { cutShort } from './frame-walker.js';
import { GrowingBytes } from './growing-bytes.js';
import type { Outlet, OutletOptions } from './outlet.js';
import { Standstill } from './standstill.js';

export interface BalancerOptions extends OutletOptions {
  /** What goes to one writer as a whole: a line, a message, or a block of `bytes`. */
  readonly framing: Framing;
  /** For how long one that others are done without may take nothing before it is reset. Default: for ever. */
  readonly standstillMs?: number;
}

/** A block is cut into so many runs of frames for each writer: few enough for large records, enough to be shared out. */
const runsPerWriter = 8;

/**
 * Each frame goes to one of the writers, as a whole: of those that have room to the one that holds least of its window. A frame
 * is begun at nobody before its end has come, or one that stops would have the beginning of what others could take; only of one
 * that is longer than a block the beginning goes, and the rest has to wait for the same writer. What a writer fails with that it
 * has not released goes to the others, so everything is kept until the writer releases it. A release counts as the other
 * side's word only a turn of the event loop later: a writer that fails releases everything too, and `done` rejects then.
 */
export class Balancer implements Outlet {
  readonly #options: BalancerOptions;
  readonly #scanner: FrameScanner;
  readonly #workers: readonly BalancedWriter[];
  readonly #gate = new Gate();
  /** The beginning of a frame that nobody has: a copy, at most a block. */
  readonly #kept = new GrowingBytes();
  /** What nobody has room for, in order; the last may be without its end. */
  #waiting: BalancedRun[] = [];
  /** The run whose end has not come, if any: the last that waits, or the last of `#open`. */
  #begun: BalancedRun | undefined;
  /** The worker that has the beginning of a frame whose end has not come. */
  #open: BalancedWriter | undefined;
  /** Nothing is left that one that fails would give to others. */
  #isFinished = false;
  #next = 0;
  #confirming: NodeJS.Immediate | undefined;
  #firstError: XferError | undefined;
  /** Why what was written is not all. */
  #failure: XferError | undefined;

  constructor(writers: readonly PipeWriter[], options: BalancerOptions) {
    this.#options = options;
    this.#scanner = new FrameScanner(options.framing);
    this.#workers = writers.map((writer, index) => new BalancedWriter(writer, index));
    for (const worker of this.#workers)
      worker.writer.done.then(
        () => (worker.isDone = true),
        (error: unknown) => this.#fail(worker, asXferError(error)),
      );
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

  /** One that stops within a long frame holds up those that have room. */
  room(): Promise<void> {
    return this.#watched(
      this.#gate.until(() => this.hasRoom),
      () => (this.#open && this.#live.some((worker) => !worker.isFull) ? [this.#open] : []),
    );
  }

  async finish(failure?: XferError): Promise<void> {
    this.#failure = failure;
    if (!this.#scanner.isBetween) {
      if (this.#options.framing === 'len32') throw failure ?? cutShort();
      this.#endLine();
    }
    await this.#watched(this.#deliver(), () => {
      const late = this.#live.filter(
        (worker) => !worker.isDone && (this.#isFinished || worker.runs.length > 0),
      );
      return late.length < this.#live.length ? late : [];
    });
    const error = failure ?? this.#firstError;
    if (error) throw error;
  }

  reset(error: XferError): void {
    for (const worker of this.#live) {
      worker.isGone = true;
      worker.writer.reset(error);
      for (const run of worker.runs.splice(0)) run.drop();
    }
    for (const run of this.#waiting.splice(0)) run.drop();
    this.#kept.take();
    this.#open = this.#begun = undefined;
    this.#gate.check();
  }

  async #deliver(): Promise<void> {
    await this.#gate.until(
      () => this.#waiting.length === 0 && this.#live.every((worker) => worker.runs.length === 0),
    );
    this.#isFinished = true;
    for (const { writer } of this.#live) writer.finish(this.#failure);
    await Promise.allSettled(this.#workers.map(({ writer }) => writer.done));
  }

  #watched(over: Promise<void>, awaited: () => readonly BalancedWriter[]): Promise<void> {
    const { standstillMs } = this.#options;
    if (standstillMs === undefined) return over;
    return new Standstill<BalancedWriter>(standstillMs).until(over, awaited, ({ writer }) =>
      writer.reset(new XferError('ERR_XFER_TOO_SLOW', 'it took nothing of the rest')),
    );
  }

  get #live(): readonly BalancedWriter[] {
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
      this.#add(new SharedBlock(bytes.subarray(from, at + end), block), true);
      from = at + end;
    }
    if (from < bytes.length) this.#add(new SharedBlock(bytes.subarray(from), block), false);
  }

  /** Takes over the piece, which goes on the frame that has begun, or begins one. */
  #add(piece: SharedBlock, isEnd: boolean): void {
    if (this.#live.length === 0) return piece.release();
    if (!isEnd && !this.#begun && this.#kept.length + piece.bytes.length <= blockBytes) {
      this.#kept.add(piece.bytes);
      return piece.release();
    }
    const run = (this.#begun ??= this.#begin());
    run.isEnded = isEnd;
    if (this.#open) this.#write(this.#open, run, piece);
    else run.add(piece);
    if (isEnd) this.#open = this.#begun = undefined;
    this.#give();
  }

  #begin(): BalancedRun {
    const run = new BalancedRun();
    if (this.#kept.length > 0) run.add(new SharedBlock(this.#kept.take()));
    this.#waiting.push(run);
    return run;
  }

  /** A last line has no newline, and gets none unless something has to follow it. */
  #endLine(): void {
    if (this.#live.length === 0) return;
    const run = this.#begun ?? this.#begin();
    run.isEnded = run.isCutOff = true;
    if (this.#open) this.#open.isWithinLine = true;
    this.#open = this.#begun = undefined;
    this.#give();
  }

  /** Who is full, or within a frame, gets nothing: it may have stopped. */
  #give(): void {
    for (let run = this.#waiting[0]; run; run = this.#waiting[0]) {
      const worker = this.#leastLoaded();
      if (!worker) return;
      this.#waiting.shift();
      worker.begin(run);
      if (!run.isEnded) this.#open = worker;
      for (const piece of run.takePieces()) this.#write(worker, run, piece);
    }
  }

  #write(worker: BalancedWriter, run: BalancedRun, piece: SharedBlock): void {
    const hasRoom = worker.write(run, piece, () => this.#confirmSoon());
    if (hasRoom || worker.isFull) return;
    worker.isFull = true;
    void worker.writer.drained().then(() => {
      worker.isFull = false;
      this.#give();
      this.#gate.check();
    });
  }

  /** Those that hold the same share take turns. */
  #leastLoaded(): BalancedWriter | undefined {
    let best: BalancedWriter | undefined;
    for (let i = 0; i < this.#workers.length; i++) {
      const worker = this.#workers[(this.#next + i) % this.#workers.length];
      if (!worker || worker.isGone || worker.isFull || worker === this.#open) continue;
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

  #fail(worker: BalancedWriter, error: XferError): void {
    if (worker.isGone) return;
    worker.isGone = true;
    // Before it has said that, it has taken all.
    if (error === this.#failure) return;
    this.#firstError ??= error;
    this.#takeBack(worker);
    this.#options.onDropped?.(worker.index, error);
    if (this.#live.length === 0) {
      this.reset(error);
      this.#options.onGone(this.#firstError);
      return;
    }
    this.#give();
    this.#gate.check();
  }

  /** A run whose end has not come is of the open frame, and stays the last: whoever gets it goes on with that frame. */
  #takeBack(worker: BalancedWriter): void {
    const runs = worker.runs.splice(0).map((run) => run.again());
    if (this.#open === worker) {
      this.#open = undefined;
      this.#begun = runs.pop();
      if (this.#begun) this.#waiting.push(this.#begun);
    }
    this.#waiting.unshift(...runs);
  }
}
