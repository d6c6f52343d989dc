/** A control message with its number in its direction, from 1. */
export interface NumberedMessage {
  readonly number: number;
  readonly body: Uint8Array;
}

/** What `handle` found. */
export type Handled =
  | { readonly kind: 'deliver'; readonly bodies: readonly Uint8Array[] }
  | { readonly kind: 'duplicate' }
  | { readonly kind: 'violation'; readonly reason: string };

/**
 * Numbered control messages that outlive a lane (DESIGN §6), a pure state machine. What was sent is kept until the
 * other side acknowledged it and can be repeated on another lane; what arrives is delivered once and in order.
 *
 * Calls: `append` for each message to send (then send it), `handle` for each that arrived (then deliver the bodies),
 * `acknowledge` for each number that the other side confirms, `unacknowledged` when a lane has been replaced.
 */
export class ControlLog {
  readonly #mostKept: number;
  readonly #mostEarlyBytes: number;
  readonly #sent: NumberedMessage[] = [];
  readonly #early = new Map<number, Uint8Array>();
  #lastSent = 0;
  #acknowledged = 0;
  #delivered = 0;
  #earlyBytes = 0;

  /** `mostKept` messages in each direction; those that wait behind a gap have `mostEarlyBytes` together. */
  constructor(mostKept: number, mostEarlyBytes: number) {
    this.#mostKept = mostKept;
    this.#mostEarlyBytes = mostEarlyBytes;
  }

  /** Highest number received without a gap: what every outgoing control record confirms. */
  get delivered(): number {
    return this.#delivered;
  }

  /** False while so much is unacknowledged that the sender has to wait. */
  get hasRoom(): boolean {
    return this.#sent.length < this.#mostKept;
  }

  /** Whether the other side has all that was sent. */
  get isAcknowledged(): boolean {
    return this.#sent.length === 0;
  }

  append(body: Uint8Array): NumberedMessage {
    const message = { number: ++this.#lastSent, body };
    this.#sent.push(message);
    return message;
  }

  handle(number: number, body: Uint8Array): Handled {
    if (number <= this.#delivered || this.#early.has(number)) return { kind: 'duplicate' };
    if (number > this.#delivered + this.#mostKept)
      return {
        kind: 'violation',
        reason: `control message ${number} is too far ahead of ${this.#delivered}`,
      };
    this.#early.set(number, body);
    this.#earlyBytes += body.length;
    const bodies = this.#takeInOrder();
    if (this.#earlyBytes > this.#mostEarlyBytes)
      return { kind: 'violation', reason: `too much waits for control message ${this.#delivered + 1}` };
    return { kind: 'deliver', bodies };
  }

  /** False for a number that was never sent: the other side breaks the protocol. */
  acknowledge(number: number): boolean {
    if (number > this.#lastSent) return false;
    if (number <= this.#acknowledged) return true;
    this.#sent.splice(0, number - this.#acknowledged);
    this.#acknowledged = number;
    return true;
  }

  /** In order; to be repeated on a lane that replaces the one they were sent on. */
  unacknowledged(): readonly NumberedMessage[] {
    return [...this.#sent];
  }

  #takeInOrder(): Uint8Array[] {
    const bodies: Uint8Array[] = [];
    for (;;) {
      const next = this.#early.get(this.#delivered + 1);
      if (!next) return bodies;
      this.#early.delete(++this.#delivered);
      this.#earlyBytes -= next.length;
      bodies.push(next);
    }
  }
}
