import { randomBytes } from 'node:crypto';
import { asXferError, XferError } from '../errors/index.js';
import { makeCode, makeRoom, parseCode } from '../session/code.js';
import { preloadListener } from '../session/handshake.js';
import { HandshakeLimit } from '../session/handshake-limit.js';
import { loadIdentity, type Identity } from '../session/identity.js';
import { PairingGate } from '../session/pairing-gate.js';
import type { PeerStore } from '../session/peer-store.js';
import { hasLz4 } from '../transfer/lz4.js';
import { printable } from '../transfer/printable.js';
import { formatAddress } from '../transport/address.js';
import type { Connection, Listener } from '../transport/contract.js';
import { MeasuringListener } from '../transport/measuring-listener.js';
import { acceptSession, type ListenerContext, type WelcomeOptions } from './accept-session.js';
import { fabricGain } from './fabric-gain.js';
import { hopProver } from './hop-prover.js';
import { openListeners } from './listeners.js';
import { OpenSessions } from './open-sessions.js';
import type { CommonOptions, HopOptions } from './options.js';
import { RoomWaiter } from './room-waiter.js';
import { relaysOf } from './route.js';
import type { SessionHandler } from './session-handler.js';
import { StrangerNotes } from './stranger-notes.js';
import { readTlsFiles, type TlsFiles } from './tls-files.js';

/** Where a listener waits, for whom, and until when. */
export interface SessionListenerOptions
  extends
    WelcomeOptions,
    HopOptions,
    Pick<CommonOptions, 'home' | 'signal' | 'onEvent' | 'transports' | 'tuning'> {
  /** URLs; default: as openListeners has it. */
  readonly listen: readonly string[];
  /** Relays to wait at, as in SendOptions: at the last one, in `room`; then it listens only where `listen` says so. */
  readonly via?: readonly string[];
  /** Default: that of the code, or one that is free. */
  readonly room?: string;
  /** Who this machine is for wss listeners. */
  readonly tls?: TlsFiles;
  /** Whether others may measure the path to it, while nothing is under way. Default: true. */
  readonly measures?: boolean;
}

/** Waits where others can reach this machine, and hands on each session that somebody begins with it. */
export class SessionListener<Result> {
  readonly #options: SessionListenerOptions;
  readonly #context: ListenerContext<Result>;
  /** Undefined where only peers that are known may come. */
  readonly #gate: PairingGate | undefined;
  #listeners: readonly Listener[] = [];
  readonly #connections = new Set<Connection>();
  readonly #serving = new Set<Promise<void>>();
  readonly #ending = new AbortController();
  readonly #strangers = new StrangerNotes();
  #code: string | undefined;
  #settle: { resolve(result: Result | undefined): void; reject(error: XferError): void } | undefined;
  #busy = 0;
  readonly #relays: readonly (readonly string[])[];
  #waiter: RoomWaiter | undefined;
  /** Where it waits at a relay. */
  #room: string | undefined;

  private constructor(
    options: SessionListenerOptions,
    shared: {
      readonly handler: SessionHandler<Result>;
      readonly peers: PeerStore;
      readonly identity: Identity;
    },
  ) {
    this.#options = options;
    this.#relays = relaysOf(options.via ?? []);
    this.#code = options.code === undefined && options.allow === undefined ? makeCode(random) : undefined;
    const code = this.#code ?? options.code;
    if (code !== undefined)
      this.#gate = new PairingGate({
        code: { secret: parseCode(code).secret, kind: this.#code === undefined ? 'chosen' : 'made' },
        onSpent: () => this.#handleSpent(),
      });
    const { handler } = shared;
    const limit = new HandshakeLimit();
    this.#context = {
      ...{ ...shared, options, limit },
      sessions: new OpenSessions(limit),
      gate: this.#gate,
      signal: this.#ending.signal,
      listens: () => this.#urls,
      measuring:
        options.measures === false
          ? undefined
          : // Sessions that only wait are in nobody's way.
            new MeasuringListener({ isBusy: () => this.#busy > handler.idleCount }),
      mayBegin: (peer) => !options.once || this.#busy === 0 || handler.isReplacing(peer),
    };
  }

  /** Looks at the options and loads this machine's identity. Rejects with an XferError; nothing is open then. */
  static async open<Result>(
    options: SessionListenerOptions,
    peers: PeerStore,
    handler: SessionHandler<Result>,
  ): Promise<SessionListener<Result>> {
    for (const name of options.allow ?? [])
      if (!(await peers.findByName(name)))
        throw new XferError('ERR_XFER_USAGE', `there is no known peer ${printable(name)}: see xfer peers`);
    const identity = await loadIdentity(options.home);
    return new SessionListener(options, { handler, peers, identity });
  }

