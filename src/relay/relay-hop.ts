import { asXferError, errorTable, XferError } from '../errors/index.js';
import { formatAddress } from '../transport/address.js';
import { openErrorCode, OpenRefused, type Connection, type Stream } from '../transport/contract.js';
import type { MeasuringListener } from '../transport/measuring-listener.js';
import type { Forwarder } from './forwarder.js';
import {
  answerDetail,
  entryDetail,
  openCodeOf,
  ownDetail,
  reachFailure,
  refusedDetail,
  type OpenFailure,
} from './hop-errors.js';
import { HopRooms } from './hop-rooms.js';
import { HopPipes } from './hop-pipes.js';
import { NextConnections } from './next-connections.js';
import type { HopIdentity, HopPeer, HopView, RelayObserver } from './observer.js';
import { errorOf, type RefusalReason } from './refusal-reason.js';
import type { Excess } from './peer-limits-core.js';
import type { PeerShare, RelayGuard } from './relay-guard.js';
import { answerWithin } from './orphan-watch.js';
import { decodeRoute, encodeRoute, type Branch, type Route } from './route.js';
import { decodeWaitHeader } from './wait-header.js';

/** What the connections of a relay share. */
export interface RelayContext {
  /** What this relay calls itself in routes: 8 random bytes in hexadecimal digits. */
  readonly id: string;
  readonly forwarder: Forwarder;
  readonly observer: RelayObserver;
  readonly guard: RelayGuard;
  /** Undefined: nobody measures the path to this relay. */
  readonly measuring: MeasuringListener | undefined;
  readonly handshakeTimeoutMs: number;
  readonly idleTimeoutMs: number;
  identify(connection: Connection): HopIdentity;
  /** `isRelay`: there is the next relay of a path, not its end. */
  dial(url: string, peer: HopPeer, isRelay: boolean, signal: AbortSignal): Promise<Connection>;
  /** The connection with this number, if it is still there. */
  hop(id: number): RelayHop | undefined;
}

/** A stream that came and has no answer yet. */
interface Opening {
  readonly stream: Stream;
  readonly at: number;
  /** Aborted when the stream is over. */
  readonly signal: AbortSignal;
}

interface NextHop {
  readonly to: string;
  readonly isRelay: boolean;
}

/** One incoming connection of a relay, and where its streams go. */
export class RelayHop implements HopView {
  readonly id: number;
  readonly connection: Connection;
  readonly source: string;
  readonly transport: string;
  readonly connectedAt = performance.now();
  peer: HopPeer;
  streams = 0;
  pendingOpens = 0;
  bytesFrom = 0;
  bytesTo = 0;
  readonly #context: RelayContext;
  readonly #identity: HopIdentity;
  readonly #pipes: HopPipes;
  /** As the rooms: made when it is wanted, for most of many connections are idle. */
  #next: NextConnections | undefined;
  readonly #ending = new AbortController();
  /** The streams by which the peer waits in rooms. */
  #rooms: HopRooms | undefined;
  readonly #onReady: () => void;
  /** Settles once with the peer, or with why it may not be here. */
  #entered: Promise<HopPeer> | undefined;
  /** Those that a next hop has taken. */
  readonly #reached = new WeakSet<Stream>();
  /** Streams on either side that are not over. */
  #unfinished = 0;
  readonly #onIdle: (() => void)[] = [];
  #isOver = false;
  #timer: NodeJS.Timeout;
  #holding: NodeJS.Timeout | undefined;
  #share: PeerShare | undefined;

