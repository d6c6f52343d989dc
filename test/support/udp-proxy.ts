import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { FuzzRandom } from './fuzz-random.js';

export interface UdpProxyOptions {
  /** Where the datagrams of dialers go. */
  readonly port: number;
  readonly seed?: number;
  /** What becomes of a datagram: those that go on in its place. Default: itself. */
  readonly pass?: (datagram: Datagram) => readonly Buffer[];
}

export interface Datagram {
  readonly bytes: Buffer;
  readonly toListener: boolean;
  /** In [0, 1), by the seed. */
  random(): number;
}

/** A link on loopback between one dialer and a listener, which may lose, change and repeat what goes over it. */
export class UdpProxy {
  readonly url: string;
  /** In all, either way. */
  datagrams = 0;
  readonly #front: Socket;
  #back: Socket;
  readonly #options: UdpProxyOptions;
  readonly #random: FuzzRandom;
  #dialer: number | undefined;

  constructor(front: Socket, back: Socket, options: UdpProxyOptions) {
    this.url = `udp://127.0.0.1:${front.address().port}`;
    this.#front = front;
    this.#back = back;
    this.#options = options;
    this.#random = new FuzzRandom(options.seed ?? 1);
    front.on('message', (bytes, { port }) => {
      this.#dialer = port;
      for (const one of this.#pass(bytes, true)) this.#back.send(one, options.port, '127.0.0.1');
    });
    this.#listenBack(back);
  }

  /** To the listener all that comes from now on comes from another address, as behind a NAT that forgot. */
  async rebind(): Promise<void> {
    const old = this.#back;
    this.#back = await bound();
    this.#listenBack(this.#back);
    old.close();
  }

  close(): void {
    this.#front.close();
    this.#back.close();
  }

  #listenBack(back: Socket): void {
    back.on('message', (bytes) => {
      if (this.#dialer === undefined) return;
      for (const one of this.#pass(bytes, false)) this.#front.send(one, this.#dialer, '127.0.0.1');
    });
  }

  #pass(bytes: Buffer, toListener: boolean): readonly Buffer[] {
    this.datagrams++;
    const random = (): number => this.#random.word() / 2 ** 32;
    return this.#options.pass?.({ bytes, toListener, random }) ?? [bytes];
  }
}

export async function udpProxy(options: UdpProxyOptions): Promise<UdpProxy> {
  return new UdpProxy(await bound(), await bound(), options);
}

async function bound(): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4 * 1024 * 1024 });
  socket.on('error', () => undefined);
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return socket;
}
