import type { Socket } from 'node:net';
import type { XferError } from '../errors/index.js';
import { networkError } from '../errors/index.js';
import type { ByteSource } from './endpoint.js';
import { movedSocket, readNow } from './moved-socket.js';

/**
 * What is read for who waits before it is known how much there is: after that the rest comes without a copy. Of each of
 * many connections.
 */
const firstReadBytes = 64 * 1024;

interface Reading {
  readonly into: Uint8Array;
  resolve(count: number): void;
  reject(error: XferError): void;
}

/**
 * Reads of a socket. Node has to know where the next bytes go before anybody asks for them, so what was waited for comes
 * into memory of ours and is copied; while there is more than was asked for, it is read straight into the given memory.
 * Nothing is read ahead: the system's buffers fill, and hold the writer back.
 */
export class SocketSource implements ByteSource {
  readonly kind = 'bytes';
  readonly socket: Socket;
  readonly #label: string;
  readonly #first = Buffer.allocUnsafeSlow(firstReadBytes);
  /** Of `#first`: read, and not given yet. */
  #left = this.#first.subarray(0, 0);
  #reading: Reading | undefined;
  #handleReadable: (() => void) | undefined;
  #isMoreLikely = false;
  #isDiscarding = false;
  #hasEnded = false;
  #failure: XferError | undefined;
  #onStop: () => void;
  #onEnd: () => void = () => undefined;

  /** `from` is connected, and has read nothing; it is of no use any more. `onStop`: nobody reads any more. */
  constructor(from: Socket, label: string, onStop: () => void) {
    this.#label = label;
    this.#onStop = onStop;
    this.socket = movedSocket(from, this.#first, (count) => this.#handleBytes(count));
    this.socket.on('end', () => this.#end());
    this.socket.on('error', (error) => this.#fail(error));
    this.socket.on('close', () => this.#fail(new Error('it was closed here')));
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  get isDiscarding(): boolean {
    return this.#isDiscarding;
  }

  read(into: Uint8Array): Promise<number> {
    if (this.#left.length > 0) return Promise.resolve(this.#give(into));
    if (this.#hasEnded || this.#isDiscarding) return Promise.resolve(0);
    if (this.#failure) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#reading = { into, resolve, reject };
      // In a turn of its own, or a fast writer would leave the loop no time for anybody else.
      if (this.#isMoreLikely) setImmediate(() => this.#readOn());
      else this.socket.resume();
    });
  }

  readable(): Promise<void> | undefined {
    const hasSome = this.#left.length > 0 || this.#isMoreLikely;
    if (hasSome || this.#hasEnded || this.#isDiscarding || this.#failure) return undefined;
    return new Promise((resolve) => {
      this.#handleReadable = resolve;
      this.socket.resume();
    });
  }

  stop(): void {
    if (this.#isDiscarding || this.#hasEnded) return;
    this.#onStop();
    this.discard();
  }

  /** From now on whatever comes is thrown away, so that nothing waits behind it, and an end shows. */
  discard(): void {
    this.#isDiscarding = true;
    this.#left = this.#first.subarray(0, 0);
    this.#settle(0);
    if (!this.socket.destroyed) this.socket.resume();
  }

  /** Called once when there is nothing more to come: an end, or the socket is gone. */
  onEnd(handler: () => void): void {
    if (this.#hasEnded || this.#failure) handler();
    else this.#onEnd = handler;
  }

  #handleBytes(count: number): boolean {
    if (this.#isDiscarding) return true;
    this.#left = this.#first.subarray(0, count);
    if (this.#reading) this.#settle(this.#give(this.#reading.into));
    else this.#tellReadable();
    return false;
  }

  /** What there is now. */
  #give(into: Uint8Array): number {
    const isMore = this.#left.length === this.#first.length;
    const given = this.#giveLeft(into);
    const more = isMore && given < into.length ? this.#readMore(into.subarray(given)) : 0;
    this.#isMoreLikely = isMore && given + more === into.length;
    return given + more;
  }

  #readOn(): void {
    const reading = this.#reading;
    if (!reading || this.socket.destroyed) return;
    const count = this.#readMore(reading.into);
    this.#isMoreLikely = count === reading.into.length;
    // Nothing there, or the end, which the socket has to see for itself.
    if (count > 0) this.#settle(count);
    else this.socket.resume();
  }

  /** How many more bytes are there now. A failure of the socket counts behind them. */
  #readMore(into: Uint8Array): number {
    try {
      return readNow(this.socket, into) ?? 0;
    } catch (error) {
      this.socket.destroy(error as Error);
      return 0;
    }
  }

  #giveLeft(into: Uint8Array): number {
    const count = Math.min(into.length, this.#left.length);
    into.set(this.#left.subarray(0, count));
    this.#left = this.#left.subarray(count);
    return count;
  }

  /** libuv takes a reset that comes with the last bytes for an end: it knows of POLLHUP alone. The system still knows. */
  #end(): void {
    try {
      readNow(this.socket, this.#first);
    } catch (error) {
      this.socket.destroy(error as Error);
      return;
    }
    this.#hasEnded = true;
    this.#settle(0);
    this.#ended();
  }

  #fail(cause: Error): void {
    if (this.#hasEnded || this.#failure) return;
    this.#failure = networkError(cause, `${this.#label}: what came is not all`);
    const reading = this.#reading;
    this.#reading = undefined;
    reading?.reject(this.#failure);
    this.#tellReadable();
    this.#ended();
  }

  #ended(): void {
    const handler = this.#onEnd;
    this.#onEnd = () => undefined;
    handler();
  }

  #settle(count: number): void {
    const reading = this.#reading;
    this.#reading = undefined;
    reading?.resolve(count);
    this.#tellReadable();
  }

  #tellReadable(): void {
    const tell = this.#handleReadable;
    this.#handleReadable = undefined;
    tell?.();
  }
}
