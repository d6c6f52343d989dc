import { networkError, XferError, type OrderedLink, type Place } from 'xfer/plugin';
import type { Socket } from 'node:net';
import { adoptSocket } from './adopt-socket.js';

const nothing = (): undefined => undefined;

/** An ordered link over a connected socket that is not reading. */
export class TcpLink implements OrderedLink {
  readonly #socket: Socket;
  #onData: (bytes: Uint8Array) => void = nothing;
  #place: () => Place | undefined = nothing;
  #onWritable: () => void = nothing;
  #onEnd: () => void = nothing;
  #onError: (error: Error) => void = nothing;
  #unsentBytes = 0;
  #over = false;

  /** `name` is the other side, for messages. */
  constructor(connected: Socket, name: string) {
    const socket = adoptSocket(
      connected,
      (bytes) => this.#onData(bytes),
      () => this.#place(),
    );
    this.#socket = socket;
    socket.on('end', () => this.#onEnd());
    socket.on('error', (error) => this.#fail(networkError(error, name)));
    socket.on('close', () =>
      this.#fail(new XferError('ERR_XFER_CONNECTION_LOST', `${name}: the connection is gone`)),
    );
  }

  get unsentBytes(): number {
    return this.#unsentBytes;
  }

  write(chunks: Uint8Array[], written: () => void): boolean {
    let bytes = 0;
    for (const chunk of chunks) bytes += chunk.length;
    this.#unsentBytes += bytes;
    const last = chunks.length - 1;
    // Corked, all chunks go out in one writev.
    this.#socket.cork();
    for (let i = 0; i < last; i++) this.#socket.write(chunks[i] as Uint8Array);
    this.#socket.write(chunks[last] as Uint8Array, () => {
      this.#unsentBytes -= bytes;
      written();
    });
    this.#socket.uncork();
    return true;
  }

  /** Gives what was read of the socket before: once, when all handlers are there. */
  begin(bytes: Uint8Array): void {
    this.#onData(bytes);
  }

  onData(handler: (bytes: Uint8Array) => void): void {
    this.#onData = handler;
  }

  onPlace(handler: () => Place | undefined): void {
    this.#place = handler;
  }

  onWritable(handler: () => void): void {
    this.#onWritable = handler;
    this.#socket.on('drain', () => this.#onWritable());
  }

  onEnd(handler: () => void): void {
    this.#onEnd = handler;
  }

  onError(handler: (error: Error) => void): void {
    this.#onError = handler;
  }

  close(): void {
    this.#socket.end();
  }

  abort(): void {
    this.#over = true;
    if (this.#socket.destroyed) return;
    this.#socket.resetAndDestroy();
  }

  #fail(error: Error): void {
    if (this.#over) return;
    this.#over = true;
    this.#onError(error);
  }
}
