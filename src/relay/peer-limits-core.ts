import { muxDefaults, relayDefaults } from '../config/index.js';
import { TokenBucketCore } from '../transport/token-bucket-core.js';
import { EvictionOrder } from './eviction-order.js';
import { LruMap } from './lru-map.js';
import type { OwnLimits } from './observer.js';
import type { RefusalReason } from './refusal-reason.js';
import { StreamPoolCore } from './stream-pool-core.js';

/** As in `relayDefaults` and `muxDefaults`, each. */
export interface PeerLimits {
  readonly maxConnections: number;
  readonly maxConnectionsPerPeer: number;
  readonly maxStreamsPerPeer: number;
  readonly maxStreamsTotal: number;
  readonly leastStreamsPerPeer: number;
  readonly opensPerSecond: number;
  readonly openBurst: number;
  readonly leastIdleMs: number;
  readonly maxSources: number;
  /** Of one peer, both ways together; undefined: no limit. */
  readonly bytesPerSecondPerPeer?: number | undefined;
}

/** A connection is taken, perhaps in the place of another, which is to be closed; or it is refused. */
export type PeerAdmission = { readonly evicted: number | undefined } | { readonly refused: RefusalReason };

/** A stream that its peer may not even ask for. `isPersistent`: so many of them that the connection is to be closed. */
export interface Excess {
  readonly refused: RefusalReason;
  readonly isPersistent: boolean;
}

interface Peer {
  readonly key: string;
  readonly connections: Set<number>;
  streams: number;
  weight: number;
  own: OwnLimits;
  readonly opens: TokenBucketCore;
  /** Of those that found no token there. */
  readonly excess: TokenBucketCore;
  readonly bytes: TokenBucketCore;
}

interface Connection {
  readonly peer: Peer;
  streams: number;
}

/** Strangers weigh less than anybody who is listed. */
const strangerWeight = 0;
/** Streams past the rate of opens are refused up to this part of it, and as many at once; past that whoever opens them goes. */
const excessPart = 0.1;

/**
 * What peers may have at a relay once it is known who they are: a sans-IO core. A peer is what `shareKey` of
 * `peer-key.ts` gives; connections have numbers of the caller's choice. Rooms are counted in `rooms-core.ts`.
 *
 * Calls: `handleConnect` when a handshake is over, `handleClose` at the end of the connection, in between `handleAsk` for
 * each stream that comes, before anything is done about it, `handleStreamOpen` and `handleStreamClose` for each that asks for something sensible, `handleUse` and `handleUnuse` for what
 * else the connection is good for (a stream that the relay opened, a room), `handleBytes` for what it brought or took. For
 * a connection that was evicted or closed none of them does anything.
 */
export class PeerLimitsCore {
  readonly #limits: PeerLimits;
  readonly #order: EvictionOrder;
  readonly #peers = new Map<string, Peer>();
  readonly #connections = new Map<number, Connection>();
  /** Peers without a connection whose rates are not recovered yet: coming again does not help. */
  readonly #gone: LruMap<string, Peer>;
  readonly #pool: StreamPoolCore;
  #bytesPerSecond: number | undefined;

  constructor(limits: Partial<PeerLimits> = {}) {
    this.#limits = { ...muxDefaults, ...relayDefaults, ...limits };
    this.#order = new EvictionOrder(this.#limits.leastIdleMs);
    this.#gone = new LruMap(this.#limits.maxSources);
    this.#pool = new StreamPoolCore(this.#limits);
    this.#bytesPerSecond = this.#limits.bytesPerSecondPerPeer;
  }

  get connections(): number {
    return this.#connections.size;
  }

  get peers(): number {
    return this.#peers.size;
  }

  /** That peers opened. */
  get streams(): number {
    return this.#pool.streams;
  }

  /** What one peer has open. */
  countsOf(peer: string): { readonly connections: number; readonly streams: number } {
    const { connections, streams = 0 } = this.#peers.get(peer) ?? {};
    return { connections: connections?.size ?? 0, streams };
  }

