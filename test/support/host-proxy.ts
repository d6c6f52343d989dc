import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterFile } from './after-file.js';

const open = new Set<HostProxy>();

afterFile(() => {
  for (const proxy of open) proxy.close();
});

export interface HostProxyOptions {
  /** URLs of a listener's tcp and udp, on `behindHost`. */
  readonly addresses: readonly string[];
  /** What tcp lets through from the sender, in bytes a second, each connection. Default: all there is. */
  readonly tcpBytesPerSecond?: number;
}

/** Where a receiver listens that is reached through the proxy alone: a peer may not name another host than the user did. */
export const behindHost = '127.0.0.2';
const frontHost = '127.0.0.1';

/** A host that passes tcp and udp of one port on to another, and can be made to swallow either without a word. */
export class HostProxy {
  /** As a sender takes it: without a scheme. */
  readonly target: string;
  readonly #server: Server;
  readonly #front: UdpSocket;
  readonly #backs = new Map<number, UdpSocket>();
  readonly #sockets = new Set<Socket>();
  readonly #ports: { readonly tcp: number; readonly udp: number };
  readonly #bytesPerMs: number;
  readonly #cut = new Set<'tcp' | 'udp'>();

  static async open(options: HostProxyOptions): Promise<HostProxy> {
    const server = createServer({ pauseOnConnect: true, allowHalfOpen: true });
    server.listen(0, frontHost);
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const front = createSocket({ type: 'udp4', recvBufferSize: 4 * 1024 * 1024 });
    front.bind(port, frontHost);
    await once(front, 'listening');
    return new HostProxy(server, front, options);
  }

  private constructor(server: Server, front: UdpSocket, { addresses, tcpBytesPerSecond }: HostProxyOptions) {
    const portOf = (scheme: string) =>
      Number(
        addresses
          .find((url) => url.startsWith(`${scheme}:`))
          ?.split(':')
          .at(-1) ?? 0,
      );
    this.#ports = { tcp: portOf('tcp'), udp: portOf('udp') };
    this.#bytesPerMs = (tcpBytesPerSecond ?? Infinity) / 1000;
    this.#server = server;
    this.#front = front;
    this.target = `${frontHost}:${(server.address() as AddressInfo).port}`;
    open.add(this);
    server.on('connection', (sender) => this.#carry(sender));
    front.on('message', (bytes, { port }) => this.#passOn(bytes, port));
    front.on('error', () => undefined);
  }

  /** From now on nothing of it goes through, and nobody is told: what a firewall does that drops. */
  cut(scheme: 'tcp' | 'udp'): void {
    this.#cut.add(scheme);
    if (scheme === 'tcp') for (const socket of this.#sockets) socket.pause();
  }

  close(): void {
    if (!open.delete(this)) return;
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    this.#front.close();
    for (const back of this.#backs.values()) back.close();
  }

  #carry(sender: Socket): void {
    this.#sockets.add(sender);
    sender.on('error', () => undefined);
    if (this.#cut.has('tcp')) return;
    const receiver = connect(this.#ports.tcp, behindHost);
    this.#sockets.add(receiver);
    receiver.on('error', () => undefined);
    const end = (socket: Socket) => {
      if (!this.#cut.has('tcp')) socket.destroy();
    };
    sender.on('close', () => end(receiver));
    receiver.on('close', () => end(sender));
    receiver.on('data', (bytes) => sender.write(bytes));
    let freeAt = performance.now();
    sender.on('data', (bytes: Buffer) => {
      receiver.write(bytes);
      freeAt = Math.max(freeAt, performance.now()) + bytes.length / this.#bytesPerMs;
      const ms = freeAt - performance.now();
      if (ms < 2) return;
      sender.pause();
      setTimeout(() => this.#cut.has('tcp') || sender.resume(), ms);
    });
    sender.resume();
  }

  #passOn(bytes: Buffer, from: number): void {
    if (this.#cut.has('udp')) return;
    let back = this.#backs.get(from);
    if (!back) {
      back = createSocket({ type: 'udp4', recvBufferSize: 4 * 1024 * 1024 });
      this.#backs.set(from, back);
      back.on('error', () => undefined);
      back.on('message', (answer) => {
        if (!this.#cut.has('udp')) this.#front.send(answer, from, frontHost);
      });
    }
    back.send(bytes, this.#ports.udp, behindHost);
  }
}
