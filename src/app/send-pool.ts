import { setMaxListeners } from 'node:events';
import { sessionDefaults, transferDefaults } from '../config/index.js';
import { XferError } from '../errors/index.js';
import { nativeApi } from '../native/index.js';
import { equalBytes } from '../session/bytes.js';
import { anotherCapability } from '../session/hello.js';
import { loadIdentity, type Identity } from '../session/identity.js';
import { PeerStore } from '../session/peer-store.js';
import { checkGiven, GivenListings } from '../transfer/given-paths.js';
import { parcelMemory, readParcel } from '../transfer/read-parcel.js';
import type { ParcelToSend } from '../transfer/send-parcel.js';
import { ConnectionPool, type Lease } from '../transport/connection-pool.js';
import type { PoolLimits, PoolMetrics } from '../transport/connection-pool-core.js';
import { formatAddress } from '../transport/address.js';
import { readFilter } from './filters.js';
import { LruMap } from '../relay/lru-map.js';
import { IdleSendSession } from './idle-send-session.js';
import type { CommonOptions, SendOptions, SendResult } from './options.js';
import type { SendSession } from './send-session.js';
import { endSession, type SendSessions } from './send-sessions.js';
import { sendTo } from './send.js';
import { relaysOf } from './route.js';
import { retryOf } from './silence.js';
import { parseTarget } from './target.js';
import { Turns } from './turns.js';
import { UnfinishedTransfers } from './unfinished.js';

export interface SendPoolOptions extends Pick<CommonOptions, 'home' | 'transports' | 'tuning'> {
  /** Sessions at once, to all receivers and to one. Default: poolDefaults. */
  readonly maxConnections?: number;
  readonly maxConnectionsPerPeer?: number;
  /** A session that carried nothing for so long is closed; a receiver of this xfer waits half a minute longer than the default. Default: poolDefaults.idleMs. */
  readonly idleMs?: number;
}

/** Files of ours that every send asks for are looked at no more often. */
const lookAgainMs = 1_000;

/** Receivers whose keys are kept in mind. */
const mostMet = 1024;

/** As SendOptions, but for what all sends of a pool share. Default of `signal` and `onEvent`: none. */
export type PooledSendOptions = Omit<SendOptions, 'home' | 'transports' | 'tuning' | 'signal' | 'onEvent'> &
  Partial<Pick<SendOptions, 'signal' | 'onEvent'>>;

export type SendPoolMetrics = PoolMetrics;

/** Sends over sessions that stay open: the next transfer to the same receiver dials nothing and proves nothing anew. */
export interface SendPool {
  /** As `send`: a session that turns out to be dead is no failure, another one is opened. */
  send(options: PooledSendOptions): Promise<SendResult>;
  metrics(): SendPoolMetrics;
  /** Ends what is idle and stops what is under way, with ERR_XFER_INTERRUPTED. Never rejects. */
  close(): Promise<void>;
}

export function openSendPool(options: SendPoolOptions): SendPool {
  return new Pool(options);
}

interface Met {
  readonly peer: Uint8Array;
  /** Whether it was among those that are known. */
  readonly wasKnown: boolean;
}

class Pool implements SendPool {
  readonly #options: SendPoolOptions;
  readonly #sessions: ConnectionPool<IdleSendSession>;
  readonly #ending = new AbortController();
  /** Who was met behind what a send is kept by. */
  readonly #met = new LruMap<string, Met>(mostMet);
  readonly #sending = new Set<Promise<unknown>>();
  readonly #turns = new Turns();
  readonly #peers: PeerStore;
  /** Of a parcel that was sent: the next one goes from it. */
  #parcelMemory: Buffer | undefined;
  #identity: Promise<Identity> | undefined;
  #unfinished: UnfinishedTransfers | undefined;

