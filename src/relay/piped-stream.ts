import type { XferError } from '../errors/index.js';
import { resetCode, type Stream } from '../transport/contract.js';
import type { Block, BlockPool } from './block-pool.js';
import { BranchSet, type BranchEnd } from './branch-set.js';
import { CreditGate } from './credit-gate.js';

/** Below this a piece is copied by itself, so that it keeps no block from being used again. */
const leastBlockPiece = 16 * 1024;
/** What is left of a block below this is not worth reading into. */
const leastPlace = 32 * 1024;

export type { BranchEnd };

/** One direction of a forwarded stream. */
export interface Forwarding {
  /** Held here: arrived, and not yet taken by all branches. */
  readonly bufferedBytes: number;
  /** Streams that still get what comes. */
  readonly branches: ReadonlySet<Stream>;
  /** While it is held, the sender gets no credit. */
  hold(isHeld: boolean): void;
  /** From now on a branch that takes nothing for so long, while another waits for more or gets on, is reset. */
  dropStalled(patienceMs: number): void;
  /** Resets one branch; the others go on. */
  cancel(branch: Stream, code: number, detail?: Uint8Array): void;
  /** For whoever listens to the branch's own resets, of which a stream tells one handler only. */
  handleBranchReset(branch: Stream, code: number, detail: Uint8Array, isConnectionOver: boolean): void;
}

export interface ForwardingHandlers {
  /** Bytes have arrived, before they are sent on. */
  onBytes?(bytes: Uint8Array): void;
  /** All branches that were there have taken these, or are gone. They live until the handler returns. */
  onTaken?(bytes: Uint8Array): void;
  /** A branch is gone: it was reset, it stopped reading, or it was cancelled. */
  onBranchEnd?(branch: Stream, end: BranchEnd): void;
  /** The incoming stream was reset. */
  onReset?(code: number, detail: Uint8Array, isConnectionOver: boolean): void;
  /** It cannot be forwarded any more: to be reset on both sides. */
  onFailure?(error: XferError): void;
  /** The end of the incoming stream has been passed on. */
  onEnd?(): void;
}

/**
 * One direction of a pipe (DESIGN §8): what comes in on a stream goes out on one or several others as it arrives.
 * Credit goes back when all of them have taken the bytes, so at most one window is held here. An end follows the data,
 * a reset overtakes it, a stop goes back once nobody reads any more. Each branch ends for itself.
 */
export class PipedStream implements Forwarding {
  readonly #from: Stream;
  readonly #pool: BlockPool;
  readonly #handlers: ForwardingHandlers;
  readonly #branches: BranchSet;
  readonly #credit: CreditGate;
  #block: Block | undefined;
  /** The transport may still read into the block: until then nobody else may have it. */
  #isLent = false;
  #bufferedBytes = 0;
  #hasEnded = false;
  #isOver = false;

  constructor(from: Stream, branches: readonly Stream[], pool: BlockPool, handlers: ForwardingHandlers = {}) {
    this.#from = from;
    this.#credit = new CreditGate(from);
    this.#pool = pool;
    this.#handlers = handlers;
    this.#branches = new BranchSet(branches, (branch, end) => this.#handleBranchEnd(branch, end));
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

  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  get branches(): ReadonlySet<Stream> {
    return this.#branches.streams;
  }

  hold(isHeld: boolean): void {
    this.#credit.hold(isHeld);
  }

  dropStalled(patienceMs: number): void {
    this.#branches.dropStalled(patienceMs);
  }

  cancel(branch: Stream, code: number, detail?: Uint8Array): void {
    this.#branches.cancel(branch, code, detail);
  }

  handleBranchReset(branch: Stream, code: number, detail: Uint8Array, isConnectionOver: boolean): void {
    this.#branches.leave(branch, { kind: 'reset', code, detail, isConnectionOver });
  }

  #handleBranchEnd(branch: Stream, end: BranchEnd): void {
    if (this.#branches.size === 0 && !this.#isOver && !this.#hasEnded)
      this.#from.stopReading(end.kind === 'cancelled' ? resetCode.cancelled : end.code);
    this.#handlers.onBranchEnd?.(branch, end);
  }

  #handleData(bytes: Uint8Array): void {
    this.#isLent = false;
    this.#handlers.onBytes?.(bytes);
    // Nobody reads any more; the sender hears of it.
    if (this.#branches.size === 0 || this.#isOver) return this.#credit.give(bytes.length);
    const piece = this.#keep(bytes);
    this.#bufferedBytes += bytes.length;
    this.#branches.send(piece.bytes, () => {
      this.#bufferedBytes -= piece.bytes.length;
      this.#handlers.onTaken?.(piece.bytes);
      if (piece.block) this.#pool.release(piece.block);
      if (!this.#isOver) this.#credit.give(piece.bytes.length);
    });
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
    this.#branches.closeWrite();
    this.#finish();
    this.#handlers.onEnd?.();
  }

  #finish(): void {
    this.#isOver = true;
    this.#branches.close();
    this.#dropBlock();
  }
}
