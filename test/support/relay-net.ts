import type { Address, Connection, Listener, Stream } from 'xfer/plugin';
import { formatAddress } from '../../src/transport/address.js';
import { TransportRegistry } from '../../src/transport/registry.js';
import { PathDialer } from '../../src/relay/dial-path.js';
import { DialPolicy, parseDialRules } from '../../src/relay/dial-policy.js';
import type { ForwardingOptions } from '../../src/relay/forwarder.js';
import type { HopIdentity, HopPeer, RelayObserver } from '../../src/relay/observer.js';
import { RelayGuard, type RelayLimits } from '../../src/relay/relay-guard.js';
import { Relay, type RelayOptions } from '../../src/relay/relay.js';
import type { ProveHop } from '../../src/relay/prove-hop.js';
import type { RoutedConnection } from '../../src/relay/routed-connection.js';
import { memory, type MemoryOptions } from './memory-transport.js';

export interface RelayAt {
  readonly relay: Relay;
  readonly guard: RelayGuard;
  readonly url: string;
}

/** A stream as it came to its end. */
export interface Arrived {
  readonly stream: Stream;
  readonly header: string;
  /** The same. */
  readonly bytes: Uint8Array;
}

export interface Endpoint {
  readonly url: string;
  /** Called for each stream; default: `arrived` collects them. */
  onStream: (arrived: Arrived) => void;
  readonly arrived: Arrived[];
  readonly connections: Connection[];
  close(): Promise<void>;
}

const nowhere: Address = { scheme: 'memory', host: '127.0.0.1', port: 0 };

/** Relays and their peers in one process, over links in memory. */
export class RelayNet {
  readonly registry = new TransportRegistry();
  readonly #listeners: Listener[] = [];
  readonly #relays: Relay[] = [];
  readonly #connections: Connection[] = [];

  constructor(options: MemoryOptions = {}) {
    this.registry.add(memory(options), 'test');
  }

  async relay(
    options: {
      limits?: Partial<RelayLimits>;
      observer?: RelayObserver;
      dial?: string[];
      identify?: RelayOptions['identify'];
      prove?: ProveHop;
      handshakeTimeoutMs?: number;
      idleTimeoutMs?: number;
      forwarding?: ForwardingOptions;
    } = {},
  ): Promise<RelayAt> {
    const { limits = {}, dial = ['any'], identify = stranger, ...rest } = options;
    const policy = new DialPolicy({ rules: parseDialRules(dial), loopbackOnly: false });
    const guard = new RelayGuard({ policy, limits });
    const relay = new Relay({ transports: this.registry, guard, identify, ...rest });
    const transport = await this.registry.get('memory');
    const listener = await transport.listen(nowhere, {
      onConnection: (connection, admission) => relay.handleConnection(connection, admission),
      admit: (source) => relay.admit(source),
      limits: guard.connectionLimits,
    });
    this.#listeners.push(listener);
    this.#relays.push(relay);
    return { relay, guard, url: formatAddress(listener.address) };
  }

  /** Somebody who listens. */
  async endpoint(): Promise<Endpoint> {
    const arrived: Arrived[] = [];
    const connections: Connection[] = [];
    const transport = await this.registry.get('memory');
    const listener = await transport.listen(nowhere, {
      onConnection: (connection) => {
        connections.push(connection);
        connection.onStream((stream, header) =>
          endpoint.onStream({
            ...{ stream, header: Buffer.from(header).toString(), bytes: Uint8Array.from(header) },
          }),
        );
      },
    });
    this.#listeners.push(listener);
    const endpoint: Endpoint = {
      url: formatAddress(listener.address),
      onStream: (stream) => void arrived.push(stream),
      arrived,
      connections,
      close: async () => {
        for (const connection of connections) connection.abort(new Error('gone'));
        await listener.close();
      },
    };
    return endpoint;
  }

  /** A connection whose streams go over these relays. */
  async dial(
    via: readonly (RelayAt | readonly string[])[],
    to: string,
    prove?: ProveHop,
    onStored?: (relay: string) => void,
  ): Promise<RoutedConnection> {
    const relays = via.map((hop) => ('url' in hop ? [hop.url] : hop));
    const dialer = new PathDialer(this.registry, { relays, to }, { prove, onStored });
    const connection = await dialer.dial(new AbortController().signal);
    this.#connections.push(connection);
    return connection;
  }

  async close(): Promise<void> {
    for (const connection of this.#connections) connection.abort(new Error('the test is over'));
    await Promise.all([...this.#relays, ...this.#listeners].map((one) => one.close()));
  }
}

/** Whoever comes is a stranger. */
export function stranger({ remote }: Connection): HopIdentity {
  const peer: HopPeer = { key: undefined, name: remote.host, trust: 'stranger', weight: 0 };
  return { isBegun: false, known: Promise.resolve(peer), stranger: () => peer };
}

/** Whoever comes is this peer. */
export function known(name: string, weight: number): (connection: Connection) => HopIdentity {
  const peer: HopPeer = { key: Buffer.from(name).toString('hex'), name, trust: 'trusted', weight };
  return () => ({ isBegun: false, known: Promise.resolve(peer), stranger: () => peer });
}
