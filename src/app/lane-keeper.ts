import { asXferError, XferError } from '../errors/index.js';
import type { Session } from '../session/session.js';
import { LaneCountCore } from '../transfer/lane-count-core.js';
import type { Connection } from '../transport/contract.js';
import { Backoff } from './backoff.js';

/** Lanes that are opened without being asked for. */
const mostAutomaticLanes = 8;
const adaptMs = 500;

export interface LaneKeeperOptions {
  /** How long a session without a lane is tried to be reached, in milliseconds. */
  readonly retryMs: number;
  readonly signal: AbortSignal;
  dial(signal: AbortSignal): Promise<Connection>;
  /** Not called for the first lane, without which there is no session. */
  onLane(lane: number, state: 'up' | 'down', error?: XferError): void;
}

/**
 * The dialer's lanes: puts new ones under a session that has lost its own, and as many beside the first as are wanted.
 */
export class LaneKeeper {
  /** A lane has been silent for longer than is healthy, or was heard again. */
  onSuspect: ((lane: number, isSuspect: boolean) => void) | undefined;
  readonly #options: LaneKeeperOptions;
  readonly #connections = new Map<number, Connection>();
  /** Of lanes that are over; what went last on them may still be on its way. */
  readonly #leaving = new Set<Promise<void>>();
  readonly #closing = new AbortController();
  #session: Session | undefined;
  #reconnecting = false;
  #widening = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: LaneKeeperOptions) {
    this.#options = options;
  }

  /** The session, with the connection that carries its first lane. */
  begin(session: Session, connection: Connection): void {
    this.#session = session;
    this.#hold(0, connection);
  }

  /** Opens lanes until there are `wanted`. Never rejects: a lane more is no need. */
  async widen(wanted: number): Promise<void> {
    while (this.#session && !this.#session.isOver && this.#session.lanes.length < wanted) {
      try {
        await this.#addLane(this.#session);
      } catch {
        return;
      }
    }
  }

  /** Opens and closes lanes as long as it makes the transfer faster. `measure` is asked twice a second. */
  adapt(measure: () => { receivedBytes: number; networkMs: number }): void {
    const core = new LaneCountCore(mostAutomaticLanes);
    let before = 0;
    this.rest();
    this.#timer = setInterval(() => {
      const session = this.#session;
      if (!session || session.isOver || session.lanes.length === 0 || this.#widening) return;
      if (this.#hasOwnPace) return;
      const { receivedBytes, networkMs } = measure();
      const isNetworkBound = networkMs - before > adaptMs / 2;
      before = networkMs;
      const verdict = core.handleTick({ receivedBytes, isNetworkBound, lanes: session.lanes.length });
      if (verdict === 'add') {
        this.#widening = true;
        void this.widen(session.lanes.length + 1).finally(() => (this.#widening = false));
      }
      const newest = session.lanes.at(-1);
      if (verdict === 'drop' && newest !== undefined) session.closeLane(newest);
    }, adaptMs);
  }

  /** Nothing is measured any more: the transfer has ended, and the session waits for another. */
  rest(): void {
    clearInterval(this.#timer);
  }

  handleLaneDown(lane: number, error: XferError | undefined): void {
    const connection = this.#connections.get(lane);
    this.#connections.delete(lane);
    // With a lane that is lost there is nobody to close the connection with in order.
    if (error) connection?.abort(error);
    else if (connection) {
      const leaving = connection.close().finally(() => this.#leaving.delete(leaving));
      this.#leaving.add(leaving);
    }
    // What ends in order as the last one, or behind the session's end, is nothing to be told.
    const session = this.#session;
    if (error || (session && !session.isOver && session.lanes.length > 0))
      this.#options.onLane(lane, 'down', error);
  }

  /** The session has no lane left: connects again until it has one, or the time is up. */
  handleDetached(error: XferError): void {
    if (this.#reconnecting || this.#closing.signal.aborted) return;
    this.#reconnecting = true;
    void this.#reconnect(error).finally(() => (this.#reconnecting = false));
  }

  /** Ends all connections, and waits until what was said on them has gone. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#closing.abort(new XferError('ERR_XFER_INTERRUPTED', 'the transfer is over'));
    const connections = [...this.#connections.values()];
    this.#connections.clear();
    await Promise.all([...connections.map((connection) => connection.close()), ...this.#leaving]);
  }

  /**
   * Where a transport has streams of its own, no loss slows a connection as it does TCP: another would only begin anew, and
   * take from others.
   */
  get #hasOwnPace(): boolean {
    const [first] = this.#connections.values();
    return first?.capabilities.streams === 'native' && first.isRelayed !== true;
  }

  #hold(lane: number, connection: Connection): void {
    this.#connections.set(lane, connection);
    connection.onSuspect((isSuspect) => this.onSuspect?.(lane, isSuspect));
  }

  async #reconnect(error: XferError): Promise<void> {
    const session = this.#session;
    const backoff = new Backoff();
    const { signal } = this.#closing;
    const until = performance.now() + this.#options.retryMs;
    while (session && !session.isOver && session.lanes.length === 0 && !signal.aborted) {
      try {
        await backoff.wait(signal);
        await this.#addLane(session);
      } catch (thrown) {
        const failure = asXferError(thrown);
        // It may have been while it waited, which the compiler does not know.
        if (this.#closing.signal.aborted) return;
        const isForgotten = failure.code === 'ERR_XFER_REFUSED';
        if (isForgotten || performance.now() > until)
          return session.abort(isForgotten ? forgotten(failure) : error);
      }
    }
  }

  async #addLane(session: Session): Promise<void> {
    const signal = AbortSignal.any([this.#options.signal, this.#closing.signal]);
    const connection = await this.#options.dial(signal);
    try {
      const lane = await session.dialLane(connection, signal);
      this.#hold(lane, connection);
      this.#options.onLane(lane, 'up');
    } catch (thrown) {
      connection.abort(asXferError(thrown));
      throw thrown;
    }
  }
}

const forgotten = (cause: XferError) =>
  new XferError('ERR_XFER_CONNECTION_LOST', 'the connection was lost, and the receiver began anew', {
    cause,
  });
