import { sessionDefaults } from '../config/index.js';
import { asXferError, XferError } from '../errors/index.js';
import type { Cipher, NativeApi } from '../native/api.js';
import type { Stream } from '../transport/contract.js';
import { ControlLog } from './control-log.js';
import { reasonOf } from './handshake-driver.js';
import { encodeHello, readHello, type Hello } from './hello.js';
import { laneKeys } from './keys.js';
import { Lane, type ContentJob, type SealedContent } from './lane.js';
import { Pulse } from './pulse.js';
import { RecordBuffers } from './record-buffers.js';
import type { RecordHeader } from './record-header.js';

/** A bare acknowledgement is sent after this many control messages, so that the other side keeps few. */
const acknowledgeEvery = 32;
const pulseTickMs = 1_000;

/** What a handshake gives (see handshake.ts). */
export interface SessionSecrets {
  readonly secret: Uint8Array;
  readonly transcript: Uint8Array;
  readonly peerKey: Uint8Array;
  readonly cipher: Cipher;
  readonly role: 'dialer' | 'listener';
  readonly leftover: Uint8Array;
  /** The other side has ended or reset the stream since: no handler set now is told of it. */
  readonly isLost?: boolean;
}

export interface SessionOptions {
  readonly stream: Stream;
  readonly secrets: SessionSecrets;
  readonly hello: Hello;
  readonly native: NativeApi;
  readonly signal: AbortSignal;
  /** How long the other side may say nothing at all. Default: sessionDefaults.mostSilenceMs. */
  readonly silenceMs?: number;
}

/** A function where what it says depends on what was sent before it. */
export type ControlBody = Uint8Array | (() => Uint8Array);

export interface SessionHandlers {
  /** Control messages, each once and in order. A throw ends the session with that error. */
  onControl(body: Uint8Array): void;
  onContent(content: SealedContent): void;
  onRoom(): void;
  /** The last lane is gone, once; `error` unless the other side closed in order. */
  onEnd(error?: XferError): void;
}

/**
 * The authenticated, sealed association of the two end peers, whatever is between them. It has one lane here;
 * its control messages are numbered so that they can outlive it.
 */
