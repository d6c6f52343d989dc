import { muxDefaults, relayDefaults } from '../config/index.js';
import { MuxBudget } from '../mux/index.js';
import type { Admission, ConnectionLimits } from '../transport/contract.js';
import { AdmissionCore, type AdmissionLimits } from './admission-core.js';
import type { DialPolicy } from './dial-policy.js';
import type { HopPeer, OwnLimits } from './observer.js';
import { ownerKey, placeKey, shareKey } from './peer-key.js';
import { PeerLimitsCore, type Excess, type PeerLimits } from './peer-limits-core.js';
import type { RefusalReason } from './refusal-reason.js';
import { RelayShares, type RelaySharesOptions } from './relay-shares.js';
import { RoomsCore, type Room, type RoomLimits } from './rooms-core.js';
import type { StreamRateLimits } from './stream-rate-core.js';
import { StreamTurns } from './stream-turns.js';

export type RelayLimits = AdmissionLimits & PeerLimits & RoomLimits & StreamRateLimits;

export interface RelayGuardOptions {
  readonly policy: DialPolicy;
  readonly limits?: Partial<RelayLimits>;
  readonly shares?: RelaySharesOptions;
  /** For tests. Default: performance.now(). */
  now?(): number;
}

/** What there is too much of now. */
export interface RelayLoad {
  /** Bytes follow the weights, or turns to open streams do. */
  readonly isForwardingFull: boolean;
  readonly isOpeningFull: boolean;
  /** Streams that wait for their turn. */
  readonly waitingStreams: number;
}

/** Joins the cores that say what peers may do at a relay to the clock. */
export class RelayGuard {
  /** May be another from now on. */
  policy: DialPolicy;
  /** For listeners and dials. */
  readonly connectionLimits: ConnectionLimits;
  readonly shares: RelayShares;
  readonly #admission: AdmissionCore;
  readonly #peers: PeerLimitsCore;
  readonly #rooms: RoomsCore;
  readonly #turns: StreamTurns;
  readonly #now: () => number;

  constructor({ policy, limits = {}, shares = {}, now = () => performance.now() }: RelayGuardOptions) {
    this.policy = policy;
    this.#now = now;
    this.#admission = new AdmissionCore(limits);
    this.#peers = new PeerLimitsCore(limits);
    this.#rooms = new RoomsCore(limits);
    this.shares = new RelayShares(shares);
    this.#turns = new StreamTurns({ ...limits, strangersWeight: shares.strangersWeight }, now);
    const { maxStreamsPerPeer, maxStreamsTotal, grantBudgetBytes } = { ...muxDefaults, ...limits };
    this.connectionLimits = {
      maxStreams: maxStreamsPerPeer,
      earlyStreamBytes: relayDefaults.earlyStreamBytes,
      maxWindowBytes: relayDefaults.maxWindowBytes,
      helloTimeoutMs: relayDefaults.handshakeTimeoutMs,
      // Each stream that a peer opens goes on as one of ours, or as several.
      budget: new MuxBudget({ grantBudgetBytes, maxStreamsTotal: 4 * maxStreamsTotal }),
    };
  }

  get rooms(): number {
    return this.#rooms.size;
  }

  /** Streams that peers have open, and the connections that are being begun. */
  get streams(): number {
    return this.#peers.streams;
  }

  get load(): RelayLoad {
    return {
      isForwardingFull: this.shares.isSaturated,
      isOpeningFull: this.#turns.isSaturated,
      waitingStreams: this.#turns.waiting,
    };
  }

  get pendingHandshakes(): number {
    return this.#admission.pendingHandshakes;
  }

  /** Before any work for a connection. */
  admit(source: string): RelayAdmission | RefusalReason {
    const refusal = this.#admission.handleConnect(this.#now(), source);
    return refusal ?? new RelayAdmission(this.#admission, source, this.#now);
  }

  /** It is known who the peer is. The connection that is to be closed for it, if any, or why it is refused. */
  handlePeer(connection: number, peer: HopPeer, source: string): ReturnType<PeerLimitsCore['handleConnect']> {
    return this.#peers.handleConnect(
      this.#now(),
      connection,
      shareKey(peer, source),
      weightOf(peer),
      limitsOf(peer),
    );
  }

