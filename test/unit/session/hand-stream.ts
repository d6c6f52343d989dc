import type {
  Connection,
  ResetHandler,
  Retain,
  Stream,
  TransportMemory,
} from '../../../src/transport/contract.js';
import { Lender } from '../../support/lender.js';

/** What a stream was given to send. */
export interface Sent {
  /** As it was when it was given. */
  readonly bytes: Uint8Array;
  /** The memory itself: nobody may change it until `release`. */
  readonly memory: Uint8Array;
  release(): void;
}

const nothing = (): void => undefined;

/** A stream of which the test is the transport: nothing moves, is released or arrives by itself. */
export class HandStream implements Stream {
  readonly id = 1;
  readonly opened = Promise.resolve(new Uint8Array());
  readonly connection: Connection;
  readonly closed = Promise.resolve();
  /** Not yet taken by `take`. */
  sent: Sent[] = [];
  isFull = false;
  hasEnded = false;
  /** Resolves with our FIN. */
  readonly ended: Promise<void>;
  resetWith: number | undefined;
  #drain: () => void = nothing;
  #tellEnded: () => void = nothing;
  /** Of what arrived. */
  readonly lender: Lender;
  #data: (bytes: Uint8Array, retain?: Retain) => void = nothing;
  #end: () => void = nothing;
  #reset: ResetHandler = nothing;
  #stop: (code: number) => void = nothing;

  /** So many pieces that arrive may be kept at once. */
  constructor({ memory, mostKept = 0 }: { memory?: TransportMemory; mostKept?: number } = {}) {
    this.connection = { memory } as unknown as Connection;
    this.lender = new Lender(mostKept);
    this.ended = new Promise((resolve) => (this.#tellEnded = resolve));
  }

  accept = nothing;
  refuse: (code: number) => void = nothing;
  pause = nothing;
  holdCredit = nothing;
  credit = nothing;
  resume = nothing;
  stopReading = nothing;

  send(bytes: Uint8Array | readonly Uint8Array[], release: () => void = nothing): boolean {
    if (this.hasEnded) throw new Error('a lane sent behind its end');
    const memory = bytes instanceof Uint8Array ? bytes : Buffer.concat(bytes);
    this.sent.push({ bytes: Uint8Array.from(memory), memory, release });
    return !this.isFull;
  }

  drained(): Promise<void> {
    return new Promise((resolve) => (this.#drain = resolve));
  }

  /** The transport has room again. */
  drain(): void {
    this.isFull = false;
    this.#drain();
  }

  closeWrite(): void {
    this.hasEnded = true;
    this.#tellEnded();
  }

  reset(code: number): void {
    this.resetWith = code;
  }

  onData(handler: (bytes: Uint8Array, retain?: Retain) => void): void {
    this.#data = handler;
  }

  onEnd(handler: () => void): void {
    this.#end = handler;
  }

  onReset(handler: ResetHandler): void {
    this.#reset = handler;
  }

  onStop(handler: (code: number) => void): void {
    this.#stop = handler;
  }

  /** The records that were sent since the last call; their memory is released. */
  take(): Uint8Array[] {
    return this.sent.splice(0).map(({ bytes, release }) => {
      release();
      return bytes;
    });
  }

  /** The same bytes live only until the handler returns, or it lets go of them, as the contract has it. */
  deliver(...pieces: readonly Uint8Array[]): void {
    for (const piece of pieces)
      this.lender.lend(Buffer.from(piece), (bytes, retain) => this.#data(bytes, retain));
  }

  deliverFin(): void {
    this.#end();
  }

  deliverReset(code: number): void {
    this.#reset(code, new Uint8Array(), false);
  }

  deliverStop(code: number): void {
    this.#stop(code);
  }
}
