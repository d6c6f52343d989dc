import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { afterFile } from './after-file.js';

const open = new Set<SlowProxy>();

afterFile(async () => {
  await Promise.all([...open].map((proxy) => proxy.close()));
});

/**
 * A link between a sender and a receiver that carries so many bytes a second from the one to the other, counts them, and
 * can be cut. The receiver may be another one later.
 */
export class SlowProxy {
  /** Where the sender connects to. */
  readonly address: string;
  /** Where new connections are passed on to. */
  target: string;
  /** What the sender has said so far, through all connections. */
  passedBytes = 0;
  /** From the sender to the receiver; may become another. */
  bytesPerSecond: number;
  readonly #server;
  readonly #sockets = new Set<Socket>();
  #waiting: { readonly bytes: number; readonly resolve: () => void }[] = [];

  static async open(target: string, bytesPerSecond: number): Promise<SlowProxy> {
    const server = createServer({ pauseOnConnect: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new SlowProxy(server, target, bytesPerSecond);
  }

  private constructor(server: ReturnType<typeof createServer>, target: string, bytesPerSecond: number) {
    this.#server = server;
    this.target = target;
    this.bytesPerSecond = bytesPerSecond;
    this.address = `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`;
    open.add(this);
    server.on('connection', (sender) => this.#carry(sender));
  }

  /** Resolves when the sender has said so much. */
  passed(bytes: number): Promise<void> {
    if (this.passedBytes >= bytes) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ bytes, resolve }));
  }

  /** Resets all connections. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async close(): Promise<void> {
    open.delete(this);
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #carry(sender: Socket): void {
    const { hostname, port } = new URL(this.target.replace(/^tcp:/, 'http:'));
    const receiver = connect(Number(port), hostname);
    for (const [from, to] of [
      [sender, receiver],
      [receiver, sender],
    ] as const) {
      this.#sockets.add(from);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    }
    receiver.pipe(sender);
    let freeAt = performance.now();
    sender.on('data', (bytes: Buffer) => {
      receiver.write(bytes);
      this.#count(bytes.length);
      freeAt = Math.max(freeAt, performance.now()) + (1000 * bytes.length) / this.bytesPerSecond;
      const ms = freeAt - performance.now();
      if (ms < 2) return;
      sender.pause();
      setTimeout(() => sender.resume(), ms);
    });
    sender.once('end', () => receiver.end());
    sender.resume();
  }

  #count(bytes: number): void {
    this.passedBytes += bytes;
    const due = this.#waiting.filter((waiter) => waiter.bytes <= this.passedBytes);
    this.#waiting = this.#waiting.filter((waiter) => waiter.bytes > this.passedBytes);
    for (const { resolve } of due) resolve();
  }
}
