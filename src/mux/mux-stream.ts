import { XferError } from '../errors/index.js';
import {
  maxDetailBytes,
  OpenRefused,
  resetCode,
  type Connection,
  type ResetHandler,
  type Retain,
  type Stream,
} from '../transport/contract.js';
import { noDetail, type CoreStream, type StreamEvents } from './core-stream.js';
import type { MuxCore } from './core.js';

const nothing = (): void => undefined;

/** A stream of the contract: joins a stream of the core to the handlers and promises of its user. */
export class MuxStream implements Stream, StreamEvents {
  readonly id: number;
  readonly connection: Connection;
  readonly opened: Promise<Uint8Array>;
  readonly #core: MuxCore;
  readonly #stream: CoreStream;
  #settleOpened: { resolve: (answer: Uint8Array) => void; reject: (error: Error) => void } = {
    resolve: nothing,
    reject: nothing,
  };
  #drained: Promise<void> | undefined;
  #resolveDrained: () => void = nothing;
  #onData: ((bytes: Uint8Array, retain?: Retain) => void) | undefined;
  #place: (() => Uint8Array | undefined) | undefined;
  #onEnd: (() => void) | undefined;
  #onReset: ResetHandler | undefined;
  #onStop: ((code: number) => void) | undefined;
  #paused = false;
  #ended = false;
  #resetBy: Parameters<ResetHandler> | undefined;
  #closed: Promise<void> | undefined;
  #resolveClosed: () => void = nothing;
  #stoppedBy: number | undefined;

  constructor(connection: Connection, core: MuxCore, stream: CoreStream) {
    this.id = stream.id;
    this.connection = connection;
    this.#core = core;
    this.#stream = stream;
    this.opened = new Promise((resolve, reject) => {
      this.#settleOpened = { resolve, reject };
    });
    this.opened.catch(nothing);
    stream.events = this;
  }

  accept(answer = noDetail): void {
    this.#core.accept(this.#stream, checked(answer));
    this.#settleOpened.resolve(answer);
  }

  refuse(code: number, detail = noDetail): void {
    this.#core.refuse(this.#stream, code, checked(detail));
    this.#settleOpened.reject(new OpenRefused(code));
    this.#letGo();
  }

  send(bytes: Uint8Array | readonly Uint8Array[], release?: () => void): boolean {
    return this.#core.send(this.#stream, bytes, release);
  }

  drained(): Promise<void> {
    if (!this.#stream.full || this.#stream.phase === 'closed') return Promise.resolve();
    this.#drained ??= new Promise((resolve) => {
      this.#resolveDrained = resolve;
    });
    return this.#drained;
  }

  closeWrite(): void {
    this.#core.closeWrite(this.#stream);
  }

  onData(handler: (bytes: Uint8Array, retain?: Retain) => void, place?: () => Uint8Array | undefined): void {
    this.#onData = handler;
    this.#place = place;
    // What is held is given out later, so that the caller can finish setting its handlers.
    if (this.#stream.held.bytes === 0) this.#setReading();
    else queueMicrotask(() => this.#setReading());
  }

  onEnd(handler: () => void): void {
    this.#onEnd = handler;
    if (this.#ended) queueMicrotask(() => this.#callEnd());
  }

  onReset(handler: ResetHandler): void {
    this.#onReset = handler;
    if (this.#resetBy !== undefined) queueMicrotask(() => this.#callReset());
  }

  onStop(handler: (code: number) => void): void {
    this.#onStop = handler;
    if (this.#stoppedBy !== undefined) queueMicrotask(() => this.#callStop());
  }

  holdCredit(): void {
    this.#stream.creditHeld = true;
  }

  credit(bytes: number): void {
    this.#core.credit(this.#stream, bytes);
  }

  get closed(): Promise<void> {
    this.#closed ??= new Promise((resolve) => {
      if (this.#stream.phase === 'closed') resolve();
      else this.#resolveClosed = resolve;
    });
    return this.#closed;
  }

  pause(): void {
    this.#paused = true;
    this.#setReading();
  }

  resume(): void {
    this.#paused = false;
    this.#setReading();
  }

  stopReading(code: number): void {
    this.#core.stopReading(this.#stream, code);
  }

  reset(code: number, detail = noDetail): void {
    if (this.#stream.phase === 'closed') return;
    this.#core.reset(this.#stream, code, checked(detail));
    this.#settleOpened.reject(new XferError('ERR_XFER_INTERRUPTED', 'the stream was reset by this side'));
    this.#letGo();
  }

  /** For the core: its events. */
  handleOpened(answer: Uint8Array): void {
    this.#settleOpened.resolve(answer);
  }

  handleRefused(code: number, detail: Uint8Array): void {
    this.#settleOpened.reject(new OpenRefused(code, detail));
    this.#letGo();
  }

  handleData(bytes: Uint8Array, retain?: Retain): void {
    this.#guard(() => this.#onData?.(bytes, retain));
  }

  place(): Uint8Array | undefined {
    return this.#place?.();
  }

  handleEnd(): void {
    this.#ended = true;
    this.#callEnd();
  }

  handleReset(code: number, detail: Uint8Array, isConnectionOver: boolean): void {
    this.#settleOpened.reject(
      new XferError('ERR_XFER_CONNECTION_LOST', `the stream was reset (code ${code})`),
    );
    this.#letGo();
    this.#resetBy = [code, detail, isConnectionOver];
    this.#callReset();
  }

  handleStop(code: number): void {
    this.handleDrained();
    this.#stoppedBy = code;
    this.#callStop();
  }

  handleDrained(): void {
    this.#resolveDrained();
    this.#drained = undefined;
    this.#resolveDrained = nothing;
  }

  handleClosed(): void {
    this.#resolveClosed();
  }

  #setReading(): void {
    this.#core.setReading(this.#stream, this.#onData !== undefined, this.#paused);
  }

  /** It can send no more: whoever waits goes on. */
  #letGo(): void {
    this.handleDrained();
  }

  #callEnd(): void {
    const handler = this.#onEnd;
    if (!handler) return;
    this.#ended = false;
    this.#guard(handler);
  }

  #callReset(): void {
    const handler = this.#onReset;
    const by = this.#resetBy;
    if (!handler || by === undefined) return;
    this.#resetBy = undefined;
    this.#guard(() => handler(...by));
  }

  #callStop(): void {
    const handler = this.#onStop;
    const by = this.#stoppedBy;
    if (!handler || by === undefined) return;
    this.#stoppedBy = undefined;
    this.#guard(() => handler(by));
  }

  /** A handler that throws ends its own stream, never the link; the error is reported as uncaught, from outside. */
  #guard(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.reset(resetCode.internal);
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}

function checked(detail: Uint8Array): Uint8Array {
  if (detail.length <= maxDetailBytes) return detail;
  throw new XferError('ERR_XFER_USAGE', `${detail.length} bytes of detail are too many`);
}
