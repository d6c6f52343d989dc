import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { afterFile } from './after-file.js';

const open = new Set<CountingProxy>();

afterFile(async () => {
  await Promise.all([...open].map((proxy) => proxy.close()));
});

/** Passes everything on between those who dial it and one address, and counts what goes there; cuts where it is told to. */
export class CountingProxy {
  readonly address: string;
  /** Bytes that went to the target, on all connections together. */
  bytes = 0;
  readonly #server;
  readonly #sockets = new Set<Socket>();

  /** `cuts`: the connections that there are break when so many bytes have gone to the target; rising. */
  static async open(target: string, cuts: readonly number[] = []): Promise<CountingProxy> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new CountingProxy(server, new URL(target.replace(/^tcp:/, 'http:')), [...cuts]);
  }

  private constructor(server: ReturnType<typeof createServer>, target: URL, cuts: number[]) {
    this.#server = server;
    this.address = `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`;
    open.add(this);
    server.on('connection', (near) => {
      const far = connect(Number(target.port), target.hostname);
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(from);
        from.on('error', () => to.destroy());
        from.on('close', () => to.destroy());
        from.pipe(to);
      }
      near.on('data', (bytes) => {
        this.bytes += bytes.length;
        if (this.bytes < (cuts[0] ?? Infinity)) return;
        cuts.shift();
        this.#cut();
      });
    });
  }

  async close(): Promise<void> {
    open.delete(this);
    this.#cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #cut(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
  }
}
