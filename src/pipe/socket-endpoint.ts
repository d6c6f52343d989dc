import type { Socket } from 'node:net';
import { XferError } from '../errors/index.js';
import type { ByteSink, ByteSource, Endpoint, EndpointUse } from './endpoint.js';
import { resetSocket } from './moved-socket.js';
import { SocketSink } from './socket-sink.js';
import { SocketSource } from './socket-source.js';

/** Longest silence of a TCP connection before the system asks whether the other side is still there. */
const keepAliveMs = 30_000;

/**
 * Where nobody reads, the end of what was written is not the end of the endpoint: the other side may still be reading, and
 * its own end, or its reset, shows what it took. For so long it is waited for, as socat does (-t).
 */
const lingerMs = 500;

export interface SocketEndpointOptions {
  /** Printable. */
  readonly label: string;
  readonly use: EndpointUse;
}

/**
 * A connected socket that has read nothing (accepted with `pauseOnConnect`, or paused before it connected) as an endpoint.
 * Each way ends by itself. A way that is not used, or was stopped, is read and thrown away: or its writer would wait for
 * ever, and closing would cut what goes the other way, too. TCP can only tell a writer that its reader has gone once
 * nothing is to be said to it any more; then it is reset. A unix socket is closed, and the writer gets EPIPE.
 */
export class SocketEndpoint implements Endpoint {
  readonly label: string;
  readonly source?: ByteSource;
  readonly sink?: ByteSink;
  readonly #socket: Socket;
  readonly #reader: SocketSource;
  readonly #writer: SocketSink | undefined;
  /** Nothing is left of the socket. */
  readonly closed: Promise<void>;

  constructor(from: Socket, { label, use }: SocketEndpointOptions) {
    this.label = label;
    this.#reader = new SocketSource(from, label, () => this.#resetUnlessWriting());
    this.#socket = this.#reader.socket;
    this.closed = new Promise((resolve) => this.#socket.once('close', () => resolve()));
    this.#socket.setNoDelay(true);
    this.#socket.setKeepAlive(true, keepAliveMs);
    if (use !== 'sink') this.source = this.#reader;
    else this.#reader.discard();
    if (use === 'source') {
      // Whoever has said all is to see that it was heard, and need not wait.
      this.#reader.onEnd(() => this.#socket.end());
      return;
    }
    const writer = new SocketSink(this.#socket, label);
    this.#writer = writer;
    this.sink = {
      kind: 'bytes',
      write: (bytes) => writer.write(bytes),
      end: () => this.#end(writer),
      abort: (error) => writer.abort(error),
      onBroken: (handler) => writer.onBroken(handler),
    };
  }

  /** What has not ended is reset: the other side is not to take it for whole. */
  close(): Promise<void> {
    const isWritten = !this.#writer || this.#writer.hasEnded;
    const isRead = this.#reader.hasEnded || this.#reader.isDiscarding;
    this.#writer?.forsake(new XferError('ERR_XFER_CONNECTION_LOST', `${this.label}: it was closed here`));
    if (isWritten && isRead) this.#socket.destroy();
    else resetSocket(this.#socket);
    return this.closed;
  }

  async #end(writer: SocketSink): Promise<void> {
    await writer.end();
    if (!this.#reader.isDiscarding || this.#reader.hasEnded) return;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(resolve, lingerMs);
      this.#reader.onEnd(() => {
        clearTimeout(timer);
        const failure = this.#socket.errored;
        if (failure)
          reject(
            new XferError('ERR_XFER_BROKEN_PIPE', `${this.label}: nobody reads any more`, { cause: failure }),
          );
        else resolve();
      });
    });
  }

  #resetUnlessWriting(): void {
    if (!this.#writer || this.#writer.hasEnded) resetSocket(this.#socket);
  }
}
