import { connect, type Socket } from 'node:net';

/** The request that becomes a WebSocket, as RFC 6455 has it; `headers` are lines to add. */
export const upgradeRequest = (headers: readonly string[] = [], path = '/'): string =>
  [
    `GET ${path} HTTP/1.1`,
    'Host: localhost',
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ...headers,
    '',
    '',
  ].join('\r\n');

export const opcode = { more: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export interface Frame {
  readonly opcode: number;
  readonly payload: Uint8Array;
  readonly isLast?: boolean;
  /** What the frame says of its length; default: the truth. */
  readonly length?: number;
}

/** A frame of a client, with a mask of zeros. */
export function clientFrame({ opcode, payload, isLast = true, length = payload.length }: Frame): Buffer {
  const head = Buffer.alloc(14);
  head[0] = opcode | (isLast ? 0x80 : 0);
  let at = 2;
  if (length < 126) head[1] = 0x80 | length;
  else if (length < 65_536) at = head.writeUInt16BE(length, (head[1] = 0x80 | 126) && 2);
  else at = head.writeBigUInt64BE(BigInt(length), (head[1] = 0x80 | 127) && 2);
  return Buffer.concat([head.subarray(0, at + 4), payload]);
}

/** A client that says what it likes, and keeps all that it hears. */
export class RawClient {
  readonly socket: Socket;
  readonly closed: Promise<void>;
  #heard: Buffer = Buffer.alloc(0);
  #wake: () => void = () => undefined;

  constructor(port: number) {
    this.socket = connect({ host: '127.0.0.1', port, noDelay: true });
    this.socket.on('error', () => undefined);
    this.socket.on('data', (bytes) => {
      this.#heard = Buffer.concat([this.#heard, bytes]);
      this.#wake();
    });
    this.closed = new Promise<void>((resolve) => this.socket.once('close', resolve)).then(() => this.#wake());
  }

  get heard(): string {
    return this.#heard.toString('latin1');
  }

  /** Waits until what was heard holds `text`, or the socket is closed. */
  async hears(text: string): Promise<string> {
    while (!this.heard.includes(text) && !this.socket.closed)
      await new Promise<void>((resolve) => (this.#wake = resolve));
    return this.heard;
  }

  /** Becomes a WebSocket. */
  async upgrade(headers?: readonly string[], path?: string): Promise<void> {
    this.socket.write(upgradeRequest(headers, path));
    await this.hears('\r\n\r\n');
  }
}