  constructor(options: SendPoolOptions) {
    this.#options = options;
    this.#peers = new PeerStore(options.home, lookAgainMs);
    // As many as send at once.
    setMaxListeners(0, this.#ending.signal);
    this.#sessions = new ConnectionPool({
      ...limitsOf(options),
      check: (idle) => idle.isThere(),
      close: (idle) => endSession(idle.opened),
    });
  }

  send(options: PooledSendOptions): Promise<SendResult> {
    const sending = this.#send(options).finally(() => this.#sending.delete(sending));
    this.#sending.add(sending);
    return sending;
  }

  metrics(): SendPoolMetrics {
    return this.#sessions.metrics;
  }

  async close(): Promise<void> {
    this.#ending.abort(new XferError('ERR_XFER_INTERRUPTED', 'the pool is closed'));
    await Promise.allSettled(this.#sending);
    await this.#sessions.close();
  }

  async #send(given: PooledSendOptions): Promise<SendResult> {
    this.#ending.signal.throwIfAborted();
    // Of this send alone: what is done with a signal behind its end is no business of the session that stays.
    const stop = new AbortController();
    const leaves = [this.#ending.signal, given.signal].map((signal) => stopBy(signal, stop));
    try {
      const key = keyOf(given);
      const send = () => this.#sendBy(given, key, stop.signal);
      // A receiver takes one try of a transfer at a time; and a code that is good for one pairing makes one session.
      const inOrder = () => this.#turns.take(JSON.stringify([key, given.paths]), send);
      const isFirst = given.code !== undefined && this.#met.get(key) === undefined;
      return await (isFirst ? this.#turns.take(key, inOrder) : inOrder());
    } finally {
      for (const leave of leaves) leave();
    }
  }

  async #sendBy(given: PooledSendOptions, key: string, signal: AbortSignal): Promise<SendResult> {
    const { home, transports, tuning } = this.#options;
    signal.throwIfAborted();
    const filter = await readFilter(given.filters ?? [], signal);
    const listings = new GivenListings();
    const parcel = this.#met.get(key) ? await this.#parcelOf(given) : undefined;
    if (!parcel) await checkGiven(given.paths, filter, listings);
    const options = {
      ...{ ...given, home, transports, filter, listings, parcel, signal },
      ...(tuning ? { tuning } : {}),
      onEvent: given.onEvent ?? (() => undefined),
    };
    const identity = () => (this.#identity ??= loadIdentity(home));
    const sessions = await this.#sessionsOf(key, signal);
    return sendTo(options, parseTarget(given.target), identity, undefined, sessions);
  }

  /** What is sent, as a parcel; undefined where it is not one small file, or the user wants something that only transfers have. */
  async #parcelOf(given: PooledSendOptions): Promise<ParcelToSend | undefined> {
    const [path] = given.paths;
    if (path === undefined || !isPlain(given)) return undefined;
    const { streamingThresholdBytes = sessionDefaults.streamingThresholdBytes } = given;
    const memory = this.#parcelMemory ?? parcelMemory(transferDefaults.maxParcelBytes);
    this.#parcelMemory = undefined;
    const handBack = () => void (this.#parcelMemory = memory);
    const parcel = await readParcel(nativeApi().files, path, memory);
    if (parcel && parcel.entry.size <= streamingThresholdBytes) return { ...parcel, handBack };
    handBack();
    return undefined;
  }

  /** The sessions of one send: of those that lead to the same place in the same way, one at a time. */
  async #sessionsOf(key: string, signal: AbortSignal): Promise<SendSessions> {
    // Who was known, and is no more, was removed: then it is proved anew whom this leads to.
    const met = this.#met.get(key);
    const isRemoved = met?.wasKnown === true && !(await this.#peers.findByKey(met.peer));
    if (isRemoved) this.#met.delete(key);
    let lease: Lease<IdleSendSession> | undefined;
    return {
      goesOn: true,
      pinned: isRemoved ? undefined : met?.peer,
      peers: this.#peers,
      unfinished: (identity) =>
        (this.#unfinished ??= new UnfinishedTransfers(this.#options.home, identity, lookAgainMs)),
      take: async (open, peers) => {
        const known = await this.#peers.list();
        lease = await this.#sessions.acquire(key, {
          signal,
          suits: ({ opened: { session }, wasKnown }) => {
            const isThis = (peer: Uint8Array) => equalBytes(peer, session.peerKey);
            if (wasKnown && !known.some(({ key }) => isThis(key))) return false;
            return peers.length === 0 || peers.some(isThis);
          },
          open: async () => new IdleSendSession(await open()),
        });
        lease.item.wake();
        return lease.item.opened;
      },
      give: async (opened, nextRecord) => {
        const isKept = nextRecord !== undefined && isReusable(opened);
        // Whose receiver goes on knows us: the code is not needed a second time, and may be spent.
        const peer = opened.session.peerKey;
        const taken = lease;
        // Who was known stays so: to have been removed meanwhile is for the next send to find.
        const wasKnown =
          isKept && (taken?.item.wasKnown === true || (await this.#peers.findByKey(peer)) !== undefined);
        if (isKept) this.#met.set(key, { peer, wasKnown });
        opened.nextRecord = nextRecord;
        if (taken) taken.item.wasKnown = wasKnown;
        if (isKept && taken) taken.item.rest(taken);
        else await endSession(opened);
        taken?.release(isKept);
      },
    };
  }
}

/** One path, and nothing is wanted that only transfers have. */
function isPlain(given: PooledSendOptions): boolean {
  const { paths, filters = [], update, remove, owners, attributes, compress } = given;
  if (paths.length > 1 || filters.length > 0 || compress === 'lz4') return false;
  const { limit, direct, lanes, bench } = given;
  return ![update, remove, owners, attributes, direct, limit, lanes, bench].some(Boolean);
}

/** Gives what ends it. */
function stopBy(signal: AbortSignal | undefined, stop: AbortController): () => void {
  const interrupt = () => stop.abort(signal?.reason);
  if (signal?.aborted) interrupt();
  signal?.addEventListener('abort', interrupt, { once: true });
  return () => signal?.removeEventListener('abort', interrupt);
}

const isReusable = ({ session }: SendSession) =>
  session.isUsable && session.hello.capabilities.includes(anotherCapability);

/**
 * Whom a session leads to, over what, and what was said in its HELLO: all that two sends must have in common. Under which name
 * a peer is remembered is no part of that: one that is known keeps its name.
 */
function keyOf(given: PooledSendOptions): string {
  const {
    via = [],
    code,
    peer,
    identify,
    relayToken,
    remember,
    streamingThresholdBytes,
    trustFabric,
    bench,
  } = given;
  const isRelayed = via.length > 0;
  return JSON.stringify([
    ...[placeOf(given), relaysOf(via), code, peer, remember === true],
    ...(isRelayed ? [identify === true, relayToken] : []),
    ...[retryOf(given), streamingThresholdBytes, trustFabric === true, bench],
  ]);
}

/** However it is written. `use` says something only where the target has no scheme. */
function placeOf({ target: text, use }: PooledSendOptions): unknown {
  const target = parseTarget(text);
  if (target.kind === 'address') {
    const { address } = target;
    return formatAddress({ ...address, host: address.host.toLowerCase() });
  }
  if (target.kind !== 'host') return target;
  return [target.host.toLowerCase(), target.port, use && [...new Set(use)].sort()];
}

function limitsOf({ maxConnections, maxConnectionsPerPeer, idleMs }: SendPoolOptions): Partial<PoolLimits> {
  return {
    ...(maxConnections === undefined ? {} : { maxOpen: maxConnections }),
    ...(maxConnectionsPerPeer === undefined ? {} : { maxOpenPerKey: maxConnectionsPerPeer }),
    ...(idleMs === undefined ? {} : { idleMs }),
  };
}
