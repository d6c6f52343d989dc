import { asXferError, XferError } from '../errors/index.js';
import { resetCode, type Stream } from '../transport/contract.js';
import { StreamReadError, StreamReader, type ReadSide } from '../transport/stream-reader.js';
import { BranchSet, type BranchEnd } from './branch-set.js';
import { CreditGate } from './credit-gate.js';
import type { Forwarding, ForwardingHandlers } from './piped-stream.js';
import { Store, type StoreOptions } from './store.js';

export interface StoredOptions extends Pick<StoreOptions, 'framing' | 'budget' | 'limits'> {
  /** Whether the stream is answered on all of its way. */
  isAnswered(): boolean;
}

/**
 * As PipedStream, for a relay that does not pipe: each record or message goes on when all of it is there. Its sender
 * gets credit as it is stored, so a record may be longer than a window.
 */
export class StoredStream implements Forwarding {
  readonly #from: Stream;
  readonly #handlers: ForwardingHandlers;
  readonly #branches: BranchSet;
  readonly #credit: CreditGate;
  readonly #reader: StreamReader;
  readonly #store: Store;
  #isOver = false;

  constructor(
    from: Stream,
    branches: readonly Stream[],
    handlers: ForwardingHandlers,
    options: StoredOptions,
  ) {
    this.#from = from;
    this.#handlers = handlers;
    this.#branches = new BranchSet(branches, (branch, end) => this.#handleBranchEnd(branch, end));
    const credit = (this.#credit = new CreditGate(from));
    const gated = { ...readSide(from), credit: (bytes: number) => credit.give(bytes) };
    this.#reader = new StreamReader(gated, { onFailure: (error) => this.#handleFailure(error) });
    this.#store = new Store({
      ...options,
      reader: this.#reader,
      isFlowing: () => options.isAnswered() && !credit.isHeld,
      deliver: (unit, release) => this.#deliver(unit, release),
    });
    // Both directions were reset by this side.
    void from.closed.then(() => this.#reader.hasEnded || this.#cancel());
    this.#store.run().then(
      () => this.#handleEnd(),
      (error: unknown) => this.#handleError(error),
    );
  }

  get bufferedBytes(): number {
    return this.#reader.bufferedBytes + this.#store.heldBytes;
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

  #deliver(unit: readonly Uint8Array[], release: () => void): void {
    if (this.#isOver) return release();
    for (const part of unit) this.#handlers.onBytes?.(part);
    this.#branches.send(unit, () => {
      for (const part of unit) this.#handlers.onTaken?.(part);
      release();
    });
  }

  #handleEnd(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#branches.closeWrite();
    this.#branches.close();
    this.#handlers.onEnd?.();
  }

  /** A reset overtakes what is stored. */
  #handleFailure({ reason, code, detail }: StreamReadError): void {
    const wasOver = this.#isOver;
    this.#cancel();
    if (!wasOver && reason !== 'not found') this.#handlers.onReset?.(code, detail, reason === 'lost');
  }

  #handleError(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const isSilent = error instanceof StreamReadError && error.reason === 'inactivity';
    this.#handlers.onFailure?.(isSilent ? silent() : asXferError(error));
    // Behind the resets, for a stop that goes before one says less.
    this.#cancel();
  }

  #handleBranchEnd(branch: Stream, end: BranchEnd): void {
    if (this.#branches.size === 0 && !this.#isOver) {
      this.#from.stopReading(end.kind === 'cancelled' ? resetCode.cancelled : end.code);
      this.#cancel();
    }
    this.#handlers.onBranchEnd?.(branch, end);
  }

  #cancel(): void {
    this.#isOver = true;
    this.#branches.close();
    this.#store.cancel();
  }
}

function readSide(stream: Stream): ReadSide {
  return {
    opened: stream.opened,
    onData: (handler) => stream.onData(handler),
    onEnd: (handler) => stream.onEnd(handler),
    onReset: (handler) => stream.onReset(handler),
    holdCredit: () => stream.holdCredit(),
    credit: (bytes) => stream.credit(bytes),
    stopReading: (code) => stream.stopReading(code),
  };
}

const silent = () => new XferError('ERR_XFER_TIMEOUT', 'the rest of a record did not come in time');
