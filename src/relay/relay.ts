import { randomBytes } from 'node:crypto';
import type { Connection } from '../transport/contract.js';
import type { TransportRegistry } from '../transport/registry.js';
import { BlockPool } from './block-pool.js';
import { dialNextHop } from './next-hop.js';
import type { HopPeer, HopView, RelayObserver } from './observer.js';
import { RelayHop } from './relay-hop.js';

export interface RelayOptions {
  readonly transports: TransportRegistry;
  readonly observer?: RelayObserver;
  /** Whether a peer may be connected to this IP address. */
  mayDial(ip: string, peer: HopPeer): boolean;
  /** Settles when it is known who the peer is, or that it does not say. */
  identify(connection: Connection): Promise<HopPeer>;
}

/** Forwards streams from hop to hop and can read nothing in them (DESIGN §8). */
export class Relay {
  readonly #options: RelayOptions;
  readonly #id = randomBytes(8).toString('hex');
  readonly #pool = new BlockPool();
  readonly #hops = new Set<RelayHop>();
  #lastHop = 0;

  constructor(options: RelayOptions) {
    this.#options = options;
  }

  /** The connections that peers have made. */
  get hops(): Iterable<HopView> {
    return this.#hops;
  }

  handleConnection(connection: Connection): void {
    const { transports, mayDial, identify, observer = {} } = this.#options;
    const hop = new RelayHop(++this.#lastHop, connection, {
      id: this.#id,
      pool: this.#pool,
      observer,
      identify,
      dial: (url, peer, signal) =>
        dialNextHop(url, { transports, signal, mayDial: (ip) => mayDial(ip, peer) }),
    });
    this.#hops.add(hop);
    observer.onConnect?.(hop);
    void connection.closed.then(({ error }) => {
      this.#hops.delete(hop);
      observer.onDisconnect?.(hop, error);
    });
  }

  /** Takes no more streams, lets those that are there end for a while, and closes. */
  async close(): Promise<void> {
    await Promise.all([...this.#hops].map(({ connection }) => connection.close()));
  }
}