  /** `own`: in place of what every peer may have. `weight`: undefined for strangers, and for whoever is not listed whatever it proved: keys cost nothing. */
  handleConnect(
    now: number,
    connection: number,
    peer: string,
    weight = strangerWeight,
    own: OwnLimits = {},
  ): PeerAdmission {
    const { maxConnections, maxConnectionsPerPeer } = this.#limits;
    if ((this.#peers.get(peer)?.connections.size ?? 0) >= (own.maxConnections ?? maxConnectionsPerPeer))
      return { refused: 'peer-connections' };
    let evicted: number | undefined;
    if (this.#connections.size >= maxConnections) {
      evicted = this.#order.victimFor(now, weight);
      if (evicted === undefined) return { refused: 'full' };
      this.handleClose(now, evicted);
    }
    const isThere = this.#peers.has(peer);
    const state = this.#peers.get(peer) ?? this.#gone.get(peer) ?? this.#newPeer(peer, weight);
    if (!isThere) this.#pool.enter(state.weight);
    // The limit may have been another when it left.
    this.#gone.delete(peer);
    state.own = own;
    state.bytes.setRate(own.bytesPerSecond ?? this.#bytesPerSecond, now);
    this.#peers.set(peer, state);
    state.connections.add(connection);
    this.#connections.set(connection, { peer: state, streams: 0 });
    this.#order.add(now, connection, weight);
    this.setWeight(peer, weight);
    return { evicted };
  }

  /** Its streams are over with it. */
  handleClose(now: number, connection: number): void {
    const state = this.#connections.get(connection);
    if (!state) return;
    const { peer, streams } = state;
    this.#order.delete(connection);
    this.#connections.delete(connection);
    this.#pool.handleClose(peer.weight, streams);
    peer.streams -= streams;
    peer.connections.delete(connection);
    if (peer.connections.size > 0) return;
    this.#pool.leave(peer.weight);
    this.#peers.delete(peer.key);
    if (!peer.opens.isFull(now) || !peer.excess.isFull(now) || !peer.bytes.isFull(now))
      this.#gone.set(peer.key, peer);
  }

  /** A stream came on it. Undefined: what it asks for is to be looked at; that has cost the peer one of its opens, whatever comes of it. */
  handleAsk(now: number, connection: number): Excess | undefined {
    const state = this.#connections.get(connection);
    // What was evicted is on its way out.
    if (!state) return { refused: 'full', isPersistent: false };
    const { opens, excess } = state.peer;
    if (opens.tryTake(1, now)) return undefined;
    return { refused: 'peer-opens', isPersistent: !excess.tryTake(1, now) };
  }

  /** The stream asks for something. Undefined: it is taken, and counts until `handleStreamClose`. */
  handleStreamOpen(now: number, connection: number): RefusalReason | undefined {
    const state = this.#connections.get(connection);
    if (!state) return 'full';
    const { peer } = state;
    const { weight, streams, own } = peer;
    const refusal = this.#pool.handleOpen({ weight, streams, most: own.maxStreams });
    if (refusal) return refusal;
    state.streams++;
    peer.streams++;
    this.#order.use(now, connection, 1);
    return undefined;
  }

  handleStreamClose(now: number, connection: number): void {
    const state = this.#connections.get(connection);
    if (!state || state.streams === 0) return;
    state.streams--;
    state.peer.streams--;
    this.#pool.handleClose(state.peer.weight);
    this.#order.use(now, connection, -1);
  }

  handleUse(now: number, connection: number): void {
    this.#order.use(now, connection, 1);
  }

  handleUnuse(now: number, connection: number): void {
    this.#order.use(now, connection, -1);
  }

  /** `bytes` went over it; says how many milliseconds to read nothing more from this peer. */
  handleBytes(now: number, connection: number, bytes: number): number {
    const state = this.#connections.get(connection);
    if (!state) return 0;
    this.#order.handleActive(now, connection);
    return state.peer.bytes.reserve(bytes, now);
  }

  /** The configuration was read again. */
  setWeight(peer: string, weight = strangerWeight): void {
    const state = this.#peers.get(peer);
    if (!state || state.weight === weight) return;
    this.#pool.handleWeight(state, weight);
    state.weight = weight;
    for (const connection of state.connections) this.#order.setWeight(connection, weight);
  }

  /** Of all streams so much is kept for listed peers, in parts of one; 0, as it is at first: nobody is listed. */
  setListedStreamPart(part: number): void {
    this.#pool.setListedPart(part);
  }

  /** The configuration was read again; debts are paid at the new rate. */
  setBytesPerSecondPerPeer(now: number, bytesPerSecond: number | undefined): void {
    this.#bytesPerSecond = bytesPerSecond;
    for (const { bytes, own } of this.#peers.values())
      bytes.setRate(own.bytesPerSecond ?? bytesPerSecond, now);
  }

  #newPeer(key: string, weight: number): Peer {
    const { opensPerSecond, openBurst } = this.#limits;
    const opens = new TokenBucketCore({ ratePerSecond: opensPerSecond, capacityAt: () => openBurst });
    const excess = new TokenBucketCore({
      ratePerSecond: opensPerSecond * excessPart,
      capacityAt: () => openBurst,
    });
    const bytes = new TokenBucketCore({ ratePerSecond: this.#bytesPerSecond });
    return { key, connections: new Set(), streams: 0, weight, own: {}, opens, excess, bytes };
  }
}
