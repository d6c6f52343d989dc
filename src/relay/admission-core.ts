import { relayDefaults } from '../config/index.js';
import { sourceKey } from '../transport/source-key.js';
import { TokenBucketCore } from '../transport/token-bucket-core.js';
import { LruMap } from './lru-map.js';
import type { RefusalReason } from './refusal-reason.js';

/** As in `relayDefaults`, each. */
export type AdmissionLimits = Readonly<
  Record<
    | 'connectionsPerMinutePerSource'
    | 'connectionBurstPerSource'
    | 'failedHandshakeCost'
    | 'refusedConnectionCost'
    | 'connectionsPerSecond'
    | 'connectionBurst'
    | 'maxPendingHandshakes'
    | 'maxPendingHandshakesPerSource'
    | 'maxAdmittedConnections'
    | 'maxConnectionsPerSource'
    | 'maxSources',
    number
  >
>;

interface Source {
  readonly bucket: TokenBucketCore;
  pending: number;
  connections: number;
}

/**
 * Which connections a relay takes, before it does any work for them: a sans-IO core. Everything is O(1), and what is
 * refused leaves no state. Who is asked about has proven its address: over TCP by connecting,
 * over datagrams with a cookie, over QUIC with its handshake. A connection whose handshake at the relay is under way holds
 * a place in its source's burst, and is charged when that is over: one if it did well, and several if not. A source that is
 * refused for what it does itself is charged a little, as far as it has any: who goes on knocking gets no more places, and
 * has its rate again as soon as it stops.
 *
 * Calls: `handleConnect` for each new connection; for each that was taken `handleReady` when its handshake is over, and
 * `handleClose` at its end, with the same address.
 */
export class AdmissionCore {
  readonly #limits: AdmissionLimits;
  readonly #rate: TokenBucketCore;
  /** Sources with connections: at most one for each. */
  readonly #live = new Map<string, Source>();
  /** Those without, whose rate is remembered. */
  readonly #gone: LruMap<string, Source>;
  #pending = 0;
  #connections = 0;

  constructor(limits: Partial<AdmissionLimits> = {}) {
    this.#limits = { ...relayDefaults, ...limits };
    const { connectionsPerSecond, connectionBurst, maxSources } = this.#limits;
    this.#rate = new TokenBucketCore({
      ratePerSecond: connectionsPerSecond,
      capacityAt: () => connectionBurst,
    });
    this.#gone = new LruMap(maxSources);
  }

  get connections(): number {
    return this.#connections;
  }

  get pendingHandshakes(): number {
    return this.#pending;
  }

  /** Sources that are remembered. */
  get sources(): number {
    return this.#live.size + this.#gone.size;
  }

  /** Undefined: it is taken, and counts until `handleClose`. */
  handleConnect(now: number, address: string): RefusalReason | undefined {
    const key = sourceKey(address);
    const known = this.#live.get(key) ?? this.#gone.get(key);
    const refusal = this.#refusalOf(known, now);
    if (refusal) {
      if (isOwnFault(refusal)) known?.bucket.tryTake(this.#limits.refusedConnectionCost, now);
      return refusal;
    }
    const source = known ?? { bucket: this.#newBucket(), pending: 0, connections: 0 };
    source.pending++;
    source.connections++;
    this.#pending++;
    this.#connections++;
    this.#gone.delete(key);
    this.#live.set(key, source);
    if (this.sources > this.#limits.maxSources) this.#gone.deleteOldest();
    return undefined;
  }

  /** The handshake of one connection from there is over. */
  handleReady(now: number, address: string): void {
    const source = this.#live.get(sourceKey(address));
    if (source && source.pending > 0) this.#charge(source, 1, now);
  }

  /** One connection from there is over: `pending` if its handshake never was. */
  handleClose(now: number, address: string, phase: 'pending' | 'ready'): void {
    const key = sourceKey(address);
    const source = this.#live.get(key);
    if (!source) return;
    // Who brings garbage may bring less of it.
    if (phase === 'pending' && source.pending > 0)
      this.#charge(source, 1 + this.#limits.failedHandshakeCost, now);
    source.connections--;
    this.#connections--;
    if (source.connections > 0) return;
    this.#live.delete(key);
    this.#gone.set(key, source);
  }

  /** One of its handshakes is over. */
  #charge(source: Source, cost: number, now: number): void {
    source.bucket.reserve(cost, now);
    this.#rate.reserve(1, now);
    source.pending--;
    this.#pending--;
  }

  /** What the source itself is at is told first. */
  #refusalOf(source: Source | undefined, now: number): RefusalReason | undefined {
    const limits = this.#limits;
    if (source) {
      if (source.connections >= limits.maxConnectionsPerSource) return 'source-connections';
      if (source.pending >= limits.maxPendingHandshakesPerSource) return 'source-handshakes';
      if (!source.bucket.has(1 + source.pending, now)) return 'source-rate';
    }
    if (this.#connections >= limits.maxAdmittedConnections) return 'total-connections';
    if (this.#pending >= limits.maxPendingHandshakes) return 'total-handshakes';
    return this.#rate.has(1 + this.#pending, now) ? undefined : 'total-rate';
  }

  #newBucket(): TokenBucketCore {
    const { connectionsPerMinutePerSource, connectionBurstPerSource } = this.#limits;
    return new TokenBucketCore({
      ratePerSecond: connectionsPerMinutePerSource / 60,
      capacityAt: () => connectionBurstPerSource,
    });
  }
}

/** Of the source itself, rather than of all together. */
const isOwnFault = (refusal: RefusalReason): boolean => refusal.startsWith('source-');
