import {
  formatAddress,
  ListenerGate,
  muxDefaults,
  networkError,
  type Address,
  type Connection,
  type ListenOptions,
  type Listener,
} from 'xfer/plugin';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import type { TcpOptions } from './index.js';

/**
 * Listens for TCP connections, keeps to the limits before any work, and lets nobody stay who does not become a
 * connection of the mux in time.
 */
export function listenForArrivals(
  at: Address,
  listen: ListenOptions,
  { mux }: TcpOptions,
  onArrival: (arrival: Arrival) => void,
): Promise<Listener> {
  const gate = new ListenerGate(listen);
  const timeoutMs = mux?.helloTimeoutMs ?? listen.limits?.helloTimeoutMs ?? muxDefaults.helloTimeoutMs;
  const waiting = new Set<Arrival>();
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: true });
  server.on('connection', (socket) => {
    const host = socket.remoteAddress;
    const place = host === undefined ? undefined : gate.enter(host);
    if (host === undefined || !place) {
      socket.on('error', () => undefined);
      socket.destroy();
      return;
    }
    const arrival = new Arrival(socket, host, timeoutMs, {
      settled: () => waiting.delete(arrival),
      connected: (connection) => listen.onConnection(connection, place.admission),
      gone: () => place.leave(),
    });
    waiting.add(arrival);
    onArrival(arrival);
  });
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(networkError(error, formatAddress(at))));
    server.listen({ host: at.host, port: at.port }, () => {
      const { port } = server.address() as AddressInfo;
      // Once it listens only single accepts can fail, for want of descriptors: the next one is tried anyway.
      server.on('error', () => undefined);
      resolve({
        address: { ...at, port },
        close: () => {
          server.close();
          for (const arrival of waiting) arrival.drop();
          // The port is free at once; the server's own 'close' would wait for sockets whose handles have moved.
          return new Promise((closed) => setImmediate(closed));
        },
      });
    });
  });
}

interface Outcome {
  /** It waits no more. */
  settled(): void;
  connected(connection: Connection): void;
  /** Nothing is left of it. */
  gone(): void;
}

/** A socket that was accepted, has not read, and is no connection of the mux yet. */
export class Arrival {
  readonly socket: Socket;
  readonly #host: string;
  readonly #outcome: Outcome;
  readonly #until: number;
  readonly #timer: NodeJS.Timeout;
  readonly #dropped = (): void => this.drop();
  #over = false;

  constructor(socket: Socket, host: string, timeoutMs: number, outcome: Outcome) {
    this.socket = socket;
    this.#host = host;
    this.#outcome = outcome;
    this.#until = performance.now() + timeoutMs;
    this.#timer = setTimeout(this.#dropped, timeoutMs);
    for (const event of ['error', 'close']) socket.on(event, this.#dropped);
  }

  get isOver(): boolean {
    return this.#over;
  }

  /** Of the time for the hello. */
  get leftMs(): number {
    return Math.max(1, Math.ceil(this.#until - performance.now()));
  }

  /** The two ends, under the scheme that it turned out to have. */
  ends(scheme: string): { readonly local: Address; readonly remote: Address } {
    const { localAddress: host = '', localPort = 0, remotePort = 0 } = this.socket;
    return {
      local: { scheme, host, port: localPort },
      remote: { scheme, host: this.#host, port: remotePort },
    };
  }

  /** It has become `connection`, and counts until that is closed. */
  settle(connection: Connection): void {
    if (!this.#settle()) return connection.abort(new Error('too late'));
    void connection.closed.then(() => this.#outcome.gone());
    this.#outcome.connected(connection);
  }

  drop(): void {
    if (!this.#settle()) return;
    this.socket.on('error', () => undefined);
    this.socket.destroy();
    this.#outcome.gone();
  }

  #settle(): boolean {
    if (this.#over) return false;
    this.#over = true;
    clearTimeout(this.#timer);
    for (const event of ['error', 'close']) this.socket.off(event, this.#dropped);
    this.#outcome.settled();
    return true;
  }
}
