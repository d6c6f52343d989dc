import { resetCode, type Stream } from '../transport/contract.js';
import type { Block, BlockPool } from './block-pool.js';
import { StalledBranches } from './stalled-branches.js';

/** Below this a piece is copied by itself, so that it keeps no block from being used again. */
const leastBlockPiece = 16 * 1024;
/** What is left of a block below this is not worth reading into. */
const leastPlace = 32 * 1024;

export interface PipedHandlers {
  /** Bytes have arrived, before they are sent on. */
  onBytes?(count: number): void;
  /** A branch is gone: it was reset, it stopped reading, or it was cancelled. */
  onBranchEnd?(branch: Stream, end: BranchEnd): void;
  /** The incoming stream was reset. */
  onReset?(code: number, detail: Uint8Array, isConnectionOver: boolean): void;
  /** The end of the incoming stream has been passed on. */
  onEnd?(): void;
}

export type BranchEnd =
  | {
      readonly kind: 'reset';
      readonly code: number;
      readonly detail: Uint8Array;
      readonly isConnectionOver: boolean;
    }
  | { readonly kind: 'stop'; readonly code: number }
  | { readonly kind: 'cancelled' };

/**
 * One direction of a pipe (DESIGN §8): what comes in on a stream goes out on one or several others as it arrives.
 * Credit goes back when all of them have taken the bytes, so at most one window is held here. An end follows the data,
 * a reset overtakes it, a stop goes back once nobody reads any more. Each branch ends for itself.
 */
export class PipedStream {
  readonly #from: Stream;
  readonly #pool: BlockPool;
  readonly #handlers: PipedHandlers;
  readonly #branches = new Set<Stream>();
  #block: Block | undefined;
  /** The transport may still read into the block: until then nobody else may have it. */
  #isLent = false;
  #bufferedBytes = 0;
  #hasEnded = false;
  #isHeld = false;
  /** What there would be credit for, were it not held. */
  #owed = 0;
  #isOver = false;
  #stalls: StalledBranches | undefined;

  constructor(from: Stream, branches: readonly Stream[], pool: BlockPool, handlers: PipedHandlers = {}) {
    this.#from = from;
    this.#pool = pool;
    this.#handlers = handlers;
    for (const branch of branches) this.#add(branch);
    from.holdCredit();
    from.onReset((code, detail, isConnectionOver) => {
      this.#finish();
      handlers.onReset?.(code, detail, isConnectionOver);
    });
    from.onEnd(() => this.#handleEnd());
    from.onData(
      (bytes) => this.#handleData(bytes),
      () => this.#place(),
    );
  }

  /** Held here: arrived, and not yet taken by all branches. */
  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  /** Streams that still get what comes. */
  get branches(): ReadonlySet<Stream> {
    return this.#branches;
  }

  /** While it is held, the sender gets no credit. */
  hold(isHeld: boolean): void {
    this.#isHeld = isHeld;
    if (isHeld) return;
    const owed = this.#owed;
    this.#owed = 0;
    this.#credit(owed);
  }

  /** From now on a branch that takes nothing for so long, while another waits for more or gets on, is reset. */
  dropStalled(patienceMs: number): void {
    this.#stalls = new StalledBranches(patienceMs, (branch) => this.cancel(branch, resetCode.timeout));
  }

  /** Resets one branch; the others go on. */
  cancel(branch: Stream, code: number, detail?: Uint8Array): void {
    if (!this.#branches.has(branch)) return;
    branch.reset(code, detail);
    this.#leave(branch, { kind: 'cancelled' });
  }

  #add(branch: Stream): void {
    this.#branches.add(branch);
    branch.onStop((code) => this.#leave(branch, { kind: 'stop', code }));
  }

  /** For whoever listens to the branch's own resets, of which a stream tells one handler only. */
  handleBranchReset(branch: Stream, code: number, detail: Uint8Array, isConnectionOver: boolean): void {
    this.#leave(branch, { kind: 'reset', code, detail, isConnectionOver });
  }

  #leave(branch: Stream, end: BranchEnd): void {
    if (!this.#branches.delete(branch)) return;
    this.#stalls?.forget(branch);
    if (this.#branches.size === 0) this.#stalls?.close();
    if (this.#branches.size === 0 && !this.#isOver && !this.#hasEnded)
      this.#from.stopReading(end.kind === 'cancelled' ? resetCode.cancelled : end.code);
    this.#handlers.onBranchEnd?.(branch, end);
  }

  #handleData(bytes: Uint8Array): void {
    const { size } = this.#branches;
    this.#isLent = false;
    this.#handlers.onBytes?.(bytes.length);
    // Nobody reads any more; the sender hears of it.
    if (size === 0 || this.#isOver) return this.#credit(bytes.length);
    const piece = this.#keep(bytes);
    this.#bufferedBytes += bytes.length;
    let waiting = size;
    const release = () => {
      if (--waiting > 0) return;
      this.#bufferedBytes -= bytes.length;
      if (piece.block) this.#pool.release(piece.block);
      this.#credit(bytes.length);
    };
    for (const branch of [...this.#branches])
      branch.send(piece.bytes, this.#stalls?.watch(branch, bytes.length, release) ?? release);
  }

  #credit(bytes: number): void {
    if (this.#isOver || bytes === 0) return;
    if (this.#isHeld) this.#owed += bytes;
    else this.#from.credit(bytes);
  }

  /** The bytes in memory that is ours: where they were read, or a copy. */
  #keep(bytes: Uint8Array): { bytes: Uint8Array; block?: Block } {
    const block = this.#block;
    if (block && bytes.buffer === block.bytes.buffer && bytes.byteOffset === block.used) {
      block.used += bytes.length;
      block.holders++;
      if (block.bytes.length - block.used < leastPlace) this.#dropBlock();
      return { bytes, block };
    }
    if (bytes.length < leastBlockPiece) return { bytes: Uint8Array.from(bytes) };
    const own = this.#roomFor(bytes.length);
    if (!own) return { bytes: Uint8Array.from(bytes) };
    const at = own.used;
    own.bytes.set(bytes, at);
    own.used += bytes.length;
    own.holders++;
    return { bytes: own.bytes.subarray(at, own.used), block: own };
  }

  /** Where the next bytes may be read to. */
  #place(): Uint8Array | undefined {
    if (this.#isOver || this.#branches.size === 0) return undefined;
    const block = this.#roomFor(leastPlace);
    this.#isLent = block !== undefined;
    return block?.bytes.subarray(block.used);
  }

  #roomFor(bytes: number): Block | undefined {
    if (this.#block && this.#block.bytes.length - this.#block.used < bytes) this.#dropBlock();
    this.#block ??= this.#pool.take();
    return this.#block.bytes.length - this.#block.used < bytes ? undefined : this.#block;
  }

  #dropBlock(): void {
    if (this.#block && !this.#isLent) this.#pool.release(this.#block);
    this.#isLent = false;
    this.#block = undefined;
  }

  #handleEnd(): void {
    this.#hasEnded = true;
    for (const branch of this.#branches) branch.closeWrite();
    this.#finish();
    this.#handlers.onEnd?.();
  }

  #finish(): void {
    this.#isOver = true;
    this.#stalls?.close();
    this.#dropBlock();
  }
}
