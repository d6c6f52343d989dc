import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterFile } from './after-file.js';

/** Towards the side that listens, or back. */
export type CutDirection = 'up' | 'down';

/** Behind so many bytes of one direction. */
export interface CutPlace {
  readonly direction: CutDirection;
  readonly bytes: number;
}

export interface CutProxyOptions {
  /** URL of a tcp listener or relay on loopback. */
  readonly behind: string;
  /** Who listens ends at some time, and is not started again: then nobody listens here, either. */
  readonly isOnce?: boolean;
  /** Where the first connection is reset. */
  readonly cutBehind?: CutPlace;
}

interface Carried {
  readonly near: Socket;
  readonly far: Socket;
  readonly isFirst: boolean;
}

const open = new Set<CutProxy>();

afterFile(() => {
  for (const proxy of open) proxy.close();
});

/** A network on loopback of which connections are reset, one or all, and which may go down. */
export class CutProxy {
  readonly url: string;
  /** Bytes that went over it, on all connections. */
  readonly passed: Record<CutDirection, number> = { up: 0, down: 0 };
  /** Connections that were ever made. */
  count = 0;
  readonly #server: Server;
  readonly #options: CutProxyOptions;
  readonly #carried = new Set<Carried>();
  #isDown = false;

  static async open(options: CutProxyOptions): Promise<CutProxy> {
    const server = createServer({ allowHalfOpen: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new CutProxy(server, options);
  }

  private constructor(server: Server, options: CutProxyOptions) {
    this.#server = server;
    this.#options = options;
    this.url = `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`;
    open.add(this);
    server.on('connection', (near) => this.#carry(near));
  }

  /** How many connections there are now. */
  get live(): number {
    return this.#carried.size;
  }

  /** Resets all connections, or so many of the oldest; the next ones pass. */
  cut(most = Infinity): void {
    for (const carried of [...this.#carried].slice(0, most)) this.#reset(carried);
  }

  /** Resets all connections, and those that are made from now on. */
  down(): void {
    this.#isDown = true;
    this.cut();
  }

  up(): void {
    this.#isDown = false;
  }

  close(): void {
    if (!open.delete(this)) return;
    this.cut();
    this.#server.close();
  }

  #carry(near: Socket): void {
    near.on('error', () => undefined);
    if (this.#isDown) return void near.resetAndDestroy();
    const far = connect({ port: Number(this.#options.behind.split(':').at(-1)), host: '127.0.0.1' });
    // Where nobody listens any more nobody does here.
    far.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' && this.#options.isOnce) this.#server.close();
    });
    const carried = { near, far, isFirst: this.count++ === 0 };
    this.#carried.add(carried);
    this.#pass(carried, near, far, 'up');
    this.#pass(carried, far, near, 'down');
  }

  #pass(carried: Carried, from: Socket, to: Socket, direction: CutDirection): void {
    const { cutBehind } = this.#options;
    const isCut = carried.isFirst && cutBehind?.direction === direction;
    let left = isCut ? cutBehind.bytes : Infinity;
    from.on('data', (bytes: Buffer) => {
      const some = bytes.subarray(0, left);
      left -= some.length;
      this.passed[direction] += some.length;
      if (left === 0) return void to.write(some, () => this.#reset(carried));
      if (to.write(some)) return;
      from.pause();
      to.once('drain', () => from.resume());
    });
    from.on('end', () => to.end());
    from.on('close', () => {
      this.#carried.delete(carried);
      if (from.errored) to.resetAndDestroy();
      else to.destroySoon();
    });
  }

  #reset(carried: Carried): void {
    this.#carried.delete(carried);
    carried.near.resetAndDestroy();
    carried.far.resetAndDestroy();
  }
}
