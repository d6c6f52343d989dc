import { waysDefaults } from '../config/index.js';
import { asXferError, XferError } from '../errors/index.js';
import { formatAddress, type Address } from '../transport/address.js';
import type { Connection } from '../transport/contract.js';
import type { Decision } from './events.js';
import type { WayThere } from './ways.js';
import { failureOf, type FailedWay } from './ways-failure.js';
import type { PlannedWay } from './ways-plan.js';

export interface WayRaceOptions {
  /** For messages. */
  readonly host: string;
  /** In the order in which they are tried. */
  readonly plan: readonly PlannedWay[];
  /** Ends the race: what is on its way is dropped, but for the connection that was given out last. */
  readonly signal: AbortSignal;
  /** Calls `begin` when all is there that the dial needs: what takes long before that says nothing about the network. */
  dial(address: Address, signal: AbortSignal, begin: () => void): Promise<Connection>;
  onDecision(decision: Decision): void;
}

/** A connection on which nobody has answered yet, as far as is known. */
interface OpenWay {
  readonly address: Address;
  readonly connection: Connection;
  /** When it may be given up for another that answers. */
  patientUntil: number;
}

/**
 * The ways to one host against each other (after RFC 8305, for transports instead of addresses): the next is tried when the
 * one before has failed or been silent for a while.
 *
 * To connect is not to win: much that stands in between takes a TCP connection for a host that is not there. But to wait
 * for an answer would cost every start a round trip. So the first connection is given out at once, for the caller to go
 * on with, and the race goes on until somebody has answered. A connection that was given out and is cut off, or stays
 * silent while another way answers, is ended by the race: then `next` has another. A dialer that heard nothing has said
 * nothing either that anybody could use, so it may begin anew.
 */
export class WayRace {
  readonly #options: WayRaceOptions;
  readonly #dialling = new AbortController();
  readonly #failed: FailedWay[] = [];
  readonly #open = new Set<OpenWay>();
  /** Not tried yet. */
  readonly #left: PlannedWay[];
  #running = 0;
  /** The connection that is, or is to be, the caller's. */
  #front: OpenWay | undefined;
  #isGivenOut = false;
  /** Answered while the one in front is waited for. */
  #standby: OpenWay | undefined;
  #winner: OpenWay | undefined;
  #isOver = false;
  #waiting: { resolve(way: WayThere): void; reject(error: Error): void } | undefined;
  #startTimer: NodeJS.Timeout | undefined;
  #silenceTimer: NodeJS.Timeout | undefined;
  #patienceTimer: NodeJS.Timeout | undefined;
  readonly #beganAt = performance.now();
  /** Shortest time in which anything there said yes or no. */
  #roundTripMs: number | undefined;

