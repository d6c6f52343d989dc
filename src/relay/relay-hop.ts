import { asXferError, XferError, type ErrorCode } from '../errors/index.js';
import { formatAddress } from '../transport/address.js';
import {
  openErrorCode,
  OpenRefused,
  resetCode,
  type Connection,
  type Stream,
} from '../transport/contract.js';
import type { BlockPool } from './block-pool.js';
import { openCodeOf, ownDetail, passedDetail, reachDetail, refusedDetail } from './hop-errors.js';
import type { HopPeer, HopView, RelayObserver, StreamEnd } from './observer.js';
import { PipedStream } from './piped-stream.js';
import { decodeRoute, encodeRoute, type Branch, type Route } from './route.js';

/** What the connections of a relay share. */
export interface RelayContext {
  /** What this relay calls itself in routes: 8 random bytes in hexadecimal digits. */
  readonly id: string;
  readonly pool: BlockPool;
  readonly observer: RelayObserver;
  /** Settles when it is known who the peer is, or that it does not say; at once where it sends no message first. */
  identify(connection: Connection): Promise<HopPeer>;
  dial(url: string, peer: HopPeer, signal: AbortSignal): Promise<Connection>;
}

/** What a stream is waiting for, and what happened to it. */
interface Opening {
  readonly stream: Stream;
  readonly at: number;
  readonly signal: AbortSignal;
}

/**
 * One incoming connection of a relay. Each place that its streams want to go to gets one connection of its own: peers
 * share none, so what one does on it no other feels, and streams that come back on it belong to this connection.
 */
export class RelayHop implements HopView {
  readonly id: number;
  readonly source: string;
  readonly transport: string;
  readonly connectedAt = performance.now();
  peer: HopPeer;
  streams = 0;
  pendingOpens = 0;
  bytesFrom = 0;
  bytesTo = 0;
  readonly connection: Connection;
  readonly #context: RelayContext;
  readonly #known: Promise<HopPeer>;
  readonly #next = new Map<string, Promise<Connection>>();
  readonly #pipes = new Set<PipedStream>();
  readonly #ending = new AbortController();
  /** Streams on either side that are not over. */
  #unfinished = 0;
  #isOver = false;

