import type { Socket } from 'node:net';
import { networkError, XferError } from '../errors/index.js';
import type { ByteSink } from './endpoint.js';
import { resetSocket } from './moved-socket.js';

interface Settling {
  resolve(): void;
  reject(error: XferError): void;
}

/** Writes of a socket: each settles when the system has all of it. */
export class SocketSink implements ByteSink {
  readonly kind = 'bytes';
  readonly #socket: Socket;
  readonly #label: string;
  #settling: Settling | undefined;
  #isEnding = false;
  #failure: XferError | undefined;
  #onBroken: ((error: XferError) => void) | undefined;

  constructor(socket: Socket, label: string) {
    this.#socket = socket;
    this.#label = label;
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(undefined));
  }

  /** All was written, and the other side has been told so. */
  get hasEnded(): boolean {
    return this.#isEnding && this.#socket.writableFinished;
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#call((done) => this.#socket.write(bytes, done));
  }

  end(): Promise<void> {
    this.#isEnding = true;
    return this.#call((done) => this.#socket.end(done));
  }

  abort(error: XferError): void {
    this.forsake(error);
    resetSocket(this.#socket);
  }

  /** Nothing more will be written, for a reason of this side: nobody need be told. */
  forsake(error: XferError): void {
    this.#failure ??= error;
    this.#onBroken = undefined;
  }

  onBroken(handler: (error: XferError) => void): void {
    this.#onBroken = handler;
    if (this.#failure) this.#tellBroken(this.#failure);
  }

  /** Nobody reads what is written, by what is known from elsewhere. */
  broken(): void {
    this.#fail(undefined);
  }

  #call(begin: (done: (error?: Error | null) => void) => void): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#settling = { resolve, reject };
      begin((error) => {
        // Of a write that was under way a socket that is closed says that it went well.
        if (error) this.#fail(error);
        else if (this.#socket.destroyed) this.#fail(undefined);
        else this.#settle();
      });
    });
  }

  #settle(): void {
    const settling = this.#settling;
    this.#settling = undefined;
    settling?.resolve();
  }

  #fail(cause: Error | undefined): void {
    const isLate = this.#isEnding && !this.#settling;
    this.#failure ??= brokenBy(cause, this.#label);
    const settling = this.#settling;
    this.#settling = undefined;
    if (settling) settling.reject(this.#failure);
    else if (!isLate) this.#tellBroken(this.#failure);
  }

  #tellBroken(error: XferError): void {
    const handler = this.#onBroken;
    this.#onBroken = undefined;
    handler?.(error);
  }
}

/** As a write fails: whose reader has closed all gets RST for it, or EPIPE. */
function brokenBy(cause: Error | undefined, label: string): XferError {
  const errno = cause === undefined ? 'EPIPE' : ((cause as NodeJS.ErrnoException).code ?? '');
  if (!brokenErrnos.has(errno)) return networkError(cause, label);
  return new XferError(
    'ERR_XFER_BROKEN_PIPE',
    `${label}: nobody reads any more`,
    cause === undefined ? {} : { cause },
  );
}

/** Those of a socket that is closed already are Node's own. */
const brokenErrnos = new Set(['EPIPE', 'ECONNRESET', 'ENOTCONN', 'ERR_STREAM_DESTROYED', 'ECANCELED']);
