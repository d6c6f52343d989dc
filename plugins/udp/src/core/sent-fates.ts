import type { Acknowledger } from './acknowledger.js';
import type { ConnectionCoreOptions } from './contract.js';
import { ControlSender } from './control-sender.js';
import { LossDetector, type FateHandler } from './loss-detector.js';
import { LostContent } from './lost-content.js';
import type { ReceivedAck } from './received-ack.js';
import type { SendPath } from './send-path.js';
import { SendStreams } from './send-streams.js';
import type { SentRun } from './sent-run.js';

export interface SendCounters {
  packets: number;
  lost: number;
  spurious: number;
  bytes: number;
}

/** What became of what was sent: content is given back or waits to be sent again, and the path and its controller are told. */
export class SentFates implements FateHandler {
  readonly #acknowledger: Acknowledger;
  readonly #persistentTimeouts: number;
  readonly detector: LossDetector;
  readonly streams = new SendStreams();
  readonly lostContent = new LostContent();
  readonly control: ControlSender;
  readonly counters: SendCounters = { packets: 0, lost: 0, spurious: 0, bytes: 0 };
  /** CLOSE waits to be sent, or to be sent again; it has arrived. */
  isCloseDue = false;
  isCloseAcked = false;
  /** When an ACK may ask for an answer again: one of them is under way at a time. */
  ackPingAt = 0;
  #path: SendPath;
  #now: number;
  /** No more is believed of the other side's than we give ourselves. */
  readonly #mostCreditBytes: number;
  #creditBytes: number;
  #newestAckPacket = 0;
  #markedTold = 0;
  /** Of the ACK, or of the timeout, at hand. */
  #ackedBytes = 0;
  #lostBytes = 0;
  #newestLost: SentRun | undefined;

  constructor(
    { config, user, peer, now, controlSentBytes }: ConnectionCoreOptions,
    acknowledger: Acknowledger,
    path: SendPath,
  ) {
    this.#acknowledger = acknowledger;
    this.#persistentTimeouts = config.persistentTimeouts;
    this.#path = path;
    this.#now = now;
    this.#mostCreditBytes = config.creditBytes;
    this.#creditBytes = Math.min(peer.creditBytes, this.#mostCreditBytes);
    this.control = new ControlSender(controlSentBytes, (most) => user.pullControl(most));
    this.detector = new LossDetector(
      { leastProbeTimeoutMs: config.leastProbeTimeoutMs, fates: this },
      path.rtt,
    );
  }

  get path(): SendPath {
    return this.#path;
  }

  /** What may be sent of content where nothing is outstanding. */
  get wholeCreditBytes(): number {
    return this.#creditBytes;
  }

  /** What may still be sent of content. */
  get creditBytes(): number {
    return this.#creditBytes - this.streams.outstandingBytes;
  }

  moveTo(path: SendPath): void {
    this.#path = path;
    this.detector.handlePath(path.rtt);
  }

  handleSent(now: number, run: SentRun): void {
    this.counters.packets += run.packets;
    run.path.handleSent(now, run);
    this.detector.handleSent(run);
  }

  /** `packetNumber`: of the packet that brought it. All its numbers were sent. */
  handleAck(now: number, ack: ReceivedAck, packetNumber: number): void {
    this.#now = now;
    const newest = this.detector.handleAck(now, ack);
    const path = this.#path;
    let rttMs: number | undefined;
    if (newest?.path === path && (newest.isCounted || newest.probeBytes > 0))
      rttMs = path.rtt.handleSample(now, now - newest.sentAt, ack.delayMs);
    this.detector.detect(now);
    this.#tellLosses(now);
    const isNewest = packetNumber > this.#newestAckPacket;
    if (isNewest) {
      this.#newestAckPacket = packetNumber;
      this.#creditBytes = Math.min(ack.creditBytes, this.#mostCreditBytes);
    }
    this.#tellAck(now, rttMs, isNewest ? ack.marked : 0);
  }

