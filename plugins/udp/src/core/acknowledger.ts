import { ackBytes, ackRangeBytes, frameType, type FrameWriter } from './frame-writer.js';
import { ReceivedNumbers } from './received-numbers.js';

export interface AcknowledgerOptions {
  readonly maxAckDelayMs: number;
  readonly maxAckRanges: number;
  /** Told in every ACK. */
  readonly creditBytes: number;
}

/** So many new packets of one batch are acknowledged at once (RFC 9000 §13.2.2). */
const packetsAtOnce = 2;
/** From so many ranges on the other side is asked to acknowledge our ACKs, so that old ranges can be forgotten. */
const manyRanges = 4;
const maxU32 = 2 ** 32 - 1;

/** Which packets came, and when that is told. */
export class Acknowledger {
  readonly #options: AcknowledgerOptions;
  readonly #numbers: ReceivedNumbers;
  #largestAt = 0;
  #marked = 0;
  /** Packets that want an ACK and had none. */
  #waiting = 0;
  #isUrgent = false;
  /** When the ACK has to go. */
  #at = Infinity;
  /** Forgotten by the next ACK of an ACK that comes at `#forgetAt` or later: until then packets that are merely late may come. */
  #forgetUpTo = 0;
  #forgetAt = 0;

  constructor(options: AcknowledgerOptions) {
    this.#options = options;
    this.#numbers = new ReceivedNumbers(options.maxAckRanges);
  }

  get largest(): number {
    return this.#numbers.largest;
  }

  get at(): number {
    return this.#at;
  }

  get isWaiting(): boolean {
    return this.#waiting > 0;
  }

  get ranges(): number {
    return this.#numbers.ranges;
  }

  get hasManyRanges(): boolean {
    return this.#numbers.ranges >= manyRanges;
  }

  isKnown(number: number, packets: number): boolean {
    return number <= this.#numbers.largest && this.#numbers.has(number, packets);
  }

  /** `isUrgent`: its ACK shall not wait. */
  handlePackets(
    now: number,
    number: number,
    packets: number,
    { marked, isEliciting, isUrgent }: { marked: number; isEliciting: boolean; isUrgent: boolean },
  ): void {
    const { largest } = this.#numbers;
    const inOrder = number === largest + 1;
    if (number + packets - 1 > largest) this.#largestAt = now;
    const fresh = this.#numbers.add(number, packets);
    this.#marked = Math.min(maxU32, this.#marked + Math.min(marked, fresh));
    if (!isEliciting) return;
    this.#waiting += fresh;
    if (isUrgent || !inOrder || marked > 0) this.#isUrgent = true;
    if (this.#at === Infinity) this.#at = now + this.#options.maxAckDelayMs;
  }

  /** One decision a batch. */
  handleBatchEnd(now: number): void {
    if (this.#isUrgent || this.#waiting >= packetsAtOnce) this.#at = Math.min(this.#at, now);
  }

  /** An ACK that we sent, of numbers up to `largest`, has come; what it told need not be told again. */
  handleAckOfAck(now: number, largest: number, rttMs: number): void {
    if (now < this.#forgetAt) return;
    this.#numbers.forget(this.#forgetUpTo);
    this.#forgetUpTo = largest;
    this.#forgetAt = now + 2 * rttMs;
  }

  /** Writes an ACK of as many ranges as there is room for, the newest first. Returns its largest number; 0: there is nothing to tell, or no room. */
  write(now: number, into: FrameWriter): number {
    const ranges = Math.min(
      this.#numbers.ranges,
      Math.floor((into.roomBytes - ackBytes) / ackRangeBytes) + 1,
    );
    if (ranges < 1) return 0;
    into.u8(frameType.ack);
    into.u48(this.largest);
    into.u32(Math.min(maxU32, Math.round(Math.max(0, now - this.#largestAt) * 1000)));
    into.u32(Math.min(maxU32, Math.floor(this.#options.creditBytes / 1024)));
    into.u32(this.#marked);
    into.u16(ranges);
    for (let index = 0; index < ranges; index++) {
      if (index > 0) into.u32(this.#numbers.first(index - 1) - this.#numbers.last(index) - 1);
      into.u32(this.#numbers.last(index) - this.#numbers.first(index) + 1);
    }
    this.#waiting = 0;
    this.#isUrgent = false;
    this.#at = Infinity;
    return this.largest;
  }
}