  /**
   * With `once` it resolves or rejects as its one session does; without, it goes on until the signal
   * (ERR_XFER_INTERRUPTED) or until a code that the user chose is spent (ERR_XFER_WRONG_CODE).
   */
  async run(): Promise<Result | undefined> {
    const { signal } = this.#options;
    const over = new Promise<Result | undefined>((resolve, reject) => (this.#settle = { resolve, reject }));
    over.catch(() => undefined);
    const interrupt = () => this.#settle?.reject(asXferError(signal.reason));
    signal.addEventListener('abort', interrupt, { once: true });
    try {
      await this.#listen();
      await this.#wait();
      signal.throwIfAborted();
      this.#announce();
      void preloadListener().catch(() => undefined);
      setImmediate(hasLz4);
      return await over;
    } finally {
      signal.removeEventListener('abort', interrupt);
      await this.#close();
    }
  }

  async #listen(): Promise<void> {
    const { listen: urls, transports, tuning, onEvent } = this.#options;
    const tls = this.#options.tls && (await readTlsFiles(this.#options.tls));
    if (urls.length === 0 && this.#relays.length > 0) return;
    this.#listeners = await openListeners({
      ...{ transports, urls },
      gain: fabricGain,
      options: {
        onConnection: (connection) => this.#handleConnection(connection),
        ...(tls ? { tls } : {}),
        ...(tuning ? { tuning } : {}),
      },
      onNote: (message) => onEvent({ event: 'note', message }),
    });
  }

  /** Takes a room at the relay: that of the user or of his code, else one that is free. */
  async #wait(): Promise<void> {
    if (this.#relays.length === 0) return;
    const { signal, transports, tuning, onEvent, room, code } = this.#options;
    const { home, identify, relayToken: token } = this.#options;
    const waiter = new RoomWaiter({
      ...{ transports, tuning, signal },
      relays: this.#relays,
      prove: hopProver({ home, identity: identify ? this.#context.identity : undefined, token }),
      onConnection: (connection) => this.#handleConnection(connection),
      onLost: (error) => onEvent({ event: 'note', message: `${error.message}; trying to get back` }),
      onBack: () => onEvent({ event: 'note', message: 'waiting at the relay again' }),
    });
    this.#waiter = waiter;
    const chosen = room ?? (code === undefined ? undefined : parseCode(code).room);
    for (let tries = mostRoomTries; ; tries--) {
      const name =
        chosen ?? (this.#code === undefined ? undefined : parseCode(this.#code).room) ?? makeRoom(random);
      try {
        await waiter.open(name);
        this.#room = name;
        return;
      } catch (error) {
        if (asXferError(error).code !== 'ERR_XFER_ROOM_TAKEN' || chosen !== undefined || tries === 0)
          throw error;
        if (this.#code === undefined) continue;
        this.#code = makeCode(random);
        this.#gate?.replace({ secret: parseCode(this.#code).secret, kind: 'made' });
      }
    }
  }

  #announce(): void {
    this.#options.onEvent({
      event: 'listening',
      addresses: this.#urls,
      ...(this.#code === undefined ? {} : { code: this.#code }),
      ...(this.#room === undefined
        ? {}
        : { via: this.#relays.map((hop) => hop.join(',')), room: this.#room }),
    });
  }

  get #urls(): readonly string[] {
    return this.#listeners.map((listener) => formatAddress(listener.address));
  }

  #handleConnection(connection: Connection): void {
    this.#connections.add(connection);
    void connection.closed.then(() => this.#connections.delete(connection));
    const serving = this.#serve(connection).finally(() => this.#serving.delete(serving));
    this.#serving.add(serving);
  }

  async #serve(connection: Connection): Promise<void> {
    const session = { begun: false };
    try {
      const result = await acceptSession(connection, this.#context, () => {
        session.begun = true;
        this.#busy++;
      });
      if (result !== undefined && this.#options.once) this.#settle?.resolve(result);
    } catch (error) {
      const failure = asXferError(error);
      // With a connection that is lost there is nobody to close it with in order.
      if (failure.code === 'ERR_XFER_CONNECTION_LOST') connection.abort(failure);
      this.#handleFailure(failure, connection, session.begun);
    } finally {
      if (session.begun) this.#busy--;
      await connection.close();
    }
  }

  /** A stranger's failure ends nothing; that of a session, or a spent code that was chosen, may. */
  #handleFailure(error: XferError, connection: Connection, begun: boolean): void {
    // Whoever has proved himself may say any error; only a handshake shows a guess.
    const guessed = !begun && error.code === 'ERR_XFER_WRONG_CODE';
    const ends =
      (begun && this.#options.once) || (guessed && (this.#options.once || this.#code === undefined));
    if (ends) return this.#settle?.reject(error);
    const message =
      begun || guessed
        ? error.message
        : this.#strangers.noteOf(error, connection.remote.host, performance.now());
    if (message !== undefined) this.#options.onEvent({ event: 'note', message });
  }

  #handleSpent(): void {
    if (this.#code === undefined || this.#options.once) return;
    // Who waits in a room stays there.
    this.#code = makeCode(random, this.#room);
    this.#gate?.replace({ secret: parseCode(this.#code).secret, kind: 'made' });
    // Behind the event of the session or the guess that spent it.
    setImmediate(() => this.#announce());
  }

  async #close(): Promise<void> {
    this.#ending.abort(new XferError('ERR_XFER_INTERRUPTED', 'the receiver ends'));
    await Promise.all(this.#listeners.map((listener) => listener.close()));
    await Promise.all([...this.#connections].map((connection) => connection.close()));
    await this.#waiter?.close();
    // What is half written is removed by the transfers themselves.
    await Promise.all(this.#serving);
  }
}

const random = (bytes: number) => Uint8Array.from(randomBytes(bytes));

/** Rooms that are tried where the first ones are taken. */
const mostRoomTries = 8;