export class Session {
  readonly peerKey: Uint8Array;
  readonly #log = new ControlLog(
    sessionDefaults.maxUnacknowledgedControl,
    sessionDefaults.maxEarlyControlBytes,
  );
  readonly #lane: Lane;
  readonly #ownHello: Hello;
  readonly #early: ((handlers: SessionHandlers) => void)[] = [];
  #remoteHello: Hello | undefined;
  #helloArrived: (() => void) | undefined;
  #handlers: SessionHandlers | undefined;
  #ended: { readonly error: XferError | undefined } | undefined;
  #unconfirmed = 0;
  /** Control messages that wait for acknowledgements of earlier ones. */
  readonly #waiting: ControlBody[] = [];
  #finishing = false;
  readonly #silenceMs: number;
  #pulseTimer: NodeJS.Timeout | undefined;

  private constructor(options: SessionOptions) {
    const { stream, secrets, native, hello } = options;
    this.peerKey = secrets.peerKey;
    this.#ownHello = hello;
    this.#silenceMs = options.silenceMs ?? sessionDefaults.mostSilenceMs;
    const { sealing, opening } = laneKeys({ ...secrets, lane: 0 });
    this.#lane = new Lane({
      number: 0,
      stream,
      leftover: secrets.leftover,
      sealing,
      opening,
      native,
      buffers: new RecordBuffers(),
      handlers: {
        onControl: (header, body) => this.#handleControl(header, body),
        onContent: (content) => this.#handleContent(content),
        onRoom: () => this.#handlers?.onRoom(),
        onEnd: (error) => this.#handleEnd(error),
      },
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
      if (options.signal.aborted) interrupt();
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
    if (ended && (ended.error || !session.#remoteHello))
      throw ended.error ?? new XferError('ERR_XFER_CONNECTION_LOST', 'the other side left');
    if (!ended) session.#watch();
    return session;
  }

  get hello(): Hello {
    if (!this.#remoteHello) throw new XferError('ERR_XFER_INTERNAL', 'HELLO was asked for before it came');
    return this.#remoteHello;
  }

  get laneNumbers(): readonly number[] {
    return [this.#lane.number];
  }

  /** To be called once, in the same turn in which `establish` resolved. What came before is delivered now. */
  attach(handlers: SessionHandlers): void {
    const before = this.#ended;
    this.#handlers = handlers;
    for (const deliver of this.#early.splice(0)) if (this.#ended === before) deliver(handlers);
    if (before) handlers.onEnd(before.error);
  }

  /** Whether few enough messages are unacknowledged that one more, which can wait, should be sent now. */
  get hasControlRoom(): boolean {
    return this.#log.hasRoom;
  }

  /** Sent behind those before, now or when enough of them are acknowledged; a function is called when it is. */
  sendControl(body: ControlBody): void {
    if (this.#ended || this.#finishing) return;
    if (this.#waiting.length >= sessionDefaults.maxWaitingControl)
      return this.abort(
        new XferError('ERR_XFER_PROTOCOL', 'the other side acknowledges no control messages'),
      );
    this.#waiting.push(body);
    this.#sendWaiting();
  }

  get hasRoom(): boolean {
    return this.#lane.hasRoom;
  }

  sendContent(job: ContentJob, done: (error: Error | null, bodyBytes: number) => void): void {
    this.#lane.sendContent(job, done);
  }

  /** Records sealed and opened on each lane so far: what END names. */
  laneCounts(direction: 'sealed' | 'opened'): readonly (readonly [lane: number, records: number])[] {
    return [
      [this.#lane.number, direction === 'sealed' ? this.#lane.sealedRecords : this.#lane.openedRecords],
    ];
  }

  /** Ends our direction behind all that was submitted. */
  finish(): void {
    this.#finishing = true;
    this.#sendWaiting();
  }

  abort(error: XferError): void {
    this.#lane.abort(error);
  }

  /** Says now and then that this side is there, and ends the session when the other one is not. */
  #watch(): void {
    const limits = { heartbeatMs: sessionDefaults.heartbeatMs, silenceMs: this.#silenceMs };
    const pulse = new Pulse(limits, performance.now());
    this.#pulseTimer = setInterval(() => {
      const verdict = pulse.handleTick(performance.now(), this.#lane.heardBytes, this.#lane.sealedRecords);
      if (verdict === 'beat') this.#confirm();
      if (verdict === 'dead')
        this.abort(
          new XferError(
            'ERR_XFER_CONNECTION_LOST',
            `nothing was heard from the other side for ${Math.round(this.#silenceMs / 1000)} s`,
          ),
        );
    }, pulseTickMs);
  }

  /** A control record without a message: it confirms what was delivered, and is a sign of life. */
  #confirm(): void {
    this.#unconfirmed = 0;
    this.#lane.sendControl(0, this.#log.delivered, new Uint8Array());
  }

  #exchangeHello(): void {
    this.#sendNumbered(encodeHello(this.#ownHello));
    this.#lane.start();
  }

  #sendWaiting(): void {
    while (this.#log.hasRoom) {
      const body = this.#waiting.shift();
      if (!body) break;
      this.#sendNumbered(typeof body === 'function' ? body() : body);
    }
    if (this.#finishing && this.#waiting.length === 0) this.#lane.finish();
  }

  #sendNumbered(body: Uint8Array): void {
    const message = this.#log.append(body);
    this.#unconfirmed = 0;
    this.#lane.sendControl(message.number, this.#log.delivered, body);
  }

  #handleControl(header: RecordHeader, body: Uint8Array): void {
    if (!this.#log.acknowledge(header.offset))
      return this.abort(
        new XferError('ERR_XFER_PROTOCOL', 'the other side acknowledges what was never sent'),
      );
    this.#sendWaiting();
    if (header.entry === 0) return;
    const handled = this.#log.handle(header.entry, body);
    if (handled.kind === 'violation') return this.abort(new XferError('ERR_XFER_PROTOCOL', handled.reason));
    if (handled.kind === 'duplicate') return;
    for (const message of handled.bodies) if (!this.#ended) this.#deliver(message);
    if (++this.#unconfirmed >= acknowledgeEvery) this.#confirm();
  }

  #deliver(body: Uint8Array): void {
    try {
      if (!this.#remoteHello) {
        this.#remoteHello = readHello(body, this.#ownHello.role);
        this.#helloArrived?.();
      } else if (this.#handlers) this.#handlers.onControl(body);
      else this.#early.push(() => this.#deliver(body));
    } catch (error) {
      this.abort(asXferError(error));
    }
  }

  #handleContent(content: SealedContent): void {
    if (this.#handlers) return this.#handlers.onContent(content);
    // It may come in the same bytes as the HELLO; how much is bounded by the stream's credit.
    if (this.#remoteHello) return void this.#early.push((handlers) => handlers.onContent(content));
    content.release();
    this.abort(new XferError('ERR_XFER_PROTOCOL', 'the other side sent content before its HELLO'));
  }

  #handleEnd(error: XferError | undefined): void {
    if (this.#ended) return;
    this.#ended = { error };
    clearInterval(this.#pulseTimer);
    this.#helloArrived?.();
    this.#handlers?.onEnd(error);
  }
}
