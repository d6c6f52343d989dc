import { FuzzRandom } from '../support/fuzz-random.js';
import type { SimPacket } from './udp-packet.js';
import type { VirtualClock } from './virtual-clock.js';

/** What one direction of a link is like. Times in milliseconds, parts and chances of one. */
export interface LinkShape {
  delayMs: number;
  /** Evenly spread on top of the delay; order is kept. */
  jitterMs: number;
  /** Bytes a millisecond, headers of IP and UDP included; Infinity: no queue. */
  rate: number;
  /** What may wait; a packet more is dropped (drop-tail). */
  queueBytes: number;
  /** Packets that find more than this waiting are marked CE (RFC 3168) instead of nothing. */
  markAboveBytes: number;
  /** Largest UDP payload; longer ones vanish, as where ICMP is filtered. */
  mtuBytes: number;
  /** Lost at random, behind the queue. */
  loss: number;
  /** Gilbert-Elliott: chance a packet to enter and to leave the bad state, which lasts `mostMs` at most, and to be lost in it. */
  burst?: { readonly enter: number; readonly leave: number; readonly loss: number; readonly mostMs: number };
  /** Overtaken by others for up to `reorderMs`. */
  reorder: number;
  reorderMs: number;
  /** Arrives twice. */
  duplicate: number;
}

export const plainLink: LinkShape = Object.freeze({
  delayMs: 10,
  jitterMs: 0,
  rate: Infinity,
  queueBytes: Infinity,
  markAboveBytes: Infinity,
  mtuBytes: 1472,
  loss: 0,
  reorder: 0,
  reorderMs: 0,
  duplicate: 0,
});

/** IPv4 and UDP. */
const headerBytes = 28;

/** One direction of a link. */
export class SimLink {
  readonly shape: LinkShape;
  readonly #clock: VirtualClock;
  readonly #random: FuzzRandom;
  /** Under way and in order; `#first` of it is next to arrive. */
  #line: SimPacket[] = [];
  #first = 0;
  #busyUntil = 0;
  #lastArrival = 0;
  #downUntil = 0;
  #badUntil = 0;
  sent = 0;
  sentBytes = 0;
  /** By the queue. */
  dropped = 0;
  deliver: (packet: SimPacket) => void = (packet) => packet.release();

  constructor(clock: VirtualClock, seed: number, shape: Partial<LinkShape>) {
    this.#clock = clock;
    this.#random = new FuzzRandom(seed);
    this.shape = { ...plainLink, ...shape };
  }

  get queuedBytes(): number {
    const waits = this.#busyUntil - this.#clock.now;
    return waits > 0 ? waits * this.shape.rate : 0;
  }

  get isDown(): boolean {
    return this.#clock.now < this.#downUntil;
  }

  /** What is sent within the next `ms` is lost. */
  black(ms: number): void {
    this.#downUntil = Math.max(this.#downUntil, this.#clock.now + ms);
  }

  send(packet: SimPacket): void {
    const { shape } = this;
    this.sent++;
    const wireBytes = packet.datagramBytes + headerBytes;
    this.sentBytes += wireBytes;
    if (packet.datagramBytes > shape.mtuBytes || this.isDown) return packet.release();
    const { now } = this.#clock;
    let leavesAt = now;
    if (shape.rate !== Infinity) {
      const queued = this.queuedBytes;
      if (queued + wireBytes > shape.queueBytes) {
        this.dropped++;
        return packet.release();
      }
      if (queued > shape.markAboveBytes) packet.isMarked = true;
      leavesAt = this.#busyUntil = Math.max(now, this.#busyUntil) + wireBytes / shape.rate;
    }
    if (this.#isLost()) return packet.release();
    const arrivesAt = leavesAt + shape.delayMs + (shape.jitterMs && shape.jitterMs * this.#part());
    if (this.#happens(shape.duplicate))
      this.#stray(packet.copy(), arrivesAt + this.#part() * shape.reorderMs);
    if (this.#happens(shape.reorder)) this.#stray(packet, arrivesAt + this.#part() * shape.reorderMs);
    else this.#queue(packet, arrivesAt);
  }

  #isLost(): boolean {
    const { loss, burst } = this.shape;
    if (burst) {
      const { now } = this.#clock;
      const isBad = now < this.#badUntil;
      if (this.#happens(isBad ? burst.leave : burst.enter)) this.#badUntil = isBad ? now : now + burst.mostMs;
      if (now < this.#badUntil && this.#happens(burst.loss)) return true;
    }
    return this.#happens(loss);
  }

  /** Arrives by itself. */
  #stray(packet: SimPacket, at: number): void {
    this.#clock.after(at - this.#clock.now, () => this.deliver(packet));
  }

  /** Arrives behind all that were queued before it. One event is due for all of the line. */
  #queue(packet: SimPacket, at: number): void {
    packet.arrivesAt = this.#lastArrival = Math.max(this.#lastArrival, at);
    if (this.#line.push(packet) === 1) this.#awaitFirst();
  }

  #awaitFirst(): void {
    const first = this.#line[this.#first];
    if (first) this.#clock.after(first.arrivesAt - this.#clock.now, this.#arrive);
  }

  readonly #arrive = (): void => {
    const { now } = this.#clock;
    for (let next = this.#line[this.#first]; next && next.arrivesAt <= now; next = this.#line[++this.#first])
      this.deliver(next);
    if (this.#first === this.#line.length) {
      this.#line.length = this.#first = 0;
      return;
    }
    if (this.#first > 4096) {
      this.#line = this.#line.slice(this.#first);
      this.#first = 0;
    }
    this.#awaitFirst();
  };

  #happens(chance: number): boolean {
    return chance > 0 && this.#part() < chance;
  }

  #part(): number {
    return this.#random.word() / 2 ** 32;
  }
}
