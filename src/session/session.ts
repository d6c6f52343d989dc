import { randomBytes } from 'node:crypto';
import { sessionDefaults } from '../config/index.js';
import { asXferError, XferError } from '../errors/index.js';
import type { Cipher, NativeApi } from '../native/api.js';
import {
  openErrorCode,
  OpenRefused,
  type Connection,
  type Retain,
  type Stream,
} from '../transport/contract.js';
import type { ContentDone, ContentJob } from './content-job.js';
import { ControlChannel, type ControlBody } from './control-channel.js';
import { driveHandshake, reasonOf } from './handshake-driver.js';
import { BenchTrust } from './bench-trust.js';
import { FabricTrust } from './fabric-trust.js';
import { groupLaneMac, isGroupLaneMac } from './group-keys.js';
import { GroupMembership } from './group-membership.js';
import { handshakeNonceBytes } from './handshake-messages.js';
import { encodeHello, readHello, type Hello } from './hello.js';
import { sessionId } from './join.js';
import { JoinDialerCore, JoinListenerCore } from './join-core.js';
import { laneKeys, type SessionSecrets } from './keys.js';
import type { SealedContent } from './lane.js';
import { LaneSet } from './lane-set.js';
import type { RecordHeader } from './record-header.js';
import { refusalOf } from './stream-error.js';
import { encodeGroupHeader, encodeJoinHeader, type GroupHeader, type JoinHeader } from './stream-headers.js';

export interface SessionOptions {
  readonly stream: Stream;
  readonly secrets: SessionSecrets;
  readonly hello: Hello;
  readonly native: NativeApi;
  readonly signal: AbortSignal;
  /** Whether this side's user trusts fabrics: content need not be sealed on them, where the other side says the same. Default: false. */
  readonly trustFabric?: boolean;
  /** Of a side that a bench has started (BenchTrust). Default: none has. */
  readonly benchKey?: Uint8Array;
  /** Content in a record, at most. Default: sessionDefaults.recordBytes. */
  readonly recordBytes?: number;
  /** How long the other side may say nothing at all on a lane. Default: sessionDefaults.silenceMs. */
  readonly silenceMs?: number;
  /** How long a session without any lane waits for another one to join. Default: 0, it ends with its last lane. */
  readonly rejoinMs?: number;
  /** A lane that had joined is gone; `error` unless it was closed in order. */
  onLaneDown?(lane: number, error: XferError | undefined): void;
  /** The last lane is lost, and the session waits for another. */
  onDetached?(error: XferError): void;
}

export interface SessionHandlers {
  /**
   * Control messages, each once and in order. A throw ends the session with that error. Where there is `retain` the body stands in
   * memory that is used again when this returns, unless it is retained.
   */
  onControl(body: Uint8Array, retain?: Retain): void;
  onContent(content: SealedContent): void;
  /** More content may be submitted on this lane. */
  onRoom(lane: number): void;
  /** A lane has joined, or is gone: what was sent on that one and is not acknowledged may not have arrived. */
  onLane?(lane: number, state: 'up' | 'down'): void;
  /** The other side has every control message of ours; may be called again while that is so. */
  onAcknowledged?(): void;
  /** All lanes are gone, once; `error` unless the other side closed in order. */
  onEnd(error?: XferError): void;
}

/** What came before there was anybody for it. */
interface Early {
  deliver(handlers: SessionHandlers): void;
  /** Gives back the memory of what nobody gets. */
  drop?(): void;
}

/**
 * The authenticated, sealed association of the two end peers, whatever is between them. It outlives every lane: the
 * control messages are numbered and are repeated on another one, and a new lane may join at any time (DESIGN §6).
 */
export class Session {
  /** By which a lane that joins names it. Public. */
  readonly id: Uint8Array;
  readonly peerKey: Uint8Array;
  /** What this side gets that is sealed once for several. */
  readonly group: GroupMembership;
  /** On which lanes content is not sealed. */
  readonly fabric: FabricTrust;
  /** Content in a record that this side sends, at most. */
  readonly recordBytes: number;
  /** Resolves when it is over, however it ended. */
  readonly over: Promise<void>;
  readonly #bench: BenchTrust;
  readonly #options: SessionOptions;
  readonly #secrets: SessionSecrets;
  readonly #lanes: LaneSet;
  readonly #control: ControlChannel;
  readonly #early: Early[] = [];
  #remoteHello: Hello | undefined;
  #helloArrived: (() => void) | undefined;
  #handlers: SessionHandlers | undefined;
  #ended: { readonly error: XferError | undefined } | undefined;
  #finishing = false;
  #lastLane = 0;
  #joining = 0;
  #tampered = 0;
  #detachedTimer: NodeJS.Timeout | undefined;
  #endTimer: NodeJS.Timeout | undefined;
  #settle: (() => void) | undefined;

