import { asXferError, XferError } from '../errors/index.js';
import type { Session } from '../session/session.js';
import { formatAddress, type Address } from '../transport/address.js';
import type { Connection } from '../transport/contract.js';
import { lateSignal } from '../transport/late-signal.js';
import type { Numbers } from '../transport/selection.js';
import { Backoff } from './backoff.js';
import type { Decision, LaneProgress } from './events.js';
import { OwnNetworks } from './own-networks.js';
import { WayChooser, type DrivenTransfer } from './way-chooser.js';
import { laneSealing } from './sealing-told.js';
import type { LateWay, Ways, WayThere } from './ways.js';

/** A way that is only tried has answered by then; those that the user named have the transport's time. */
const triedDialMs = 3_000;
/** A lane that is given up may bring to an end what is on its way. */
const leaveMs = 1_000;
/** Of so many lanes that are gone it is told what they had reached: a session that is lost again and again has any number. */
const keptLanes = 16;

/** Which way a lane takes, and what it was measured to reach. */
export interface LaneAbout {
  readonly transport: string;
  /** Not there where it leads over relays. */
  readonly address?: string;
  /** Not there where content is sealed on it. */
  readonly sealed?: false;
  readonly numbers?: Numbers;
}

export interface LaneKeeperOptions {
  /** How long a session without a lane is tried to be reached, in milliseconds. */
  readonly retryMs: number;
  readonly signal: AbortSignal;
  readonly ways: Ways;
  /** Not called for the first lane, without which there is no session. */
  onLane(lane: number, state: 'up' | 'down', about: LaneAbout, error?: XferError): void;
  onDecision?(decision: Decision): void;
}

/** What a session has begun with. */
export interface FirstLane {
  readonly there: WayThere;
  /** What may be tried beside it. */
  readonly candidates: readonly Address[];
  /** From the end of the handshake to the other side's HELLO: a round trip and a little more. */
  readonly helloMs: number;
}

/** A lane that is there. */
export interface HeldLane {
  readonly connection: Connection;
  readonly address: Address;
  /** The round trip cannot be longer. */
  readonly openedMs: number;
}

/**
 * The dialer's lanes: puts new ones under a session that has lost its own, and as many beside the first, over the ways, as
 * measuring finds best.
 */
export class LaneKeeper {
  /** A lane has been silent for longer than is healthy, or was heard again. */
  onSuspect: ((lane: number, isSuspect: boolean) => void) | undefined;
  readonly #options: LaneKeeperOptions;
  readonly #held = new Map<number, HeldLane>();
  /** What those had reached that are gone. */
  readonly #gone = new Map<number, LaneProgress>();
  /** Given up, and not over yet. */
  readonly #retired = new Map<number, NodeJS.Timeout>();
  readonly #silent = new Set<number>();
  /** Ways on which this session had a lane: who is there is the receiver, or has come in its place. */
  readonly #answered = new Set<string>();
  readonly #transports = new Map<number, string>();
  /** Of those, what their own connection has said. */
  readonly #suspect = new Set<number>();
  /** Of lanes that are over; what went last on them may still be on its way. */
  readonly #leaving = new Set<Promise<void>>();
  readonly #closing = new AbortController();
  readonly #networks = new OwnNetworks();
  #session: Session | undefined;
  /** Why the first lane was lost in the turn in which the session was there, and nobody had begun. */
  #lostEarly: XferError | undefined;
  #first: FirstLane | undefined;
  readonly #late: LateWay[] = [];
  #chooser: WayChooser | undefined;
  #reconnecting = false;

  constructor(options: LaneKeeperOptions) {
    this.#options = options;
  }

  /** The session, with the connection that carries its first lane. */
  begin(session: Session, first: FirstLane): void {
    this.#session = session;
    this.#first = first;
    const { connection, address } = first.there;
    this.#hold(0, { connection, address, openedMs: first.helloMs });
    const lost = this.#lostEarly;
    if (!lost) return;
    this.handleLaneDown(0, lost);
    if (!session.isOver) this.handleDetached(lost);
  }