  constructor(id: number, connection: Connection, context: RelayContext) {
    this.id = id;
    this.connection = connection;
    this.source = connection.remote.host;
    this.transport = connection.remote.scheme;
    this.peer = { key: undefined, name: formatAddress(connection.remote), trust: 'stranger', weight: 0 };
    this.#context = context;
    this.#known = context.identify(connection).then((peer) => (this.peer = peer));
    connection.onStream((stream, header) => this.#handleStream(stream, header));
    void connection.closed.then(() => {
      this.#isOver = true;
      this.#ending.abort(new XferError('ERR_XFER_CONNECTION_LOST', 'the peer left'));
      this.#closeIfOver();
    });
  }

  get bufferedBytes(): number {
    let bytes = 0;
    for (const pipe of this.#pipes) bytes += pipe.bufferedBytes;
    return bytes;
  }

  get rttMs(): number {
    return this.connection.stats().rttMs;
  }

  #handleStream(stream: Stream, header: Uint8Array): void {
    const route = decodeRoute(header);
    if (!route) return this.#refuse(stream, 'ERR_XFER_PROTOCOL');
    if (route.ttl < 1 || route.visited.includes(this.#context.id))
      return this.#refuse(stream, 'ERR_XFER_LOOP');
    const opening = { stream, at: performance.now(), signal: closedSignal(stream) };
    this.streams++;
    this.pendingOpens++;
    this.#count(stream);
    void stream.closed.then(() => this.streams--);
    this.#known
      .then((peer) => this.#route(opening, route, peer))
      .catch((error: unknown) => this.#refuse(stream, asXferError(error).code))
      .finally(() => this.pendingOpens--);
  }

  #refuse(stream: Stream, code: ErrorCode): void {
    this.#context.observer.onRefuse?.(code, this.source);
    stream.refuse(openErrorCode.refused, ownDetail(code));
  }

  async #route(opening: Opening, { relays, branches, ttl, visited }: Route, peer: HopPeer): Promise<void> {
    const [hop, ...rest] = relays;
    const [branch] = branches;
    if (hop) {
      const onward = { ttl: ttl - 1, visited: [...visited, this.#context.id], relays: rest, branches };
      await this.#forward(opening, hop, encodeRoute(onward), peer);
    } else if (branches.length > 1) await this.#fork(opening, branches, peer);
    else if (branch) await this.#forward(opening, [branch.to], branch.header, peer);
  }

  /** Takes the stream to the first of the alternatives that will have it. */
  async #forward(
    opening: Opening,
    urls: readonly string[],
    header: Uint8Array,
    peer: HopPeer,
  ): Promise<void> {
    const { stream, signal } = opening;
    let failure = { code: openErrorCode.routeNotFound as number, detail: ownDetail('ERR_XFER_PROTOCOL') };
    for (const [alternative, url] of urls.entries()) {
      try {
        const next = await this.#open(url, header, peer, signal);
        // What comes early is sent on at once, but where another hop may have to get it instead.
        if (urls.length === 1) this.#pipe(stream, next, alternative);
        const answer = await next.opened;
        if (urls.length > 1) this.#pipe(stream, next, alternative);
        return this.#accept(opening, passedDetail(answer, alternative));
      } catch (error) {
        if (signal.aborted) return;
        failure =
          error instanceof OpenRefused
            ? { code: error.openCode, detail: refusedDetail(error, alternative) }
            : failureOf(asXferError(error), alternative);
      }
    }
    this.#context.observer.onRefuse?.('unreachable', this.source);
    stream.refuse(failure.code, failure.detail);
  }

  /** Takes the stream to several places, each of which gets all of it; nothing comes back. */
  async #fork(opening: Opening, branches: readonly Branch[], peer: HopPeer): Promise<void> {
    const { stream, signal } = opening;
    const tries = branches.map(async ({ to, header }) => {
      const next = await this.#open(to, header, peer, signal);
      await next.opened;
      return next;
    });
    const settled = await Promise.allSettled(tries);
    const opened = settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    if (opened.length === 0)
      return stream.refuse(openErrorCode.routeNotFound, ownDetail('ERR_XFER_UNREACHABLE'));
    const pipe = new PipedStream(stream, opened, this.#context.pool, {
      onBytes: (count) => (this.bytesFrom += count),
      onReset: (code) => {
        for (const branch of pipe.branches) branch.reset(code);
      },
    });
    this.#hold(pipe, stream);
    for (const branch of opened) {
      branch.onData(() => undefined);
      branch.onReset((code, detail, isOver) => pipe.handleBranchReset(branch, code, detail, isOver));
    }
    this.#accept(opening, undefined);
    stream.closeWrite();
  }

  #accept({ stream, at }: Opening, answer: Uint8Array | undefined): void {
    stream.accept(answer);
    this.#context.observer.onOpened?.(this, performance.now() - at);
  }

  #pipe(stream: Stream, next: Stream, alternative: number): void {
    const { pool, observer } = this.#context;
    let end: StreamEnd = 'closed';
    const forward = new PipedStream(stream, [next], pool, {
      onBytes: (count) => (this.bytesFrom += count),
      onReset: (code, detail, isOver) => {
        end = isOver ? 'lost' : 'reset';
        next.reset(isOver ? resetCode.cancelled : code, isOver ? undefined : detail);
      },
    });
    const back = new PipedStream(next, [stream], pool, {
      onBytes: (count) => (this.bytesTo += count),
      onReset: (code, detail, isOver) => {
        end = isOver ? 'lost' : 'reset';
        stream.reset(
          isOver ? resetCode.internal : code,
          isOver ? reachDetail('ERR_XFER_CONNECTION_LOST', alternative) : passedDetail(detail, alternative),
        );
      },
    });
    this.#hold(forward, stream);
    this.#hold(back, next);
    void stream.closed.then(() => observer.onStreamEnd?.(this, end));
  }

  #hold(pipe: PipedStream, from: Stream): void {
    this.#pipes.add(pipe);
    void from.closed.then(() => this.#pipes.delete(pipe));
  }

  async #open(url: string, header: Uint8Array, peer: HopPeer, signal: AbortSignal): Promise<Stream> {
    const connection = await this.#connect(url, peer);
    signal.throwIfAborted();
    const stream = connection.openStream({ header });
    this.#count(stream);
    return stream;
  }

  async #connect(url: string, peer: HopPeer): Promise<Connection> {
    const known = this.#next.get(url);
    if (known) return known;
    const dialled = this.#context.dial(url, peer, this.#ending.signal);
    this.#next.set(url, dialled);
    const forget = () => {
      if (this.#next.get(url) === dialled) this.#next.delete(url);
    };
    dialled.then((connection) => connection.closed.then(forget), forget);
    return dialled;
  }

  #count(stream: Stream): void {
    this.#unfinished++;
    void stream.closed.then(() => {
      this.#unfinished--;
      this.#closeIfOver();
    });
  }

  /** What is on its way still goes: an end of ours came behind all data, and may be held up on the next hop. */
  #closeIfOver(): void {
    if (!this.#isOver || this.#unfinished > 0) return;
    for (const dialled of this.#next.values())
      void dialled.then((connection) => connection.close()).catch(() => undefined);
    this.#next.clear();
  }
}

/** Aborted when the stream is over. */
function closedSignal(stream: Stream): AbortSignal {
  const gone = new AbortController();
  void stream.closed.then(() => gone.abort(new XferError('ERR_XFER_CONNECTION_LOST', 'the peer left')));
  return gone.signal;
}

function failureOf(error: XferError, alternative: number): { code: number; detail: Uint8Array } {
  return { code: openCodeOf(error), detail: reachDetail(error.code, alternative) };
}