  /** True: the probe timeout is over. */
  handleTimeout(now: number): boolean {
    this.#now = now;
    const isProbe = this.detector.handleTimeout(now);
    if (isProbe && this.detector.timeouts === this.#persistentTimeouts)
      this.#path.controller.handlePersistentCongestion(now);
    this.#tellLosses(now);
    return isProbe;
  }

  handleAcked(run: SentRun): void {
    run.path.handleGone(run);
    if (run.isClose) this.isCloseAcked = true;
    this.#handleArrived(run);
  }

  handleSpurious(run: SentRun): void {
    this.counters.spurious += run.packets;
    if (run.path === this.#path && run.isCounted)
      this.#path.controller.handleSpuriousLoss(this.#now, run.wireBytes);
    this.#handleArrived(run);
  }

  handleLost(run: SentRun): void {
    const { path } = run;
    path.handleGone(run);
    if (run.probeBytes > 0) {
      path.mtu.handleProbeLost(this.#now, run.probeBytes);
      return;
    }
    this.counters.lost += run.packets;
    if (run.stream !== undefined) this.lostContent.handleLost(run);
    if (run.controlTo > run.controlFrom) this.control.handleLost(run.controlFrom, run.controlTo);
    if (run.isClose) this.isCloseDue = true;
    if (path !== this.#path || !run.isCounted) return;
    this.#lostBytes += run.wireBytes;
    this.#newestLost = run;
  }

  /** What is the same for what arrived in time and what had been found lost. */
  #handleArrived(run: SentRun): void {
    const { path } = run;
    if (run.stream !== undefined) this.streams.handleAcked(run.stream, run);
    if (run.controlTo > run.controlFrom) this.control.handleAcked(run.controlFrom, run.controlTo);
    if (run.ackLargest > 0) {
      this.ackPingAt = this.#now;
      this.#acknowledger.handleAckOfAck(this.#now, run.ackLargest, this.#now - run.sentAt);
    }
    if (run.probeBytes === 0) path.mtu.handleArrived(run.datagramBytes);
    else if (path.mtu.handleProbeAcked(this.#now, run.probeBytes)) path.handleDatagramBytes();
    if (path !== this.#path || !run.isCounted) return;
    path.rate.handleAcked(this.#now, run);
    this.#ackedBytes += run.wireBytes;
  }

  /** `marked`: of all packets so far; 0: not known. */
  #tellAck(now: number, rttMs: number | undefined, marked: number): void {
    const path = this.#path;
    const ackedBytes = this.#ackedBytes;
    this.#ackedBytes = 0;
    const sample = path.rate.sample(now, path.rtt.minMs);
    if (sample === undefined) return;
    const newlyMarked = Math.max(0, marked - this.#markedTold);
    this.#markedTold += newlyMarked;
    path.endFirstRound();
    path.controller.handleAck({
      now,
      ackedBytes,
      rttMs,
      minRttMs: path.rtt.minMs,
      smoothedRttMs: path.rtt.smoothedMs,
      deliveredBytes: path.rate.delivered,
      priorDeliveredBytes: sample.priorDelivered,
      deliveryRate: sample.bytesPerSecond,
      isAppLimited: sample.isAppLimited,
      inFlightBytes: path.inFlightBytes,
      marked: newlyMarked,
    });
  }

  #tellLosses(now: number): void {
    const newest = this.#newestLost;
    if (newest === undefined) return;
    const path = this.#path;
    const lostBytes = this.#lostBytes;
    this.#newestLost = undefined;
    this.#lostBytes = 0;
    if (path.mtu.handleLost(now, newest.datagramBytes)) path.handleDatagramBytes();
    path.controller.handleLoss({
      now,
      lostBytes,
      sentAt: newest.sentAt,
      inFlightBytes: path.inFlightBytes,
      inFlightThen: newest.inFlightThen,
      deliveredBytes: path.rate.delivered,
    });
  }
}