  /** `onReady`: it has said who it is, or that it does not. */
  constructor(id: number, connection: Connection, context: RelayContext, onReady: () => void) {
    this.id = id;
    this.connection = connection;
    this.source = connection.remote.host;
    this.transport = connection.remote.scheme;
    this.peer = { key: undefined, name: formatAddress(connection.remote), trust: 'stranger', weight: 0 };
    this.#context = context;
    this.#onReady = onReady;
    this.#identity = context.identify(connection);
    this.#pipes = new HopPipes({
      forwarder: context.forwarder,
      onBytes: (direction, count, copies) => this.#handleBytes(direction, count, copies),
      onEnd: (end, stream) => this.#reached.has(stream) && context.observer.onStreamEnd?.(this, end),
    });
    this.#timer = setTimeout(() => this.#handleSilent(), context.handshakeTimeoutMs);
    connection.onStream((stream, header) => this.#handleStream(stream, header));
    void connection.closed.then(() => this.#handleClosed());
  }

  get bufferedBytes(): number {
    return this.#pipes.bufferedBytes;
  }

  get rttMs(): number {
    return this.connection.stats().rttMs;
  }

  /** Takes no more streams; those that are there go on. Who waits in a room may wait elsewhere. */
  drain(): void {
    this.connection.drain();
    this.#next?.drain();
    this.#rooms?.leave();
  }

  /** Resolves when no stream is left, on either side. */
  async idle(): Promise<void> {
    if (this.#unfinished > 0) await new Promise<void>((resolve) => this.#onIdle.push(resolve));
  }

  /** The time of a room is over: who waits in it may take another. */
  expireRoom(name: string): void {
    this.#rooms?.expire(name);
  }

  #handleSilent(): void {
    // What it has opened waits for its proof, which has a deadline of its own.
    if (this.#entered) return;
    this.#refused('handshake');
    this.connection.abort(new XferError('ERR_XFER_TIMEOUT', 'the peer did not say what it wants in time'));
  }

  #handleClosed(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#holding);
    this.#share?.leave();
    this.#context.guard.handleClose(this.id);
    this.#ending.abort(new XferError('ERR_XFER_CONNECTION_LOST', 'the peer left'));
    this.#closeIfOver();
  }

  #handleStream(stream: Stream, header: Uint8Array): void {
    const opening = { stream, at: performance.now(), signal: closedSignal(stream) };
    this.pendingOpens++;
    this.#count(stream);
    const answered = this.#enter()
      .then((peer) => this.#open(opening, header, peer))
      .catch((error: unknown) => {
        const { code } = asXferError(error);
        stream.refuse(openErrorCode.accessDenied, entryDetail(code));
      });
    void Promise.race([answered, stream.closed]).then(() => this.pendingOpens--);
  }

  /** With its first stream a peer has said who it is, or it is a stranger. */
  #enter(): Promise<HopPeer> {
    this.#entered ??= this.#identify().then((peer) => this.#take(peer));
    // Behind the refusals of its streams.
    this.#entered.catch(() => this.connection.close());
    return this.#entered;
  }

  #take(peer: HopPeer): HopPeer {
    this.peer = peer;
    clearTimeout(this.#timer);
    this.#onReady();
    const admission = this.#context.guard.handlePeer(this.id, peer, this.source);
    if ('refused' in admission) throw this.#refused(admission.refused);
    if (admission.evicted !== undefined) this.#context.hop(admission.evicted)?.evict();
    this.#share = this.#context.guard.enterShare(peer, this.source, () => this.#pipes.release('share'));
    this.#watchIdle();
    return peer;
  }

  async #identify(): Promise<HopPeer> {
    if (!this.#identity.isBegun) return this.#identity.stranger();
    const peer = await this.#identity.known;
    this.#context.observer.onIdentify?.(this, performance.now() - this.connectedAt);
    return peer;
  }

  /** Somebody of more weight takes its place. */
  evict(): void {
    this.#refused('full');
    this.connection.abort(new XferError('ERR_XFER_LIMIT', 'the relay is full'));
  }

  /** Resolves when it has an answer, unless it is over before its turn. */
  #open(opening: Opening, header: Uint8Array, peer: HopPeer): Promise<void> | void {
    const { stream, signal } = opening;
    const { guard, measuring } = this.#context;
    const excess = guard.askStream(this.id);
    if (excess) return this.#handleExcess(stream, excess);
    const count = (bytes: number) => this.#handleBytes('from', bytes);
    if (measuring?.take(stream, header, this.source, count)) return this.#pipes.end(stream);
    const route = decodeRoute(header);
    if (!route || route.ttl < 1 || route.visited.includes(this.#context.id)) {
      guard.refuseStream();
      return this.#refuse(stream, route ? 'loop' : 'no-route');
    }
    const refusal = guard.openStream(this.id);
    if (refusal) return this.#refuse(stream, refusal);
    this.streams++;
    void stream.closed.then(() => {
      this.streams--;
      guard.closeStream(this.id);
      if (!this.#reached.has(stream)) this.#context.observer.onStreamEnd?.(this, 'refused');
    });
    return new Promise((resolve) => {
      this.#share?.takeTurn(signal, () => resolve(this.#follow(opening, route, peer)));
    });
  }

  #handleExcess(stream: Stream, { refused, isPersistent }: Excess): void {
    this.#refuse(stream, refused);
    if (isPersistent)
      this.connection.abort(new XferError('ERR_XFER_LIMIT', 'the peer opens streams far too often'));
  }

  async #follow(opening: Opening, { relays, branches, ttl, visited }: Route, peer: HopPeer): Promise<void> {
    const [hop, ...rest] = relays;
    const [branch] = branches;
    if (hop) {
      const onward = { ttl: ttl - 1, visited: [...visited, this.#context.id], relays: rest, branches };
      await this.#forward(opening, hop, encodeRoute(onward), peer, true);
    } else if (branches.length > 1) await this.#fork(opening, branches, peer);
    else if (branch?.to === '') this.#wait(opening.stream, branch.header);
    else if (branch) await this.#forward(opening, [branch.to], branch.header, peer, false);
  }

  /** Takes the stream to the first of the alternatives that will have it. */
  async #forward(
    opening: Opening,
    urls: readonly string[],
    header: Uint8Array,
    peer: HopPeer,
    isRelay: boolean,
  ): Promise<void> {
    const { stream, signal, at } = opening;
    let failure = { code: openErrorCode.routeNotFound as number, detail: ownDetail('ERR_XFER_PROTOCOL') };
    for (const [alternative, url] of urls.entries()) {
      try {
        const next = await this.#begin({ to: url, isRelay }, header, peer, signal);
        // What comes early is sent on at once, but where another hop may have to get it instead.
        if (urls.length === 1) this.#pipes.join(stream, next, alternative, header);
        const answer = await answerWithin(next, this.#context.forwarder.orphanMs);
        if (urls.length > 1) this.#pipes.join(stream, next, alternative, header);
        stream.accept(this.#answerOf(answer, alternative));
        return this.#handleReached(stream, at);
      } catch (error) {
        if (signal.aborted) return;
        failure = this.#failureOf(error, alternative, peer);
      }
    }
    stream.refuse(failure.code, failure.detail);
  }

  /** Takes the stream to several places, each of which gets all of it; nothing comes back. */
  async #fork(opening: Opening, branches: readonly Branch[], peer: HopPeer): Promise<void> {
    const { stream, signal, at } = opening;
    const tries = branches.map(({ to, header }) => this.#begin({ to, isRelay: false }, header, peer, signal));
    const settled = await Promise.allSettled(tries);
    const begun = settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    this.#pipes.fork(stream, begun, branches[0]?.header ?? new Uint8Array());
    try {
      // One that does not answer keeps no other waiting.
      const { orphanMs } = this.#context.forwarder;
      await Promise.any(begun.map((next) => answerWithin(next, orphanMs)));
    } catch {
      return this.#refuse(stream, 'unreachable');
    }
    stream.accept(this.#answerOf(new Uint8Array(), 0));
    this.#handleReached(stream, at);
    stream.closeWrite();
  }

  #handleReached(stream: Stream, at: number): void {
    this.#reached.add(stream);
    this.#context.observer.onOpened?.(this, performance.now() - at);
  }

  /** The peer waits in a room until the stream is over. */
  #wait(stream: Stream, header: Uint8Array): void {
    const name = decodeWaitHeader(header);
    const refusal = name === undefined ? 'no-route' : this.#theRooms().wait(name, stream);
    if (refusal) this.#refuse(stream, refusal);
  }

  #theRooms(): HopRooms {
    const { guard, observer } = this.#context;
    return (this.#rooms ??= new HopRooms({
      open: (name) => guard.openRoom(name, this.id, this.peer, this.source),
      close: (name) => guard.closeRoom(name, this.id),
      onChange: () => observer.onRoom?.(guard.rooms),
    }));
  }

  /** A stream to whoever waits on this connection. */
  #meet(header: Uint8Array): Stream {
    const stream = this.connection.openStream({ header });
    this.#count(stream);
    return stream;
  }

  /** A stream to where the peer wants. */
  async #begin(
    { to, isRelay }: NextHop,
    header: Uint8Array,
    peer: HopPeer,
    signal: AbortSignal,
  ): Promise<Stream> {
    if (to.startsWith(roomPrefix)) return this.#meetIn(to.slice(roomPrefix.length), header, peer);
    const connection = await this.#theNext().get(to, isRelay);
    signal.throwIfAborted();
    const stream = connection.openStream({ header });
    this.#count(stream);
    return stream;
  }

  #theNext(): NextConnections {
    return (this.#next ??= new NextConnections({
      dial: (url, isRelay) => this.#context.dial(url, this.peer, isRelay, this.#ending.signal),
      onReturn: (stream, header) => this.#handleReturn(stream, header),
    }));
  }

  #meetIn(name: string, header: Uint8Array, peer: HopPeer): Stream {
    const room = this.#context.guard.findRoom(name, peer, this.source);
    if ('refused' in room) throw this.#refused(room.refused);
    const owner = this.#context.hop(room.connection);
    if (!owner) throw this.#refused('room-unknown');
    return owner.#meet(header);
  }

  /** Somebody came to a room behind the next hop, in which the peer waits. */
  #handleReturn(from: Stream, header: Uint8Array): void {
    const at = performance.now();
    this.#count(from);
    const to = this.#meet(header);
    this.#pipes.join(from, to, 0, header);
    answerWithin(to, this.#context.forwarder.orphanMs).then(
      (answer) => {
        from.accept(this.#answerOf(answer, 0));
        this.#handleReached(from, at);
      },
      (error: unknown) => {
        const { code, detail } = this.#failureOf(error, 0, this.peer);
        from.refuse(code, detail);
      },
    );
  }

  #answerOf(answer: Uint8Array, alternative: number): Uint8Array | undefined {
    return answerDetail(answer, alternative, this.#context.forwarder.isStoring);
  }

  #handleBytes(direction: 'from' | 'to', count: number, copies = 1): void {
    if (direction === 'from') this.bytesFrom += count;
    else this.bytesTo += count;
    const waitMs = this.#context.guard.handleBytes(this.id, count * copies);
    if (this.#share?.handleForwarded(count * copies) === false) this.#pipes.hold('share');
    if (waitMs <= 0 || this.#holding) return;
    this.#pipes.hold('limit');
    this.#holding = setTimeout(() => {
      this.#holding = undefined;
      this.#pipes.release('limit');
    }, waitMs);
  }

  #refuse(stream: Stream, reason: RefusalReason): void {
    const error = this.#refused(reason);
    stream.refuse(openCodeOf(error), ownDetail(error.code));
  }

  #refused(reason: RefusalReason): XferError {
    this.#context.observer.onRefuse?.(reason, this.source);
    return new XferError(errorOf(reason), reason);
  }

  #failureOf(error: unknown, alternative: number, peer: HopPeer): OpenFailure {
    if (error instanceof OpenRefused)
      return { code: error.openCode, detail: refusedDetail(error, alternative) };
    const { code } = asXferError(error);
    if (code === 'ERR_XFER_RELAY_REFUSED') this.#refused('policy');
    else if (errorTable[code].origin === 'network') this.#refused('unreachable');
    // A stranger does not hear of a network that it cannot see.
    const mayKnow = peer.trust === 'trusted' || this.#context.guard.policy.allows(this.source, 'stranger');
    return reachFailure(code, alternative, mayKnow);
  }

  #watchIdle(): void {
    clearTimeout(this.#timer);
    if (this.#isOver || this.#unfinished > 0) return;
    this.#timer = setTimeout(() => void this.connection.close(), this.#context.idleTimeoutMs);
  }

  #count(stream: Stream): void {
    this.#unfinished++;
    if (this.#entered) clearTimeout(this.#timer);
    void stream.closed.then(() => {
      this.#unfinished--;
      if (this.#entered) this.#watchIdle();
      this.#closeIfOver();
      if (this.#unfinished === 0) for (const resolve of this.#onIdle.splice(0)) resolve();
    });
  }

  /** What is on its way still goes: an end of ours came behind all data, and may be held up on the next hop. */
  #closeIfOver(): void {
    if (this.#isOver && this.#unfinished === 0) this.#next?.close();
  }
}

const roomPrefix = 'room:';

function closedSignal(stream: Stream): AbortSignal {
  const gone = new AbortController();
  void stream.closed.then(() => gone.abort(new XferError('ERR_XFER_CONNECTION_LOST', 'the peer left')));
  return gone.signal;
}
