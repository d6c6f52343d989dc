import type { CongestionController, ControllerFactory } from '../../plugins/udp/src/congestion/controller.js';
import type { Bottleneck } from './bottleneck.js';

export interface FlowOptions {
  readonly link: Bottleneck;
  readonly controller: ControllerFactory;
  /** Round trip without the queue. */
  readonly rttMs: number;
  readonly datagramBytes?: number;
  readonly startAt?: number;
  random(): number;
  /** When an ACK that is due at a time comes, not before it: later where the receiver or the sender was kept. */
  ackAt?(due: number): number;
  /** Bytes that the application has given by a time; Infinity: always enough. */
  offeredBytes?(now: number): number;
}

interface Packet {
  readonly number: number;
  readonly bytes: number;
  readonly sentAt: number;
  readonly inFlightThen: number;
  readonly delivered: number;
  readonly deliveredAt: number;
  readonly firstSentAt: number;
  readonly isAppLimited: boolean;
  fate: 'unknown' | 'acked' | 'lost';
}

/**
 * A sender with what surrounds a controller: pacing, RFC 6298's round trips, a packet threshold and a probe timeout for
 * losses (RFC 9002), and samples of the delivery rate (draft-cheng-iccrg-delivery-rate-estimation). The path does not
 * reorder.
 */
export class BottleneckFlow {
  readonly controller: CongestionController;
  readonly #options: FlowOptions;
  readonly #datagramBytes: number;
  /** Of what is sent from now on. */
  rttMs: number;
  readonly #outstanding: Packet[] = [];
  readonly #acks: { at: number; packet: Packet }[] = [];
  #firstAck = 0;
  #firstOutstanding = 0;
  #nextNumber = 0;
  #sentBytes = 0;
  #inFlight = 0;
  #lostPackets = 0;
  #sendAt: number;
  #delivered = 0;
  #deliveredAt = 0;
  #firstSentAt = 0;
  #appLimitedUntil = -1;
  #smoothedRtt = 0;
  #rttVariation = 0;
  readonly #secondMinima: number[] = [];
  #probeAt = Infinity;
  #probes = 0;
  /** Bytes delivered by the end of each tenth of a second. */
  readonly deliveredByTenth: number[] = [];

  constructor(options: FlowOptions) {
    this.#options = options;
    this.rttMs = options.rttMs;
    this.#datagramBytes = options.datagramBytes ?? 1448;
    this.#sendAt = options.startAt ?? 0;
    this.controller = options.controller({
      now: this.#sendAt,
      datagramBytes: this.#datagramBytes,
      random: options.random,
      rttMs: options.rttMs,
    });
  }

  get deliveredBytes(): number {
    return this.#delivered;
  }

  get lostPackets(): number {
    return this.#lostPackets;
  }

  get sentPackets(): number {
    return this.#nextNumber;
  }

  get inFlightBytes(): number {
    return this.#inFlight;
  }

  get smoothedRttMs(): number {
    return this.#smoothedRtt;
  }