  private constructor(options: SessionOptions) {
    this.#options = options;
    this.#secrets = options.secrets;
    this.peerKey = options.secrets.peerKey;
    this.id = sessionId(options.secrets.secret, options.secrets.transcript);
    this.group = new GroupMembership(options.native, (content) => this.#handleContent(content));
    this.recordBytes = options.recordBytes ?? sessionDefaults.recordBytes;
    this.over = new Promise((resolve) => (this.#settle = resolve));
    this.#bench = new BenchTrust({ key: options.benchKey, secrets: options.secrets });
    this.fabric = new FabricTrust({
      isBenched: () => this.#bench.isAgreed,
      wanted: options.trustFabric ?? false,
      way: () => options.stream.connection,
    });
    this.#lanes = new LaneSet({
      native: options.native,
      silenceMs: options.silenceMs ?? sessionDefaults.silenceMs,
      followsNewest: options.secrets.role === 'listener',
      onControl: (header, body, retain) => this.#handleControl(header, body, retain),
      onContent: (content) => this.#handleContent(content),
      onRoom: (lane) => this.#handlers?.onRoom(lane),
      delivered: () => this.#control.delivered,
      awaitingSince: () => this.#control.awaitingSince,
      takeLate: (now) => this.#control.takeLate(false, now),
      onControlMoved: () => this.#control.repeat(),
      onLaneEnd: (lane, error) => this.#handleLaneEnd(lane, error),
    });
    this.#control = new ControlChannel({
      transmit: (number, acknowledged, body) => this.#lanes.sendControl(number, acknowledged, body),
      deliver: (body, retain) => this.#deliver(body, retain),
      onAcknowledged: () => this.#handlers?.onAcknowledged?.(),
      onBreach: (error) => this.abort(error),
    });
  }

  /** Exchanges HELLO. Rejects with an XferError; the stream is reset then. */
  static async establish(options: SessionOptions): Promise<Session> {
    const session = new Session(options);
    const interrupt = () => session.abort(reasonOf(options.signal));
    const timer = setTimeout(
      () => session.abort(new XferError('ERR_XFER_TIMEOUT', 'the other side sent no HELLO in time')),
      sessionDefaults.handshakeTimeoutMs,
    );
    options.signal.addEventListener('abort', interrupt, { once: true });
    try {
      const arrived = new Promise<void>((resolve) => (session.#helloArrived = resolve));
      if (options.signal.aborted) session.#refuse(interrupt);
      else session.#exchangeHello();
      if (options.secrets.isLost)
        session.abort(new XferError('ERR_XFER_CONNECTION_LOST', 'the other side left'));
      await arrived;
    } finally {
      clearTimeout(timer);
      options.signal.removeEventListener('abort', interrupt);
    }
    const ended = session.#ended;
    // Whoever says why he leaves right behind his HELLO is still heard.
    if (ended && (ended.error || !session.#remoteHello)) {
      for (const { drop } of session.#early.splice(0)) drop?.();
      throw ended.error ?? new XferError('ERR_XFER_CONNECTION_LOST', 'the other side left');
    }
    if (!ended) session.#lanes.watch();
    return session;
  }

  get hello(): Hello {
    if (!this.#remoteHello) throw new XferError('ERR_XFER_INTERNAL', 'HELLO was asked for before it came');
    return this.#remoteHello;
  }

  /** That of its lanes. */
  get cipher(): Cipher {
    return this.#secrets.cipher;
  }

  /** Lanes that are there now. */
  get lanes(): readonly number[] {
    return this.#lanes.numbers;
  }

  /** Lanes that there ever were. */
  get laneCount(): number {
    return this.#lanes.count + (this.group.hasJoined ? 1 : 0);
  }

  get isOver(): boolean {
    return this.#ended !== undefined;
  }

  /** Whether all was said, and nothing is left but to hear that it has come. */
  get isFinishing(): boolean {
    return this.#finishing;
  }

  /** Whether something more may be said, and there is a lane for it now. */
  get isUsable(): boolean {
    return !this.#ended && !this.#finishing && this.lanes.length > 0;
  }

  /** To be called in the same turn in which `establish` resolved: what came before is delivered now. Later calls replace the handlers. */
  attach(handlers: SessionHandlers): void {
    const before = this.#ended;
    this.#handlers = handlers;
    for (const early of this.#early.splice(0))
      if (this.#ended === before) this.#deliverEarly(early, handlers);
      else early.drop?.();
    if (before) handlers.onEnd(before.error);
  }

  /** Whether the other side has every control message of ours. */
  get isAcknowledged(): boolean {
    return this.#control.isAcknowledged;
  }

  /** Whether few enough messages are unacknowledged that one more, which can wait, should be sent now. */
  get hasControlRoom(): boolean {
    return this.#control.hasRoom;
  }

  /** Sent behind those before, now or when enough of them are acknowledged; a function is called when it is. */
  sendControl(body: ControlBody): void {
    if (this.#ended || this.#finishing) return;
    this.#control.say(body);
  }

  /** What was said goes on every lane at once: content may be before it on the one that control messages go on. */
  hurryControl(): void {
    if (this.lanes.length > 1) this.#lanes.spread(this.#control.takeLate(true, performance.now()));
  }

  /** Tells the other side at once what arrived. */
  confirm(): void {
    if (!this.#ended) this.#control.confirm();
  }

  /** Whether another content record may be submitted on this lane now; `onRoom` tells when that changes. */
  hasRoom(lane: number): boolean {
    return this.#lanes.hasRoom(lane);
  }

  /** Whether a lane without room waits for the network, rather than for sealing. */
  isFull(lane: number): boolean {
    return this.#lanes.isFull(lane);
  }

  /** The lane must be one of `lanes`. `done` gets the bytes that were read, fewer than asked where the file ends. */
  sendContent(lane: number, job: ContentJob, done: ContentDone): void {
    // The listener cannot know whether a lane that joined came over a relay, which a bench does not ask.
    const isSender = this.#secrets.role === 'dialer' || this.#bench.isAgreed;
    const plain = isSender && !this.fabric.isSealed(lane);
    if (plain) this.fabric.handlePlain();
    this.#lanes.sendContent(lane, job, done, plain);
  }

  /** Opens another lane over a connection to the same peer. Rejects with an XferError: ERR_XFER_REFUSED where the peer does not know the session any more. */
  async dialLane(connection: Connection, signal: AbortSignal): Promise<number> {
    const lane = ++this.#lastLane;
    const dialerNonce = Uint8Array.from(randomBytes(handshakeNonceBytes));
    const header = encodeJoinHeader({ session: this.id, lane, nonce: dialerNonce });
    const stream = connection.openStream({ header });
    let refused: unknown;
    stream.opened.catch((error: unknown) => (refused = error));
    const deadline = Date.now() + sessionDefaults.handshakeTimeoutMs;
    const core = new JoinDialerCore({ secrets: this.#secrets, lane, dialerNonce, deadline });
    try {
      const joined = await driveHandshake({ stream, core, signal, deadline, now: Date.now });
      this.#addLane(lane, stream, joined);
      return lane;
    } catch (error) {
      if (isForgotten(refused) && !refusalOf(stream, refused))
        throw new XferError('ERR_XFER_REFUSED', 'the other side does not know this session any more');
      throw asXferError(error);
    }
  }

  /** A lane of its own for the records of a group, and the opening header of the stream that brings them. */
  nameGroupLane(epoch: Uint8Array): { readonly lane: number; readonly header: Uint8Array } {
    const lane = ++this.#lastLane;
    const mac = groupLaneMac({ ...this.#secrets, lane, epoch });
    return { lane, header: encodeGroupHeader({ session: this.id, lane, epoch, mac }) };
  }

  /** Takes or refuses a stream that brings the records of a group. Throws an XferError; the stream is over then. */
  acceptGroupLane(stream: Stream, header: GroupHeader): void {
    const { lane, epoch, mac } = header;
    const isTaken = lane <= this.#lastLane || this.#secrets.role !== 'listener' || !this.group.isOpen;
    if (this.#ended || isTaken || this.lanes.length >= sessionDefaults.maxLanes) {
      stream.refuse(this.#ended ? openErrorCode.routeNotFound : openErrorCode.resourceLimit);
      throw new XferError('ERR_XFER_LIMIT', 'a lane that may not join was refused');
    }
    if (!isGroupLaneMac({ ...this.#secrets, lane, epoch }, mac)) {
      stream.refuse(openErrorCode.refused);
      throw new XferError('ERR_XFER_HANDSHAKE', 'a lane wanted to join, and did not prove its session');
    }
    this.#lastLane = lane;
    this.group.take(stream, header);
  }

  /** Takes or refuses a lane that names this session. Rejects with an XferError; the stream is over then. */
  async acceptLane(stream: Stream, { lane, nonce }: JoinHeader, signal: AbortSignal): Promise<void> {
    const { maxLanes, maxJoiningLanes, handshakeTimeoutMs } = sessionDefaults;
    const isTaken = lane <= this.#lastLane || this.#secrets.role !== 'listener';
    if (this.#ended || isTaken || this.#joining >= maxJoiningLanes || this.lanes.length >= maxLanes) {
      stream.refuse(this.#ended ? openErrorCode.routeNotFound : openErrorCode.resourceLimit);
      throw new XferError('ERR_XFER_LIMIT', 'a lane that may not join was refused');
    }
    this.#joining++;
    try {
      stream.accept();
      const deadline = Date.now() + handshakeTimeoutMs;
      const listenerNonce = Uint8Array.from(randomBytes(handshakeNonceBytes));
      const options = { secrets: this.#secrets, lane, dialerNonce: nonce, listenerNonce, deadline };
      const core = new JoinListenerCore(options);
      const joined = await driveHandshake({ stream, core, signal, deadline, now: Date.now });
      // Two that joined at once: numbers only rise.
      if (lane <= this.#lastLane) throw new XferError('ERR_XFER_PROTOCOL', 'a lane has an old number');
      this.#lastLane = lane;
      this.#addLane(lane, stream, joined);
    } finally {
      this.#joining--;
    }
  }

  /** A lane's transport hears nothing of the other side, or does again: what matters goes on another one meanwhile. */
  handleSuspect(lane: number, isSuspect: boolean): void {
    this.#lanes.handleSuspect(lane, isSuspect);
  }

  /** Ends one lane behind what was submitted on it; the last one stays. */
  closeLane(lane: number): void {
    if (this.lanes.length > 1) this.#lanes.finish(lane);
  }

  /** Ends our direction behind all that was submitted. Without a lane that is behind what the next one brings, if there is anything to say. */
  finish(): void {
    if (this.#finishing || this.#ended) return;
    this.#finishing = true;
    if (this.lanes.length > 0) this.#finishIfFlushed();
    else if (this.#control.isAcknowledged) this.#endDetached();
  }

  abort(error: XferError): void {
    if (this.#ended) return;
    this.#end(error);
    this.#lanes.abort(error);
  }

  #addLane(lane: number, stream: Stream, secrets: SessionSecrets): void {
    if (this.#ended) {
      this.#lanes.refuse(stream);
      throw new XferError('ERR_XFER_CONNECTION_LOST', 'the session ended while a lane joined');
    }
    clearTimeout(this.#detachedTimer);
    this.fabric.handleLane(lane, () => stream.connection);
    this.#lanes.add(lane, stream, laneKeys({ ...secrets, lane }), secrets.leftover);
    if (secrets.isLost) return this.#lanes.lose(lane);
    this.#lanes.greet(lane, () => this.#control.repeat());
    if (this.#finishing) this.#finishIfFlushed();
    this.#handlers?.onLane?.(lane, 'up');
  }

  /** It ends before it has a lane. */
  #refuse(end: () => void): void {
    end();
    this.#lanes.refuse(this.#options.stream);
  }

  #deliverEarly({ deliver }: Early, handlers: SessionHandlers): void {
    try {
      deliver(handlers);
    } catch (error) {
      this.abort(asXferError(error));
    }
  }

  #exchangeHello(): void {
    const { secrets, stream, hello } = this.#options;
    this.fabric.handleLane(0, () => stream.connection);
    const trustFabric = this.fabric.isOffered;
    const benchProof = this.#bench.proof;
    this.#lanes.add(0, stream, laneKeys({ ...secrets, lane: 0 }), secrets.leftover, () =>
      this.#control.say(encodeHello({ ...hello, trustFabric, ...(benchProof ? { benchProof } : {}) })),
    );
  }

  #handleControl(header: RecordHeader, body: Uint8Array, retain?: Retain): void {
    this.#control.handle(header, body, retain);
    if (!this.#finishing || this.#ended) return;
    this.#finishIfFlushed();
    // Nobody has anything to say: whatever lanes still wait for, it is over.
    if (!this.#control.isAcknowledged) return;
    this.#end(undefined);
    this.#lanes.leave();
  }

  #finishIfFlushed(): void {
    if (this.#control.isFlushed) this.#lanes.finishAll(this.#control.unacknowledged);
  }

  #deliver(body: Uint8Array, retain?: Retain): void {
    if (this.#ended) return;
    try {
      if (!this.#remoteHello) {
        this.#remoteHello = readHello(body, this.#options.hello.role);
        this.fabric.handleHello(this.#remoteHello);
        this.#bench.handleHello(this.#remoteHello);
        this.#helloArrived?.();
      } else if (this.#handlers) this.#handlers.onControl(body, retain);
      else {
        const kept = retain ? Uint8Array.from(body) : body;
        this.#early.push({ deliver: (handlers) => handlers.onControl(kept) });
      }
    } catch (error) {
      this.abort(asXferError(error));
    }
  }

  #handleContent(content: SealedContent): void {
    if (this.#ended) return content.release();
    if (this.#isUnsealedInBreach(content)) {
      content.release();
      return this.abort(
        new XferError('ERR_XFER_TAMPERED', 'content came unsealed, which both sides have not agreed on'),
      );
    }
    if (this.#handlers) return this.#handlers.onContent(content);
    // It may come in the same bytes as the HELLO; how much is bounded by the stream's credit.
    const early = { deliver: (by: SessionHandlers) => by.onContent(content), drop: () => content.release() };
    if (this.#remoteHello) return void this.#early.push(early);
    early.drop();
    this.abort(new XferError('ERR_XFER_PROTOCOL', 'the other side sent content before its HELLO'));
  }

  #isUnsealedInBreach({ header, lane }: SealedContent): boolean {
    if (!header.hasPlainBody) return false;
    const isReceiver = this.#secrets.role === 'listener' || this.#bench.isAgreed;
    if (!isReceiver || this.fabric.isSealed(lane)) return true;
    this.fabric.handlePlain();
    return false;
  }

  /** The lane is out of the set already. `error` unless the other side closed it in order. */
  #handleLaneEnd(lane: number, error: XferError | undefined): void {
    this.#options.onLaneDown?.(lane, error);
    if (this.#ended) return;
    if (error?.code === 'ERR_XFER_TAMPERED') this.#tampered++;
    if (error && this.#isFatal(error)) return this.abort(error);
    this.#handlers?.onLane?.(lane, 'down');
    if (this.lanes.length > 0) {
      if (!error && this.#finishing) this.#endSoon();
      return this.#control.repeat();
    }
    const isOrderly = error === undefined && this.#finishing;
    if (isOrderly || (this.#finishing && this.#control.isAcknowledged)) return this.#end(undefined);
    if (!this.#remoteHello || !this.#options.rejoinMs) return this.#end(error);
    this.#detach(error ?? new XferError('ERR_XFER_CONNECTION_LOST', 'the other side closed the connection'));
  }

  /** A connection may be lost, and a record altered on the way once; whoever breaks the protocol does so on every lane. */
  #isFatal(error: XferError): boolean {
    if (error.code === 'ERR_XFER_TAMPERED') return this.#tampered > 1 || !this.#options.rejoinMs;
    return error.row.origin !== 'network' && error.code !== 'ERR_XFER_TRUNCATED';
  }

  /** The other side ends all lanes at once. One that has not ended soon after the first, and is silent, is dead. */
  #endSoon(): void {
    const { heardBytes } = this.#lanes;
    clearTimeout(this.#endTimer);
    this.#endTimer = setTimeout(() => {
      if (this.#lanes.heardBytes !== heardBytes && !this.#control.isAcknowledged) return;
      this.#end(undefined);
      this.#lanes.abort(new XferError('ERR_XFER_CONNECTION_LOST', 'the other side left'));
    }, sessionDefaults.heartbeatMs);
  }

  #detach(error: XferError): void {
    this.#detachedTimer = setTimeout(() => this.#end(error), this.#options.rejoinMs);
    this.#options.onDetached?.(error);
  }

  /** Nobody is there, and there is nothing to be told. */
  #endDetached(): void {
    this.#end(new XferError('ERR_XFER_CONNECTION_LOST', 'the session ended without a lane'));
  }

  #end(error: XferError | undefined): void {
    if (this.#ended) return;
    this.#ended = { error };
    clearTimeout(this.#detachedTimer);
    clearTimeout(this.#endTimer);
    this.#control.close();
    this.#lanes.close();
    this.group.close();
    this.#helloArrived?.();
    this.#handlers?.onEnd(error);
    this.#settle?.();
  }
}

const isForgotten = (error: unknown) =>
  error instanceof OpenRefused && error.openCode === openErrorCode.routeNotFound;
