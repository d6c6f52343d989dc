import { networkError, XferError } from 'xfer/plugin';
import type { Socket } from 'node:net';
import {
  bootstrapLength,
  decodeBootstrap,
  encodeBootstrap,
  maxBootstrapBytes,
  type BootstrapMessage,
} from './bootstrap-message.js';
import { violation } from './message-head.js';

/** What is told of the exchange once there is a connection. */
export interface ChannelUser {
  /** The other side has got everything, and has nothing more to say. */
  handleFinished(): void;
  /** The other process is gone, or broke the rules. Called once, last. */
  handleGone(error: XferError): void;
}

/** The exchange over TCP before two ends meet on the fabric; then it tells whether the other process is there. */
export class BootstrapChannel {
  readonly #socket: Socket;
  readonly #name: string;
  #read: Buffer = Buffer.alloc(0);
  #message: BootstrapMessage | undefined;
  #gone: XferError | undefined;
  #waiting: { resolve(message: BootstrapMessage): void; reject(error: XferError): void } | undefined;
  #user: ChannelUser | undefined;
  #isOver = false;

  /** `socket` is connected and has not read yet; `name` is the other side, for messages. */
  constructor(socket: Socket, name: string) {
    this.#socket = socket;
    this.#name = name;
    socket.setNoDelay(true);
    socket.on('data', (bytes: Buffer) => this.#handleData(bytes));
    socket.on('error', (error) => this.#lose(networkError(error, name)));
    socket.on('end', () => this.#lose(this.#lost('the other process is gone')));
    socket.on('close', () => this.#lose(this.#lost('the connection is gone')));
    socket.resume();
  }

  /** The local end: where providers over IP are to be reached. */
  get localHost(): string | undefined {
    return this.#socket.localAddress;
  }

  /** The next message, which is asked for one at a time. Rejects with an XferError, or with the signal's reason. */
  next(signal: AbortSignal): Promise<BootstrapMessage> {
    return new Promise((resolve, reject) => {
      const stopped = (): void => settle(() => reject(signal.reason as Error));
      const settle = (tell: () => void): void => {
        this.#waiting = undefined;
        signal.removeEventListener('abort', stopped);
        tell();
      };
      this.#waiting = {
        resolve: (message) => settle(() => resolve(message)),
        reject: (error) => settle(() => reject(error)),
      };
      signal.addEventListener('abort', stopped, { once: true });
      if (signal.aborted) stopped();
      else this.#give();
    });
  }

  send(message: BootstrapMessage): void {
    if (!this.#socket.destroyed) this.#socket.write(encodeBootstrap(message));
  }

  /** From now on `user` is told; at once of what came before. */
  watch(user: ChannelUser): void {
    this.#user = user;
    this.#give();
  }

  /** Says that we have got everything and have said everything. */
  finish(): void {
    this.send({ kind: 'finished' });
    this.#socket.end();
  }

  /** Nothing is told any more; what was said still goes out. */
  close(): void {
    this.#isOver = true;
    this.#socket.destroySoon();
  }

  /** The other side sees a reset. */
  abort(): void {
    this.#isOver = true;
    if (!this.#socket.destroyed) this.#socket.resetAndDestroy();
  }

  #handleData(bytes: Buffer): void {
    if (this.#isOver) return;
    this.#read = this.#read.length === 0 ? bytes : Buffer.concat([this.#read, bytes]);
    try {
      this.#parse();
    } catch (thrown) {
      this.#breach(thrown as XferError);
    }
  }

  #parse(): void {
    // Whoever keeps to the exchange never says two things without an answer, but for the end of a connection.
    if (this.#read.length > 2 * maxBootstrapBytes) throw violation('it says more than it was asked');
    while (!this.#message && this.#read.length > 0) {
      const length = bootstrapLength(this.#read);
      if (length === undefined || this.#read.length < length) return;
      this.#message = decodeBootstrap(this.#read.subarray(0, length));
      this.#read = this.#read.subarray(length);
      this.#give();
    }
  }

  #give(): void {
    const message = this.#message;
    if (message && this.#waiting) {
      this.#message = undefined;
      this.#waiting.resolve(message);
    } else if (message && this.#user) {
      this.#message = undefined;
      if (message.kind === 'finished') this.#user.handleFinished();
      else this.#breach(violation('it goes on with an exchange that is over'));
    }
    if (!this.#message && this.#gone) this.#tellGone(this.#gone);
  }

  #breach(error: XferError): void {
    this.#socket.destroy();
    this.#lose(new XferError(error.code, `${this.#name}: ${error.message}`, { cause: error }));
  }

  #lose(error: XferError): void {
    if (this.#isOver || this.#gone) return;
    this.#gone = error;
    this.#give();
  }

  #tellGone(error: XferError): void {
    if (this.#waiting) return this.#waiting.reject(error);
    if (!this.#user || this.#isOver) return;
    this.#isOver = true;
    this.#user.handleGone(error);
  }

  #lost(what: string): XferError {
    return new XferError('ERR_XFER_CONNECTION_LOST', `${this.#name}: ${what}`);
  }
}
