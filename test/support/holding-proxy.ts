import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { afterFile } from './after-file.js';

const open = new Set<HoldingProxy>();

afterFile(async () => {
  await Promise.all([...open].map((proxy) => proxy.close()));
});

/**
 * Stands between a sender and a receiver and passes everything on, but stops what the sender says after so many
 * bytes until it is let go: a transfer that is in the middle for as long as a test needs.
 */
export class HoldingProxy {
  /** Where the sender connects to. */
  readonly address: string;
  /** Settles when so much has been passed on, and nothing more is. */
  readonly held: Promise<void>;
  readonly #server;
  readonly #sockets = new Set<Socket>();
  readonly #letGo: (() => void)[] = [];

  static async open(target: string, holdAfterBytes: number): Promise<HoldingProxy> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new HoldingProxy(server, new URL(target.replace(/^tcp:/, 'http:')), holdAfterBytes);
  }

  private constructor(server: ReturnType<typeof createServer>, target: URL, holdAfterBytes: number) {
    this.#server = server;
    this.address = `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`;
    open.add(this);
    this.held = new Promise((resolve) => {
      server.on('connection', (sender) => {
        const receiver = connect(Number(target.port), target.hostname);
        for (const [from, to] of [
          [sender, receiver],
          [receiver, sender],
        ] as const) {
          this.#sockets.add(from);
          from.on('error', () => to.destroy());
          from.on('close', () => to.destroy());
        }
        receiver.pipe(sender);
        let passed = 0;
        const pass = (bytes: Buffer): void => {
          receiver.write(bytes);
          passed += bytes.length;
          if (passed < holdAfterBytes) return;
          sender.off('data', pass);
          sender.pause();
          this.#letGo.push(() => sender.pipe(receiver));
          resolve();
        };
        sender.on('data', pass);
        sender.once('end', () => receiver.end());
      });
    });
  }

  /** Passes on everything from now on. */
  release(): void {
    for (const go of this.#letGo.splice(0)) go();
  }

  async close(): Promise<void> {
    open.delete(this);
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
