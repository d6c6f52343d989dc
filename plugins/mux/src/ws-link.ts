import { networkError, transportDefaults, wsDefaults, XferError, type OrderedLink } from 'xfer/plugin';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { WebSocket } from 'ws';

/** What both sides of every WebSocket have. */
export const wsOptions = {
  // Records are sealed, and what is sealed does not shrink.
  perMessageDeflate: false,
  maxPayload: wsDefaults.maxMessageBytes,
  maxFragments: wsDefaults.maxMessageFragments,
  maxBufferedChunks: wsDefaults.maxMessagePieces,
  closeTimeout: transportDefaults.closeTimeoutMs,
} as const;

const nothing = (): undefined => undefined;

/** An ordered link over an open WebSocket: what binary messages hold, one after the other, are its bytes. */
export class WsLink implements OrderedLink {
  readonly #ws: WebSocket;
  readonly #socket: Socket;
  readonly #tcp: Socket;
  readonly #name: string;
  #onData: (bytes: Uint8Array) => void = nothing;
  #onWritable: () => void = nothing;
  #onEnd: () => void = nothing;
  #onError: (error: Error) => void = nothing;
  #unsentBytes = 0;
  #full = false;
  #over = false;

  /** `socket` is what `ws` writes to, and stands on `tcp`; `name` is the other side, for messages. */
  constructor(ws: WebSocket, socket: Socket, tcp: Socket, name: string) {
    this.#ws = ws;
    this.#socket = socket;
    this.#tcp = tcp;
    this.#name = name;
    ws.on('message', (data: Buffer, isBinary) => this.#handleMessage(data, isBinary));
    ws.on('error', (error) => this.#fail(errorOf(error, name)));
    ws.on('close', (code) => this.#handleClose(code));
    // `ws` keeps to itself why a socket broke.
    socket.on('error', (error) => this.#fail(networkError(error, name)));
  }

  get unsentBytes(): number {
    return this.#unsentBytes;
  }

  write(chunks: Uint8Array[], written: () => void): boolean {
    const messages = asMessages(chunks);
    let bytes = 0;
    for (const chunk of chunks) bytes += chunk.length;
    this.#unsentBytes += bytes;
    const last = messages.length - 1;
    // Corked, all messages go out in one writev.
    this.#socket.cork();
    for (let i = 0; i < last; i++) this.#ws.send(messages[i] as Uint8Array);
    this.#ws.send(messages[last] as Uint8Array, () => {
      this.#unsentBytes -= bytes;
      written();
      if (!this.#full || this.#ws.bufferedAmount > wsDefaults.maxBufferedBytes / 2) return;
      this.#full = false;
      this.#onWritable();
    });
    this.#socket.uncork();
    this.#full ||= this.#ws.bufferedAmount > wsDefaults.maxBufferedBytes;
    return !this.#full;
  }

  onData(handler: (bytes: Uint8Array) => void): void {
    this.#onData = handler;
  }

  onWritable(handler: () => void): void {
    this.#onWritable = handler;
  }

  onEnd(handler: () => void): void {
    this.#onEnd = handler;
  }

  onError(handler: (error: Error) => void): void {
    this.#onError = handler;
  }

  close(): void {
    this.#ws.close(closeCode.normal);
  }

  abort(): void {
    this.#over = true;
    // Else all that the kernel holds would go first. But where a Close was said it is to arrive.
    const isReset = this.#ws.readyState === this.#ws.OPEN && !this.#tcp.destroyed;
    if (isReset && !(this.#tcp instanceof TLSSocket)) this.#tcp.resetAndDestroy();
    this.#ws.terminate();
  }

  #handleMessage(data: Buffer, isBinary: boolean): void {
    if (this.#over) return;
    if (isBinary) return this.#onData(data);
    this.#ws.close(closeCode.unsupported);
    this.#fail(new XferError('ERR_XFER_PROTOCOL', `${this.#name}: a WebSocket message of text`));
  }

  /** Both sides have said that they close, or the socket is gone. */
  #handleClose(code: number): void {
    if (this.#over) return;
    if (code === closeCode.normal || code === closeCode.none) {
      this.#over = true;
      return this.#onEnd();
    }
    this.#fail(
      isObjection(code)
        ? new XferError(
            'ERR_XFER_PROTOCOL',
            `${this.#name}: the other side closed with WebSocket code ${code}`,
          )
        : new XferError('ERR_XFER_CONNECTION_LOST', `${this.#name}: the connection is gone`),
    );
  }

  #fail(error: Error): void {
    if (this.#over) return;
    this.#over = true;
    this.#onError(error);
  }
}

/** RFC 6455 §7.4.1. */
const closeCode = Object.freeze({
  normal: 1000,
  protocol: 1002,
  unsupported: 1003,
  none: 1005,
  tooBig: 1009,
});

/** Not: going away, a broken connection, or a proxy's trouble. */
const isObjection = (code: number): boolean =>
  code === closeCode.protocol || code === closeCode.unsupported || (code >= 1007 && code <= closeCode.tooBig);

/** Up to here chunks beside each other are joined: each message costs more than the copy. */
const joinBelow = 4096;

/** The chunks' bytes in order: small neighbours joined, large ones cut, none copied that is large. */
function asMessages(chunks: readonly Uint8Array[]): Uint8Array[] {
  const messages: Uint8Array[] = [];
  let small: Uint8Array[] = [];
  let smallBytes = 0;
  const join = (): void => {
    if (small.length > 0) messages.push(small.length === 1 ? (small[0] as Uint8Array) : Buffer.concat(small));
    small = [];
    smallBytes = 0;
  };
  for (const chunk of chunks) {
    if (chunk.length < joinBelow) {
      if (smallBytes + chunk.length > wsDefaults.messageBytes) join();
      small.push(chunk);
      smallBytes += chunk.length;
      continue;
    }
    join();
    for (let at = 0; at < chunk.length; at += wsDefaults.messageBytes)
      messages.push(chunk.subarray(at, at + wsDefaults.messageBytes));
  }
  join();
  return messages;
}

function errorOf(error: Error, name: string): XferError {
  const isBreach = 'code' in error && typeof error.code === 'string' && error.code.startsWith('WS_ERR_');
  return isBreach
    ? new XferError('ERR_XFER_PROTOCOL', `${name}: ${error.message}`)
    : networkError(error, name);
}