  /** Its connection has a part in the peer's share until the function is called; `onRelease`: it may go on. */
  enterShare(peer: HopPeer, source: string, onRelease: () => void): PeerShare {
    const key = shareKey(peer, source);
    const leaveShares = this.shares.enter(key, weightOf(peer), onRelease);
    const leaveTurns = this.#turns.enter(key, weightOf(peer));
    return {
      leave: () => {
        leaveShares();
        leaveTurns();
      },
      handleForwarded: (bytes) => this.shares.handleForwarded(key, bytes),
      takeTurn: (signal, go) => this.#turns.take(key, signal, go),
    };
  }

  /** What is shared out, and how; somebody `isListed` for whom streams are kept. May be said again. */
  configure(shares: RelaySharesOptions, isListed: boolean): void {
    this.shares.configure(shares);
    this.#turns.setStrangersWeight(shares.strangersWeight);
    this.#peers.setListedStreamPart(isListed ? relayDefaults.listedStreamPart : 0);
  }

  close(): void {
    this.shares.close();
    this.#turns.close();
  }

  handleClose(connection: number): void {
    this.#peers.handleClose(this.#now(), connection);
    this.#rooms.handleClose(connection);
  }

  /** Before anything is done for a stream that came; why it is refused, if it is. */
  askStream(connection: number): Excess | undefined {
    const excess = this.#peers.handleAsk(this.#now(), connection);
    if (excess) this.#turns.handleRefused();
    return excess;
  }

  /** A stream that was asked for makes no sense. */
  refuseStream(): void {
    this.#turns.handleRefused();
  }

  openStream(connection: number): RefusalReason | undefined {
    const refusal = this.#peers.handleStreamOpen(this.#now(), connection);
    if (refusal) this.#turns.handleRefused();
    return refusal;
  }

  closeStream(connection: number): void {
    this.#peers.handleStreamClose(this.#now(), connection);
  }

  /** Milliseconds for which the peer is to bring and take nothing more. */
  handleBytes(connection: number, bytes: number): number {
    return this.#peers.handleBytes(this.#now(), connection, bytes);
  }

  openRoom(name: string, connection: number, peer: HopPeer, source: string): RefusalReason | undefined {
    const [owner, countedBy] = [ownerKey(peer, source), placeKey(peer, source)];
    const refusal = this.#rooms.open(this.#now(), name, owner, connection, countedBy);
    if (!refusal) this.#peers.handleUse(this.#now(), connection);
    return refusal;
  }

  closeRoom(name: string, connection: number): void {
    if (this.#rooms.close(name, connection)) this.#peers.handleUnuse(this.#now(), connection);
  }

  /** Whose connection waits in the room. */
  findRoom(name: string, peer: HopPeer, source: string): Room | { readonly refused: RefusalReason } {
    return this.#rooms.find(this.#now(), name, peer.trust === 'trusted' ? undefined : source);
  }

  /** Rooms whose time is over. */
  expireRooms(): Room[] {
    const expired = this.#rooms.handleTick(this.#now());
    for (const { connection } of expired) this.#peers.handleUnuse(this.#now(), connection);
    return expired;
  }
}

/** What a peer has of the relay under load. */
export interface PeerShare {
  leave(): void;
  /** False: it is to wait until it is released. */
  handleForwarded(bytes: number): boolean;
  /** Calls `go` when a stream of the peer may go on, now or later, but not after the signal. */
  takeTurn(signal: AbortSignal, go: () => void): void;
}

/** The place of one connection at a relay. */
export class RelayAdmission implements Admission {
  readonly #core: AdmissionCore;
  readonly #now: () => number;
  readonly #source: string;
  #isReady = false;

  constructor(core: AdmissionCore, source: string, now: () => number) {
    this.#now = now;
    this.#core = core;
    this.#source = source;
  }

  /** The handshake is over. */
  ready(): void {
    if (this.#isReady) return;
    this.#isReady = true;
    this.#core.handleReady(this.#now(), this.#source);
  }

  over(): void {
    this.#core.handleClose(this.#now(), this.#source, this.#isReady ? 'ready' : 'pending');
  }
}

/** Whoever is not listed weighs nothing, whatever it proved. */
const weightOf = ({ weight }: HopPeer) => (weight > 0 ? weight : undefined);
/** A token's connections are those of many: each is counted by its address, before. */
const limitsOf = ({ token, limits }: HopPeer): OwnLimits | undefined =>
  token === undefined ? limits : { maxConnections: Infinity };
