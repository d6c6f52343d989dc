import { sessionDefaults } from '../config/index.js';
import { XferError } from '../errors/index.js';
import { ControlLog, type NumberedMessage } from './control-log.js';
import type { RecordHeader } from './record-header.js';
import type { Retain } from '../transport/contract.js';

/** A bare acknowledgement is sent after this many control messages, so that the other side keeps few. */
const acknowledgeEvery = 32;
/** What is not acknowledged for so long, and for so many times what that takes, may wait behind content. */
const leastLateMs = 300;
const lateTimes = 3;
/** Weight of one time in what is usual (RFC 6298 §2). */
const confirmWeight = 1 / 8;
/** Of what may wait, so much goes on other lanes at once: most messages are small, and content needs the lanes. */
const mostSpreadBytes = 16 * 1024;

/** A function where what it says depends on what was sent before it. */
export type ControlBody = Uint8Array | (() => Uint8Array);

export interface ControlChannelOptions {
  /** Sends a control record on some lane; with none it does nothing, and `repeat` is called when there is one. */
  transmit(number: number, acknowledged: number, body: Uint8Array): void;
  /** Each message once and in order; `retain` as that of a lane. */
  deliver(body: Uint8Array, retain?: Retain): void;
  /** The other side has all that was said; called before the message that came with the acknowledgement is delivered. */
  onAcknowledged?(): void;
  /** The other side breaks the protocol. */
  onBreach(error: XferError): void;
}

/** A session's control messages: numbered, in order, kept until they are acknowledged, so that they outlive a lane. */
export class ControlChannel {
  readonly #options: ControlChannelOptions;
  readonly #log = new ControlLog(
    sessionDefaults.maxUnacknowledgedControl,
    sessionDefaults.maxEarlyControlBytes,
  );
  /** Messages that wait for acknowledgements of earlier ones. */
  readonly #waiting: ControlBody[] = [];
  #unconfirmed = 0;
  /** By performance.now(), of each message that is not acknowledged: when it was said, or again. */
  readonly #saidAt = new Map<number, number>();
  /** The highest message that was said more than once, and so has no time of its own (Karn's algorithm, RFC 6298 §3). */
  #repeated = 0;
  /** The highest message that was handed out to go on all lanes. */
  #spread = 0;
  /** How long it usually takes until a message is acknowledged; undefined until one was. */
  #usualConfirmMs: number | undefined;
  #closed = false;

  constructor(options: ControlChannelOptions) {
    this.#options = options;
  }

  /** The highest message that was delivered. */
  get delivered(): number {
    return this.#log.delivered;
  }

  /** Whether few enough messages are unacknowledged that one more, which can wait, should be sent now. */
  get hasRoom(): boolean {
    return this.#log.hasRoom;
  }

  /** Whether all that was said has been handed to a lane. */
  get isFlushed(): boolean {
    return this.#waiting.length === 0;
  }

  /** Whether the other side has all that was said. */
  get isAcknowledged(): boolean {
    return this.isFlushed && this.#log.isAcknowledged;
  }

  /** When the oldest of what the other side may not have was said, or said again; undefined: it has all. */
  get awaitingSince(): number | undefined {
    const [oldest] = this.#saidAt.values();
    return oldest ?? (this.isFlushed ? undefined : performance.now());
  }

  /** What the other side may not have, in order. */
  get unacknowledged(): readonly NumberedMessage[] {
    return this.#log.unacknowledged();
  }

  /** Sent behind those before, now or when enough of them are acknowledged; a function is called when it is. */
  say(body: ControlBody): void {
    if (this.#closed) return;
    if (this.#waiting.length >= sessionDefaults.maxWaitingControl)
      return this.#options.onBreach(
        new XferError('ERR_XFER_PROTOCOL', 'the other side acknowledges no control messages'),
      );
    this.#waiting.push(body);
    this.#sendWaiting();
  }

  /** Nothing more is said or delivered. */
  close(): void {
    this.#closed = true;
  }

  /** A control record without a message: it confirms what was delivered, and is a sign of life. */
  confirm(): void {
    this.#unconfirmed = 0;
    this.#options.transmit(0, this.#log.delivered, new Uint8Array());
  }

  /** What the other side may not have goes on another lane. */
  repeat(): void {
    for (const { number, body } of this.unacknowledged) {
      this.#saidAt.set(number, performance.now());
      this.#repeated = Math.max(this.#repeated, number);
      this.#options.transmit(number, this.#log.delivered, body);
    }
    this.confirm();
  }

  /**
   * What the other side may not have and should by now, because it may wait behind content on its lane: to go on the other
   * lanes as well, each message once. Of that the first 16 KiB, or the first message. `isUrgent`: whether it is late or not.
   */
  takeLate(isUrgent: boolean, now: number): readonly NumberedMessage[] {
    const lateMs = isUrgent ? 0 : Math.max(leastLateMs, lateTimes * (this.#usualConfirmMs ?? 0));
    const late: NumberedMessage[] = [];
    let bytes = 0;
    for (const message of this.unacknowledged) {
      if (message.number <= this.#spread) continue;
      bytes += message.body.length;
      const isLate = now - (this.#saidAt.get(message.number) ?? now) >= lateMs;
      if (!isLate || (late.length > 0 && bytes > mostSpreadBytes)) break;
      this.#spread = message.number;
      late.push(message);
    }
    this.#repeated = Math.max(this.#repeated, this.#spread);
    return late;
  }

  /** `retain` as that of a lane. */
  handle(header: RecordHeader, body: Uint8Array, retain?: Retain): void {
    if (!this.#log.acknowledge(header.offset))
      return this.#breach('the other side acknowledges what was never sent');
    this.#handleConfirmed(header.offset);
    this.#sendWaiting();
    if (this.isAcknowledged && !this.#closed) this.#options.onAcknowledged?.();
    if (header.entry === 0) return;
    const isNext = header.entry === this.#log.delivered + 1;
    const handled = this.#log.handle(header.entry, retain && !isNext ? Uint8Array.from(body) : body);
    if (handled.kind === 'violation') return this.#breach(handled.reason);
    if (handled.kind === 'duplicate') return;
    for (const message of handled.bodies)
      if (!this.#closed) this.#options.deliver(message, message === body ? retain : undefined);
    if (++this.#unconfirmed >= acknowledgeEvery && !this.#closed) this.confirm();
  }

  #handleConfirmed(upTo: number): void {
    for (const [number, saidAt] of this.#saidAt) {
      // They are in order.
      if (number > upTo) break;
      this.#saidAt.delete(number);
      if (number <= this.#repeated) continue;
      const tookMs = performance.now() - saidAt;
      this.#usualConfirmMs ??= tookMs;
      this.#usualConfirmMs += confirmWeight * (tookMs - this.#usualConfirmMs);
    }
  }

  #sendWaiting(): void {
    while (this.#log.hasRoom) {
      const body = this.#waiting.shift();
      if (!body) return;
      const message = this.#log.append(typeof body === 'function' ? body() : body);
      this.#unconfirmed = 0;
      this.#saidAt.set(message.number, performance.now());
      this.#options.transmit(message.number, this.#log.delivered, message.body);
    }
  }

  #breach(reason: string): void {
    this.#options.onBreach(new XferError('ERR_XFER_PROTOCOL', reason));
  }
}