  /**
   * From now on lanes are opened and closed as it makes the transfer faster, and another way is taken where one is better.
   * `wanted`: so many on one way, no more and no less. Default: as many as help.
   */
  drive(transfer: DrivenTransfer, wanted?: number): void {
    const first = this.#first;
    if (!first || this.#closing.signal.aborted) return;
    this.rest();
    this.#chooser = new WayChooser({
      ...{ transfer, wanted, first },
      lanes: this.#held,
      networks: this.#networks,
      isOver: () => this.#session?.isOver ?? true,
      open: (address) => this.#open(address),
      retire: (lane) => this.#retire(lane),
      onSilent: (lane, isSilent) => this.#handleSilent(lane, isSilent),
      onDecision: (decision) => this.#options.onDecision?.(decision),
    });
    this.#chooser.handleLate(this.#late);
    this.#chooser.begin();
    this.#replaySilence();
  }

  /** More that may be tried, beside the candidates of the first lane. */
  handleLate(ways: readonly LateWay[]): void {
    this.#late.push(...ways);
    this.#chooser?.handleLate(ways);
  }

  /** Nothing is measured any more: the transfer has ended, and its session may wait for another. */
  rest(): void {
    this.#chooser?.close();
    this.#chooser = undefined;
  }

  /** How far each lane is; before those that are there the last that are gone. */
  get progress(): readonly LaneProgress[] {
    return [...this.#gone.values(), ...[...this.#held].map(([lane, held]) => progressOf(lane, held))];
  }

  /** Of lanes that are gone, too. */
  transportOf(lane: number): string | undefined {
    return this.#transports.get(lane);
  }

  handleLaneDown(lane: number, error: XferError | undefined): void {
    if (!this.#session) {
      this.#lostEarly = error ?? new XferError('ERR_XFER_CONNECTION_LOST', 'the other side left');
      return;
    }
    const held = this.#held.get(lane);
    const isRetired = this.#retired.has(lane);
    const about = held ? this.#aboutOf(lane, held) : { transport: '' };
    if (held) this.#handleGone(lane, held);
    this.#held.delete(lane);
    this.#silent.delete(lane);
    this.#suspect.delete(lane);
    clearTimeout(this.#retired.get(lane));
    this.#retired.delete(lane);
    // With a lane that is lost there is nobody to close the connection with in order.
    if (error) held?.connection.abort(error);
    else if (held) {
      const leaving = held.connection.close().finally(() => this.#leaving.delete(leaving));
      this.#leaving.add(leaving);
    }
    // What ends in order as the last one, or behind the session's end, is nothing to be told.
    const session = this.#session;
    if (error || (!session.isOver && session.lanes.length > 0))
      this.#options.onLane(lane, 'down', about, isRetired ? undefined : error);
    // The other side ends a lane in order when all is over, and at no other time.
    if (!error && !isRetired) this.rest();
    else if (held) this.#chooser?.handleLane(lane, held, 'down');
  }

  /** The session has no lane left: connects again until it has one, or the time is up. */
  handleDetached(error: XferError): void {
    if (!this.#session || this.#reconnecting || this.#closing.signal.aborted) return;
    this.#reconnecting = true;
    void this.#reconnect(error).finally(() => (this.#reconnecting = false));
  }

  /** Ends all connections, and waits until what was said on them has gone. */
  async close(): Promise<void> {
    this.rest();
    const over = new XferError('ERR_XFER_INTERRUPTED', 'the transfer is over');
    this.#closing.abort(over);
    for (const timer of this.#retired.values()) clearTimeout(timer);
    const held = [...this.#held];
    for (const [lane, one] of held) this.#handleGone(lane, one);
    this.#held.clear();
    const closed = held.map(([lane, { connection }]) => {
      if (!this.#retired.has(lane) && !this.#silent.has(lane)) return connection.close();
      // Nobody would answer, or soon enough.
      return connection.abort(over);
    });
    await Promise.all([...closed, ...this.#leaving]);
  }

  #handleGone(lane: number, held: HeldLane): void {
    this.#gone.set(lane, progressOf(lane, held));
    const [oldest] = this.#gone.keys();
    if (oldest !== undefined && this.#gone.size > keptLanes) this.#gone.delete(oldest);
  }

  #hold(lane: number, held: HeldLane): void {
    this.#held.set(lane, held);
    this.#answered.add(formatAddress(held.address));
    this.#transports.set(lane, held.address.scheme);
    held.connection.onSuspect((isSuspect) => {
      if (isSuspect) this.#suspect.add(lane);
      else this.#suspect.delete(lane);
      if (!this.#retired.has(lane)) this.#handleSilent(lane, isSuspect);
      this.#chooser?.handleSuspect(lane, isSuspect);
    });
    this.#chooser?.handleLane(lane, held, 'up');
  }

  #handleSilent(lane: number, isSilent: boolean): void {
    if (this.#silent.has(lane) === isSilent) return;
    if (isSilent) this.#silent.add(lane);
    else this.#silent.delete(lane);
    this.onSuspect?.(lane, isSilent);
  }

  /** A transfer that begins knows nothing of what was said to the one before; what a chooser has found is found anew. */
  #replaySilence(): void {
    for (const lane of [...this.#silent])
      if (this.#suspect.has(lane)) this.onSuspect?.(lane, true);
      else this.#handleSilent(lane, false);
    for (const lane of this.#retired.keys()) this.onSuspect?.(lane, true);
    for (const lane of this.#suspect) this.#chooser?.handleSuspect(lane, true);
  }

  async #reconnect(error: XferError): Promise<void> {
    const session = this.#session;
    const backoff = new Backoff();
    const { signal } = this.#closing;
    const until = performance.now() + this.#options.retryMs;
    while (session && !session.isOver && session.lanes.length === 0 && !signal.aborted) {
      try {
        await backoff.wait(this.#signal);
        await this.#openAny(session);
      } catch (thrown) {
        const failure = asXferError(thrown);
        // It may have been while it waited, which the compiler does not know.
        if (this.#closing.signal.aborted) return;
        const { signal: interrupt } = this.#options;
        if (interrupt.aborted) return session.abort(asXferError(interrupt.reason));
        const isOver = isForgotten(failure);
        if (isOver || this.#isThrough(failure) || performance.now() > until)
          return session.abort(isOver ? forgotten(failure) : error);
      }
    }
  }

  /** Who had nothing more to say, and does not listen any more, has left in order: its last word is what was lost. */
  #isThrough({ code }: XferError): boolean {
    const isRelayed = this.#first?.there.connection.isRelayed === true;
    return this.#session?.isFinishing === true && !isRelayed && code === 'ERR_XFER_CONNECTION_REFUSED';
  }

  /**
   * Over all ways at once that lead to this receiver as far as is known, and no others, where somebody else may listen:
   * whichever has a lane first. Rejects with what became of a way on which it had answered; of the others nothing follows.
   */
  async #openAny(session: Session): Promise<void> {
    if (!this.#first) return;
    const { there, candidates } = this.#first;
    const all = [there.address, ...candidates, ...this.#late.map(({ address }) => address)];
    const ways = new Map(all.map((address) => [formatAddress(address), address]));
    const others = new AbortController();
    const signal = AbortSignal.any([this.#signal, others.signal]);
    const ofAnswered: XferError[] = [];
    const tried = [...ways].map(([way, address]) =>
      this.#openOn(session, address, signal).catch((thrown: unknown) => {
        if (this.#answered.has(way)) ofAnswered.push(asXferError(thrown));
        throw thrown;
      }),
    );
    try {
      await Promise.any(tried).catch((thrown: unknown) => {
        throw ofAnswered.find(isForgotten) ?? ofAnswered[0] ?? thrown;
      });
    } finally {
      others.abort(new XferError('ERR_XFER_INTERRUPTED', 'another way was faster'));
    }
  }

  async #open(address: Address): Promise<void> {
    const session = this.#session;
    if (!session || session.isOver) return;
    try {
      await this.#openOn(session, address, this.#signal);
    } catch (thrown) {
      if (this.#session?.isOver === false && !this.#signal.aborted)
        this.#options.ways.handleFailed?.(address, whyNot(thrown));
      throw thrown;
    }
  }

  async #openOn(session: Session, address: Address, signal: AbortSignal): Promise<void> {
    const isNamed = this.#first && formatAddress(this.#first.there.address) === formatAddress(address);
    const late = isNamed ? signal : AbortSignal.any([signal, lateSignal(triedDialMs)]);
    const connection = await this.#options.ways.dial(address, late);
    await this.#join(session, connection, address, late);
  }

  async #join(
    session: Session,
    connection: Connection,
    address: Address,
    signal: AbortSignal,
  ): Promise<void> {
    const from = performance.now();
    try {
      const lane = await session.dialLane(connection, signal);
      const held = { connection, address, openedMs: performance.now() - from };
      this.#hold(lane, held);
      this.#options.onLane(lane, 'up', this.#aboutOf(lane, held));
    } catch (thrown) {
      connection.abort(asXferError(thrown));
      throw thrown;
    }
  }

  /** Ends a lane that is not the last. False where it is. */
  #retire(lane: number): boolean {
    const session = this.#session;
    const held = this.#held.get(lane);
    if (!session || !held || this.#retired.has(lane)) return true;
    if (session.lanes.length - this.#retired.size < 2) return false;
    // What is under way goes again on the others: this one may be the slow one.
    this.onSuspect?.(lane, true);
    const timer = setTimeout(() => held.connection.abort(givenUp()), leaveMs);
    this.#retired.set(lane, timer);
    session.closeLane(lane);
    return true;
  }

  #aboutOf(lane: number, { connection, address, openedMs }: HeldLane): LaneAbout {
    const { rttMs, minRttMs, lost } = connection.stats();
    const measured = this.#chooser?.numbersOf(lane) ?? {};
    const numbers = { openedMs, rttMs, minRttMs, lost, ...measured };
    const rounded = Object.entries(numbers).map(([name, value]) => [name, Math.round(value * 100) / 100]);
    return {
      transport: address.scheme,
      ...(connection.isRelayed ? {} : { address: formatAddress(address) }),
      ...(this.#session ? laneSealing(this.#session, lane) : {}),
      numbers: Object.fromEntries(rounded) as Numbers,
    };
  }

  get #signal(): AbortSignal {
    return AbortSignal.any([this.#options.signal, this.#closing.signal]);
  }
}

function progressOf(lane: number, { connection, address }: HeldLane): LaneProgress {
  const { bytesSent, bytesReceived, rttMs, lost, datagramsSent } = connection.stats();
  return {
    ...{ lane, transport: address.scheme, bytes: bytesSent + bytesReceived },
    ...(rttMs > 0 ? { rttMs: Math.round(rttMs * 100) / 100 } : {}),
    ...(datagramsSent === undefined ? {} : { datagrams: datagramsSent, lost }),
  };
}

/** What `AbortSignal.timeout` says is no message for people. */
const whyNot = (thrown: unknown): XferError =>
  thrown instanceof DOMException
    ? new XferError('ERR_XFER_TIMEOUT', `no answer within ${triedDialMs} ms`)
    : asXferError(thrown);

const givenUp = () => new XferError('ERR_XFER_CONNECTION_LOST', 'another way is better');

/** Said by another receiver as well as by one that began anew. */
const isForgotten = ({ code }: XferError) => code === 'ERR_XFER_REFUSED';

const forgotten = (cause: XferError) =>
  new XferError('ERR_XFER_CONNECTION_LOST', 'the connection was lost, and the receiver began anew', {
    cause,
  });
