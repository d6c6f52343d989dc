import { asXferError, XferError } from '../errors/index.js';
import { PathDialer } from '../relay/dial-path.js';
import type { ProveHop } from '../relay/prove-hop.js';
import { StreamConnection } from '../relay/stream-connection.js';
import { encodeWaitHeader } from '../relay/wait-header.js';
import { refusalOf, resetOf } from '../session/stream-error.js';
import { resetCode, type Connection, type Stream, type TransportTuning } from '../transport/contract.js';
import type { TransportRegistry } from '../transport/registry.js';
import { Backoff } from './backoff.js';

export interface RoomWaiterOptions {
  readonly transports: TransportRegistry;
  /** The relays to the one that has the room, as of a Path. */
  readonly relays: readonly (readonly string[])[];
  readonly signal: AbortSignal;
  /** Tells the first relay who waits. Default: it is not told. */
  readonly prove?: ProveHop | undefined;
  readonly tuning?: TransportTuning | undefined;
  /** Somebody has come, by a connection of one stream. */
  onConnection(connection: Connection): void;
  /** The relay was lost, or is there again; `error` says why. */
  onLost(error: XferError): void;
  onBack(): void;
}

/** Waits in a room of a relay, and goes on doing so when the connection to the relay is lost. */
export class RoomWaiter {
  readonly #options: RoomWaiterOptions;
  readonly #dialer: PathDialer;
  readonly #closing = new AbortController();
  /** Connections of rooms that are over, on which transfers may still run. */
  readonly #leaving = new Set<Connection>();
  #there: { readonly connection: Connection; readonly waiting: Stream } | undefined;

  constructor(options: RoomWaiterOptions) {
    this.#options = options;
    const { transports, relays, prove, tuning } = options;
    this.#dialer = new PathDialer(transports, { relays, to: '' }, { prove, tuning });
  }

  /** Resolves when the relay has the room; rejects with an XferError (ERR_XFER_ROOM_TAKEN …). */
  async open(room: string): Promise<void> {
    const signal = AbortSignal.any([this.#options.signal, this.#closing.signal]);
    const connection = await this.#dialer.dial(signal);
    connection.onStream((stream, header) => this.#options.onConnection(new StreamConnection(stream, header)));
    const waiting = connection.openStream({ header: encodeWaitHeader(room) });
    let why: XferError | undefined;
    waiting.onReset((_code, detail, isOver) => (why = resetOf(waiting, detail, isOver)));
    const stop = () => connection.abort(asXferError(signal.reason));
    signal.addEventListener('abort', stop, { once: true });
    try {
      await waiting.opened;
      signal.throwIfAborted();
    } catch (error) {
      connection.abort(asXferError(error));
      signal.throwIfAborted();
      throw refusalOf(waiting, error) ?? asXferError(error);
    } finally {
      signal.removeEventListener('abort', stop);
    }
    this.#there = { connection, waiting };
    void waiting.closed.then(() => this.#handleLost(room, connection, why ?? lost()));
  }

  /** Leaves the room. */
  async close(): Promise<void> {
    this.#closing.abort(new XferError('ERR_XFER_INTERRUPTED', 'the receiver ends'));
    const there = this.#there;
    this.#there = undefined;
    there?.waiting.reset(resetCode.cancelled);
    const connections = there ? [there.connection, ...this.#leaving] : [...this.#leaving];
    await Promise.all(connections.map((connection) => connection.close()));
  }

  #handleLost(room: string, connection: Connection, error: XferError): void {
    if (this.#there?.connection !== connection) return;
    this.#there = undefined;
    // What still runs over it goes on to its end; then the relay closes it.
    connection.drain();
    this.#leaving.add(connection);
    void connection.closed.then(() => this.#leaving.delete(connection));
    this.#options.onLost(error);
    void this.#reopen(room);
  }

  async #reopen(room: string): Promise<void> {
    const backoff = new Backoff();
    const signal = AbortSignal.any([this.#options.signal, this.#closing.signal]);
    while (!signal.aborted) {
      try {
        await backoff.wait(signal);
        await this.open(room);
        return this.#options.onBack();
      } catch {
        // The relay is not back yet, or has not noticed that the room is free.
      }
    }
  }
}

const lost = () => new XferError('ERR_XFER_CONNECTION_LOST', 'the relay has closed the room');
