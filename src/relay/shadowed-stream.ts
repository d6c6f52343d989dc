import { createHash, type Hash } from 'node:crypto';
import { asXferError } from '../errors/index.js';
import type { Stream } from '../transport/contract.js';
import { StreamReader, type ReadSide } from '../transport/stream-reader.js';
import type { BlockPool } from './block-pool.js';
import type { ShadowDrop } from './observer.js';
import { PipedStream, type Forwarding, type ForwardingHandlers } from './piped-stream.js';
import { Store, type StoreOptions } from './store.js';

export interface ShadowOptions extends Pick<StoreOptions, 'framing' | 'budget'> {
  readonly limits: StoreOptions['limits'];
  /** The direction has ended, and this is whether both ways delivered the same. */
  onCompared(isSame: boolean): void;
  /** The shadow was given up; the pipe goes on. */
  onDropped(reason: ShadowDrop): void;
  /** Called with what a way is about to deliver, to be delivered in its place: for tests. Default: it stays as it is. */
  tamper?(way: 'piped' | 'stored', bytes: Uint8Array): Uint8Array;
}

/**
 * A pipe beside which the same bytes are stored and put together as a relay without pipes would, and go nowhere: at
 * the end the digests of what both delivered are compared. Nothing that happens to the shadow reaches the pipe.
 */
export class ShadowedStream implements Forwarding {
  readonly #pipe: PipedStream;
  readonly #shadow: Shadow;

  constructor(
    from: Stream,
    branches: readonly Stream[],
    pool: BlockPool,
    handlers: ForwardingHandlers,
    options: ShadowOptions,
  ) {
    const shadow = (this.#shadow = new Shadow(options));
    const over = {
      onBytes: (bytes: Uint8Array) => {
        handlers.onBytes?.(bytes);
        shadow.handleBytes(bytes);
      },
      onTaken: (bytes: Uint8Array) => {
        handlers.onTaken?.(bytes);
        shadow.handleTaken(bytes);
      },
      onBranchEnd: (...end: Parameters<NonNullable<ForwardingHandlers['onBranchEnd']>>) => {
        shadow.leave();
        handlers.onBranchEnd?.(...end);
      },
      onReset: (...reset: Parameters<NonNullable<ForwardingHandlers['onReset']>>) => {
        shadow.leave();
        handlers.onReset?.(...reset);
      },
      onEnd: () => {
        shadow.handleEnd();
        handlers.onEnd?.();
      },
    };
    this.#pipe = new PipedStream(from, branches, pool, { ...handlers, ...over });
    // Both directions were reset by this side.
    void from.closed.then(() => shadow.handleClosed());
  }

  get bufferedBytes(): number {
    return this.#pipe.bufferedBytes + this.#shadow.heldBytes;
  }

  get branches(): ReadonlySet<Stream> {
    return this.#pipe.branches;
  }

  hold(isHeld: boolean): void {
    this.#pipe.hold(isHeld);
  }

  dropStalled(patienceMs: number): void {
    this.#pipe.dropStalled(patienceMs);
  }

  cancel(branch: Stream, code: number, detail?: Uint8Array): void {
    this.#pipe.cancel(branch, code, detail);
  }

  handleBranchReset(branch: Stream, code: number, detail: Uint8Array, isConnectionOver: boolean): void {
    this.#pipe.handleBranchReset(branch, code, detail, isConnectionOver);
  }
}

/** What is stored beside a pipe, and the digests of both ways. Never throws. */
class Shadow {
  readonly #options: ShadowOptions;
  readonly #source = new Source();
  readonly #reader: StreamReader;
  readonly #store: Store;
  readonly #piped: Hash = createHash('sha256');
  readonly #stored: Hash = createHash('sha256');
  /** Come, and not taken by the next hop. */
  #waitingBytes = 0;
  #hasEnded = false;
  #isStored = false;
  #isOver = false;

  constructor(options: ShadowOptions) {
    this.#options = options;
    this.#reader = new StreamReader(this.#source);
    this.#store = new Store({
      ...options,
      reader: this.#reader,
      isFlowing: () => true,
      deliver: (unit, release) => {
        for (const part of unit) this.#stored.update(this.#tampered('stored', part));
        release();
      },
    });
    this.#store.run().then(
      () => {
        this.#isStored = true;
        this.#compare();
      },
      (error: unknown) => this.#drop(dropReasons[asXferError(error).code] ?? 'failed'),
    );
  }

  get heldBytes(): number {
    return this.#reader.bufferedBytes + this.#store.heldBytes;
  }

  handleBytes(bytes: Uint8Array): void {
    this.#waitingBytes += bytes.length;
    if (!this.#isOver) this.#guarded(() => this.#source.push(bytes));
  }

  handleTaken(bytes: Uint8Array): void {
    this.#waitingBytes -= bytes.length;
    if (this.#isOver) return;
    this.#guarded(() => this.#piped.update(this.#tampered('piped', bytes)));
    this.#compare();
  }

  handleEnd(): void {
    this.#hasEnded = true;
    this.#source.end();
    this.#compare();
  }

  handleClosed(): void {
    if (!this.#hasEnded) this.leave();
  }

  /** The direction did not come to its end: there is nothing to compare. */
  leave(): void {
    this.#isOver = true;
    this.#store.cancel();
  }

  #compare(): void {
    if (this.#isOver || !this.#hasEnded || !this.#isStored || this.#waitingBytes > 0) return;
    this.#isOver = true;
    this.#guarded(() => this.#options.onCompared(this.#piped.digest().equals(this.#stored.digest())));
  }

  #tampered(way: 'piped' | 'stored', bytes: Uint8Array): Uint8Array {
    return this.#options.tamper?.(way, bytes) ?? bytes;
  }

  #guarded(work: () => void): void {
    try {
      work();
    } catch {
      this.#drop('failed');
    }
  }

  #drop(reason: ShadowDrop): void {
    if (this.#isOver) return;
    this.leave();
    this.#options.onDropped(reason);
  }
}

const dropReasons: Readonly<Record<string, ShadowDrop>> = {
  ERR_XFER_STORE_LIMIT: 'store-limit',
  ERR_XFER_LIMIT: 'memory',
};

/** Gives what a pipe gets to a reader. */
class Source implements ReadSide {
  readonly opened = Promise.resolve(new Uint8Array());
  #onData: ((bytes: Uint8Array) => void) | undefined;
  #onEnd: (() => void) | undefined;

  push(bytes: Uint8Array): void {
    this.#onData?.(bytes);
  }

  end(): void {
    this.#onEnd?.();
  }

  onData(handler: (bytes: Uint8Array) => void): void {
    this.#onData = handler;
  }

  onEnd(handler: () => void): void {
    this.#onEnd = handler;
  }

  onReset(): void {
    // The pipe hears of it.
  }

  holdCredit(): void {
    // The pipe gives the credit.
  }

  credit(): void {
    // As above.
  }

  stopReading(): void {
    // It is the pipe's to read.
  }
}
