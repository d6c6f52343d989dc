import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { afterAll } from 'vitest';

const open = new Set<CountingProxy>();

afterAll(async () => {
  await Promise.all([...open].map((proxy) => proxy.close()));
});

/** Passes everything on between those who dial it and one address, and counts what goes there. */
export class CountingProxy {
  readonly address: string;
  /** Bytes that went to the target, on all connections together. */
  bytes = 0;
  readonly #server;
  readonly #sockets = new Set<Socket>();

  static async open(target: string): Promise<CountingProxy> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new CountingProxy(server, new URL(target.replace(/^tcp:/, 'http:')));
  }

  private constructor(server: ReturnType<typeof createServer>, target: URL) {
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
      near.on('data', (bytes) => (this.bytes += bytes.length));
    });
  }

  async close(): Promise<void> {
    open.delete(this);
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