  /** Bytes a second, delivered between two moments (to tenths of a second). */
  rateBetween(fromMs: number, toMs: number): number {
    return ((this.#deliveredAtTenth(toMs) - this.#deliveredAtTenth(fromMs)) / (toMs - fromMs)) * 1000;
  }

  /** When `step` has something to do. */
  get nextAt(): number {
    return Math.min(this.#nextSendAt, this.#acks[this.#firstAck]?.at ?? Infinity, this.#probeAt);
  }

  step(now: number): void {
    const ack = this.#acks[this.#firstAck];
    if (ack && ack.at <= now) this.#handleAcks(now);
    else if (this.#nextSendAt <= now) this.#send(now);
    else if (this.#probeAt <= now) this.#handleProbeTimeout(now);
  }

  get #nextSendAt(): number {
    if (this.#inFlight + this.#datagramBytes > this.controller.windowBytes) return Infinity;
    const offered = this.#options.offeredBytes;
    if (!offered || this.#sentBytes + this.#datagramBytes <= offered(this.#sendAt)) return this.#sendAt;
    this.#appLimitedUntil = this.#delivered + this.#inFlight;
    // Asked again a millisecond later: what is offered only grows.
    this.#sendAt += 1;
    return this.#sendAt;
  }

  #send(now: number): void {
    const bytes = this.#datagramBytes;
    this.controller.handleSent(now, bytes, this.#inFlight);
    if (this.#inFlight === 0) [this.#firstSentAt, this.#deliveredAt] = [now, now];
    this.#inFlight += bytes;
    this.#sentBytes += bytes;
    const packet: Packet = {
      number: this.#nextNumber++,
      bytes,
      sentAt: now,
      inFlightThen: this.#inFlight,
      delivered: this.#delivered,
      deliveredAt: this.#deliveredAt,
      firstSentAt: this.#firstSentAt,
      isAppLimited: this.#appLimitedUntil > this.#delivered,
      fate: 'unknown',
    };
    this.#outstanding.push(packet);
    const left = this.#options.link.offer(now, bytes);
    if (left !== undefined) {
      const due = left + this.rttMs;
      this.#acks.push({ at: this.#options.ackAt?.(due) ?? due, packet });
    }
    this.#sendAt = Math.max(now, this.#sendAt) + (bytes / this.controller.pacingRate) * 1000;
    this.#setProbe(now);
  }

  #handleAcks(now: number): void {
    let [ackedBytes, lateBytes, newest]: [number, number, Packet | undefined] = [0, 0, undefined];
    for (let ack = this.#acks[this.#firstAck]; ack && ack.at <= now; ack = this.#acks[this.#firstAck]) {
      this.#firstAck++;
      ackedBytes += ack.packet.bytes;
      if (ack.packet.fate === 'lost') lateBytes += ack.packet.bytes;
      ack.packet.fate = 'acked';
      newest = ack.packet;
    }
    if (this.#firstAck > 4096 && this.#firstAck * 2 > this.#acks.length) {
      this.#acks.splice(0, this.#firstAck);
      this.#firstAck = 0;
    }
    if (!newest) return;
    this.#probes = 0;
    this.#tally(now);
    if (lateBytes > 0) this.controller.handleSpuriousLoss(now, lateBytes);
    this.#inFlight -= ackedBytes - lateBytes;
    this.#delivered += ackedBytes;
    this.#deliveredAt = now;
    const rttMs = now - newest.sentAt;
    this.#measure(now, rttMs);
    this.#firstSentAt = newest.sentAt;
    this.#loseBelow(now, newest.number - 2);
    const interval = Math.max(newest.sentAt - newest.firstSentAt, now - newest.deliveredAt);
    this.controller.handleAck({
      now,
      ackedBytes,
      rttMs,
      minRttMs: Math.min(...this.#secondMinima),
      smoothedRttMs: this.#smoothedRtt,
      deliveredBytes: this.#delivered,
      priorDeliveredBytes: newest.delivered,
      deliveryRate:
        interval < Math.min(...this.#secondMinima)
          ? undefined
          : ((this.#delivered - newest.delivered) / interval) * 1000,
      isAppLimited: newest.isAppLimited,
      inFlightBytes: this.#inFlight,
      marked: 0,
    });
    this.#setProbe(now);
    this.#sendAt = Math.max(this.#sendAt, now);
  }

  /** Unacknowledged packets with a lower number are lost. */
  #loseBelow(now: number, number: number): void {
    let [lostBytes, newestLost]: [number, Packet | undefined] = [0, undefined];
    for (;;) {
      const packet = this.#outstanding[this.#firstOutstanding];
      if (!packet || (packet.number >= number && packet.fate === 'unknown')) break;
      this.#firstOutstanding++;
      if (packet.fate === 'acked') continue;
      packet.fate = 'lost';
      lostBytes += packet.bytes;
      this.#lostPackets++;
      newestLost = packet;
    }
    if (this.#firstOutstanding > 4096 && this.#firstOutstanding * 2 > this.#outstanding.length) {
      this.#outstanding.splice(0, this.#firstOutstanding);
      this.#firstOutstanding = 0;
    }
    if (!newestLost) return;
    this.#inFlight -= lostBytes;
    this.controller.handleLoss({
      now,
      lostBytes,
      sentAt: newestLost.sentAt,
      inFlightBytes: this.#inFlight,
      inFlightThen: newestLost.inFlightThen,
      deliveredBytes: this.#delivered,
    });
  }

  #handleProbeTimeout(now: number): void {
    this.#probes++;
    if (this.#probes === 3) {
      this.#loseBelow(now, this.#nextNumber);
      this.controller.handlePersistentCongestion(now);
    }
    this.#send(now);
  }

  #setProbe(now: number): void {
    // RFC 6298's first timeout, as long as there is no sample.
    const timeout = this.#smoothedRtt > 0 ? Math.max(10, this.#smoothedRtt + 4 * this.#rttVariation) : 1000;
    this.#probeAt = this.#inFlight > 0 ? now + timeout * 2 ** this.#probes : Infinity;
  }

  #measure(now: number, rttMs: number): void {
    if (this.#smoothedRtt === 0) [this.#smoothedRtt, this.#rttVariation] = [rttMs, rttMs / 2];
    else {
      this.#rttVariation += (Math.abs(this.#smoothedRtt - rttMs) - this.#rttVariation) / 4;
      this.#smoothedRtt += (rttMs - this.#smoothedRtt) / 8;
    }
    const second = Math.floor(now / 1000);
    if (this.#second !== second) {
      this.#second = second;
      this.#secondMinima.push(rttMs);
      if (this.#secondMinima.length > 10) this.#secondMinima.shift();
    }
    const last = this.#secondMinima.length - 1;
    this.#secondMinima[last] = Math.min(this.#secondMinima[last] ?? rttMs, rttMs);
  }
  #second = -1;

  #tally(now: number): void {
    const tenth = Math.floor(now / 100);
    while (this.deliveredByTenth.length < tenth) this.deliveredByTenth.push(this.#delivered);
  }

  #deliveredAtTenth(ms: number): number {
    const tenth = Math.round(ms / 100) - 1;
    return tenth < 0 ? 0 : (this.deliveredByTenth[tenth] ?? this.#delivered);
  }
}