  constructor(options: WayRaceOptions) {
    this.#options = options;
    this.#left = [...options.plan];
    options.signal.addEventListener('abort', this.#stop, { once: true });
    if (options.signal.aborted) this.#stop();
    else this.#start();
  }

  /** Whether `next` has nothing but what it gave last. */
  get isOver(): boolean {
    return this.#isOver && (this.#isGivenOut || !this.#front);
  }

  /**
   * The first connection; once that one has ended without an answer, the next. Rejects with an XferError that names all
   * ways and why none leads there, or with the signal's reason.
   */
  next(): Promise<WayThere> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#settle();
    });
  }

  /** These do not wait for their turn: what holds up the ones before them is nothing to them. */
  startNow(isMeant: (address: Address) => boolean): void {
    if (this.#isOver || this.#front) return;
    for (const way of this.#left.filter(({ address }) => isMeant(address))) this.#start(way);
  }

  readonly #stop = (): void => {
    this.#end();
    if (!this.#isGivenOut && this.#front) discard(this.#front.connection);
    this.#front = undefined;
    this.#settle();
  };

  /** Nothing is dialled or kept any more but what is in front. */
  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const timer of [this.#startTimer, this.#silenceTimer, this.#patienceTimer]) clearTimeout(timer);
    this.#dialling.abort(new XferError('ERR_XFER_CONNECTION_LOST', 'another way answered sooner'));
    for (const way of this.#open) if (way !== this.#front) discard(way.connection);
    this.#open.clear();
    if (this.#isGivenOut || !this.#front) this.#options.signal.removeEventListener('abort', this.#stop);
  }

  #settle(): void {
    const { signal, host } = this.#options;
    const waiting = this.#waiting;
    if (!waiting) return;
    const front = this.#front;
    if (front && !this.#isGivenOut) {
      this.#isGivenOut = true;
      this.#waiting = undefined;
      // Whoever has the last connection there is ends it himself.
      if (this.#isOver) signal.removeEventListener('abort', this.#stop);
      const { address, connection } = front;
      const hasAnswered = () => this.#winner === front;
      return waiting.resolve({ address, connection, hasAnswered });
    }
    const isExhausted = this.#left.length + this.#running + this.#open.size === 0;
    if (!signal.aborted && !this.#isOver && !isExhausted) return;
    this.#waiting = undefined;
    if (signal.aborted) return waiting.reject(signal.reason as Error);
    this.#end();
    waiting.reject(failureOf(host, this.#failed));
  }

  #start(way = this.#left[0]): void {
    clearTimeout(this.#startTimer);
    if (!way || this.#isOver) return;
    this.#left.splice(this.#left.indexOf(way), 1);
    this.#running++;
    void this.#dial(way.address);
  }

  #startLater(ms: number): void {
    clearTimeout(this.#startTimer);
    // What has come meanwhile is looked at first: a loop that was busy is no silent network.
    this.#startTimer = setTimeout(() => setImmediate(() => this.#start()), ms);
  }

  async #dial(address: Address): Promise<void> {
    let startedAt = performance.now();
    const begin = () => {
      if (this.#isOver) return;
      startedAt = performance.now();
      this.#tell('dial', address, 'dialled', 'afterMs', startedAt - this.#beganAt);
      const [following] = this.#left;
      if (!following) this.#loosePatience();
      else this.#startLater(Math.max(following.afterMs, this.#patienceLeftMs));
    };
    try {
      const connection = await this.#options.dial(address, this.#dialling.signal, begin);
      this.#running--;
      this.#handleOpen(address, connection, performance.now() - startedAt);
    } catch (thrown) {
      this.#running--;
      const error = asXferError(thrown);
      if (error.code === 'ERR_XFER_CONNECTION_REFUSED') this.#handleRoundTrip(performance.now() - startedAt);
      this.#handleFailed(address, error);
    }
  }

  #handleOpen(address: Address, connection: Connection, connectMs: number): void {
    if (this.#isOver) return discard(connection);
    this.#handleRoundTrip(connectMs);
    this.#tell('open', address, 'connected', 'connectMs', connectMs);
    const patienceMs = Math.max(waysDefaults.silenceMs, 2 * connectMs);
    const way: OpenWay = { address, connection, patientUntil: performance.now() + patienceMs };
    this.#open.add(way);
    void (connection.answered ?? Promise.resolve(true)).then((answered) =>
      answered ? this.#handleAnswer(way) : this.#handleCut(way),
    );
    if (this.#front) return;
    this.#putInFront(way);
    // It has said hello: the others are only for the case that nobody is there to answer.
    if (this.#left.length > 0) this.#startLater(patienceMs);
    this.#settle();
  }

  #handleAnswer(way: OpenWay): void {
    if (this.#isOver) return;
    const leftMs = this.#patienceLeftMs;
    if (way === this.#front || leftMs <= 0) return this.#win(way);
    if (this.#standby) return;
    this.#standby = way;
    this.#silenceTimer = setTimeout(() => setImmediate(() => this.#goOver()), leftMs);
  }

  /** It ended before anybody answered on it, whoever ended it. */
  #handleCut(way: OpenWay): void {
    void way.connection.closed.then(({ error }) => {
      if (this.#isOver || !this.#open.delete(way)) return;
      if (this.#standby === way) this.#standby = undefined;
      if (this.#front === way) this.#front = undefined;
      this.#handleFailed(
        way.address,
        error ? asXferError(error) : new XferError('ERR_XFER_CONNECTION_LOST', 'it was closed at once'),
      );
      if (this.#standby) this.#goOver();
      else this.#promote();
    });
  }

  #handleFailed(address: Address, error: XferError): void {
    if (this.#isOver) return;
    this.#failed.push({ address, error });
    this.#tell('fail', address, `failed (${error.message})`, 'afterMs', performance.now() - this.#beganAt);
    // What is in front has its own time to answer, and behind that it is as silent as the others.
    if (this.#patienceLeftMs <= 0) this.#start();
    this.#settle();
  }

  #promote(): void {
    const [way] = this.#open;
    if (!way || this.#front || this.#isOver) return;
    this.#putInFront(way);
    this.#settle();
  }

  #putInFront(way: OpenWay): void {
    this.#front = way;
    this.#isGivenOut = false;
  }

  #goOver(): void {
    if (this.#standby && !this.#isOver) this.#win(this.#standby);
  }

  #win(way: OpenWay): void {
    const late = this.#front;
    if (late !== way) this.#putInFront(way);
    this.#winner = way;
    if (late && late !== way) {
      this.#open.delete(late);
      this.#tell(
        'fail',
        late.address,
        'connected, silent since, given up',
        'afterMs',
        performance.now() - this.#beganAt,
      );
      const message = `${late.address.host}:${late.address.port}: connected, and silent since`;
      late.connection.abort(new XferError('ERR_XFER_TIMEOUT', message));
    }
    this.#tell('win', way.address, 'answered first', 'answerMs', performance.now() - this.#beganAt);
    this.#end();
    this.#settle();
  }

  /** For how long what is in front may still be silent; nothing in front needs no time. */
  get #patienceLeftMs(): number {
    return this.#front ? this.#front.patientUntil - performance.now() : 0;
  }

  #handleRoundTrip(ms: number): void {
    this.#roundTripMs = Math.min(this.#roundTripMs ?? ms, ms);
    this.#loosePatience();
  }

  /** All are tried, and something there says no: what is silent then is most likely not there. */
  #loosePatience(): void {
    if (this.#isOver || this.#roundTripMs === undefined || this.#left.length > 0) return;
    const { leastPatienceMs, mostPatienceMs, patienceRoundTrips } = waysDefaults;
    const wantedMs = patienceRoundTrips * this.#roundTripMs;
    const patienceMs = Math.min(mostPatienceMs, Math.max(leastPatienceMs, wantedMs));
    clearTimeout(this.#patienceTimer);
    this.#patienceTimer = setTimeout(() => {
      this.#dialling.abort(new XferError('ERR_XFER_TIMEOUT', `${this.#options.host}: no answer in time`));
    }, patienceMs);
  }

  #tell(decision: string, address: Address, what: string, name: string, ms: number): void {
    const url = formatAddress(address);
    const rounded = Math.round(ms * 10) / 10;
    const message = `${url}: ${what} after ${rounded} ms`;
    this.#options.onDecision({ decision, message, address: url, numbers: { [name]: rounded } });
  }
}

/** In order, so that its listener sees somebody who has left; of silent ones nothing is waited for long. */
function discard(connection: Connection): void {
  const late = setTimeout(
    () => connection.abort(new XferError('ERR_XFER_TIMEOUT', 'it did not close in time')),
    waysDefaults.leaveMs,
  );
  // For them alone no process stays.
  late.unref();
  void connection.close().then(() => clearTimeout(late));
}
