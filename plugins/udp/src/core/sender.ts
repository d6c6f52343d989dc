import { packetLayout } from 'xfer/plugin';
import type { Acknowledger } from './acknowledger.js';
import type { ConnectionCoreOptions, ControlToSend, PulledContent, RunToSend, Transmit } from './contract.js';
import { ControlSender } from './control-sender.js';
import { FrameWriter } from './frame-writer.js';
import { LossDetector, type SentFates } from './loss-detector.js';
import { LostContent } from './lost-content.js';
import type { ReceivedAck } from './received-ack.js';
import { SendPath } from './send-path.js';
import type { SendStream } from './send-stream.js';
import { SendStreams } from './send-streams.js';
import { SentRun } from './sent-run.js';
import { isDue } from './steady-clock.js';
import { sliceChunks } from './slice-chunks.js';

const controlOverheadBytes = packetLayout.framesAt + packetLayout.tagBytes;
const maxNumber = 2 ** 48 - 1;
/** From the second probe timeout in a row on two packets ask: one of them may be lost, too. */
const furtherProbes = 2;

export interface SendCounters {
  packets: number;
  lost: number;
  spurious: number;
  bytes: number;
}

/** The sending side: what goes when, and what becomes of it. */
export class Sender implements SentFates {
  readonly #options: ConnectionCoreOptions;
  readonly #acknowledger: Acknowledger;
  readonly #detector: LossDetector;
  readonly #streams = new SendStreams();
  readonly #lostContent = new LostContent();
  readonly #control: ControlSender;
  readonly #writer: FrameWriter;
  readonly counters: SendCounters = { packets: 0, lost: 0, spurious: 0, bytes: 0 };
  #path: SendPath;
  #nextNumber = 1;
  #now: number;
  /** There may be content to pull. */
  #mayPull = true;
  #probes = 0;
  #pingAt = 0;
  /** When the pace lets the next packet go; Infinity: it is not what is waited for. */
  #pacedAt = Infinity;
  #creditBytes: number;
  #newestAckPacket = 0;
  #markedTold = 0;
  /** Of the ACK, or of the timeout, at hand. */
  #ackedBytes = 0;
  #lostBytes = 0;
  #newestLost: SentRun | undefined;
  #close: { readonly code: number; readonly reason: string; readonly wasSent: boolean } | undefined;
  #isCloseAcked = false;

  constructor(options: ConnectionCoreOptions, acknowledger: Acknowledger) {
    const { config, user, peer } = options;
    this.#options = options;
    this.#acknowledger = acknowledger;
    this.#now = options.now;
    this.#creditBytes = peer.creditBytes;
    this.#control = new ControlSender(options.controlSentBytes, (most) => user.pullControl(most));
    this.#writer = new FrameWriter(config.maxDatagramBytes);
    this.#path = this.#pathOf(options.now, options.path, options.rttMs);
    this.#detector = new LossDetector(
      { leastProbeTimeoutMs: config.leastProbeTimeoutMs, fates: this },
      this.#path.rtt,
    );
  }

  get path(): SendPath {
    return this.#path;
  }

  get probeTimeoutMs(): number {
    return this.#detector.probeTimeoutMs;
  }

  get timeouts(): number {
    return this.#detector.timeouts;
  }

  get unsentBytes(): number {
    return this.#lostContent.bytes + this.#control.unsentBytes;
  }

  get sentRuns(): number {
    return this.#detector.runs;
  }

  get streams(): number {
    return this.#streams.count;
  }

  /** All that was pulled is known to have arrived, and there is nothing more to pull. */
  get isIdle(): boolean {
    return !this.#mayPull && this.#control.isIdle && this.#streams.isIdle;
  }

  get isCloseAcked(): boolean {
    return this.#isCloseAcked;
  }

  get hasNumbersLeft(): boolean {
    return this.#nextNumber < maxNumber - packetLayout.maxRunPackets;
  }

  get at(): number {
    const probeAt = this.#path.mtu.at;
    // A probe that is due and did not go waits for the window or the pace, as all else.
    return Math.min(this.#detector.at, this.#pacedAt, probeAt > this.#now ? probeAt : Infinity);
  }

  ready(): void {
    this.#mayPull = true;
    this.#control.ready();
  }

  forget(streamId: number): void {
    this.#streams.forget(streamId);
  }

  /** Nothing of content or control is sent any more. */
  stop(): void {
    this.#lostContent.clear();
    this.#streams.forgetAll();
  }

  /** CLOSE goes with the next `poll`, and again with each probe. */
  closeWith(code: number, reason: string): void {
    this.#close ??= { code, reason, wasSent: false };
  }

  moveTo(now: number, path: number, rttMs: number): void {
    this.#path = this.#pathOf(now, path, rttMs);
    this.#detector.handlePath(this.#path.rtt);
    this.#pacedAt = Infinity;
  }

  handleAck(now: number, ack: ReceivedAck, packetNumber: number): string | undefined {
    if (ack.largest >= this.#nextNumber) return 'an ACK of a packet that was never sent';
    this.#now = now;
    const newest = this.#detector.handleAck(now, ack);
    const path = this.#path;
    let rttMs: number | undefined;
    if (newest?.path === path && (newest.isCounted || newest.probeBytes > 0))
      rttMs = path.rtt.handleSample(now, now - newest.sentAt, ack.delayMs);
    this.#detector.detect(now);
    this.#tellLosses(now);
    const marked = this.#takeNews(ack, packetNumber);
    const ackedBytes = this.#ackedBytes;
    this.#ackedBytes = 0;
    const sample = path.rate.sample(now, path.rtt.minMs);
    if (sample === undefined) return undefined;
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
      marked,
    });
    return undefined;
  }

  handleTimeout(now: number): void {
    this.#now = now;
    if (this.#detector.handleTimeout(now)) {
      this.#probes = this.#detector.timeouts > 1 ? furtherProbes : 1;
      if (this.#detector.timeouts === this.#options.config.persistentTimeouts)
        this.#path.controller.handlePersistentCongestion(now);
    }
    this.#tellLosses(now);
  }

  handleAcked(run: SentRun): void {
    run.path.handleGone(run);
    if (run.isClose) this.#isCloseAcked = true;
    this.#handleArrived(run);
    if (run.path !== this.#path || !run.isCounted) return;
    run.path.rate.handleAcked(this.#now, run);
    this.#ackedBytes += run.wireBytes;
  }

  handleSpurious(run: SentRun): void {
    this.counters.spurious += run.packets;
    this.#handleArrived(run);
    if (run.path !== this.#path || !run.isCounted) return;
    this.#path.controller.handleSpuriousLoss(this.#now, run.wireBytes);
    run.path.rate.handleAcked(this.#now, run);
    this.#ackedBytes += run.wireBytes;
  }

  handleLost(run: SentRun): void {
    const { path } = run;
    path.handleGone(run);
    if (run.probeBytes > 0) {
      path.mtu.handleProbeLost(this.#now, run.probeBytes);
      return;
    }
    this.counters.lost += run.packets;
    if (run.stream !== undefined) this.#lostContent.handleLost(run);
    if (run.controlTo > run.controlFrom) this.#control.handleLost(run.controlFrom, run.controlTo);
    if (run.isClose && this.#close !== undefined) this.#close = { ...this.#close, wasSent: false };
    if (path !== this.#path || !run.isCounted) return;
    this.#lostBytes += run.wireBytes;
    this.#newestLost = run;
  }

  /** A control packet on another path than the one in use, or beside all else. */
  pollApart(now: number, path: number, write: (writer: FrameWriter) => void): ControlToSend {
    this.#writer.begin(this.#options.config.baseDatagramBytes - controlOverheadBytes);
    write(this.#writer);
    const run = this.#newControlRun(now, this.#writer);
    run.isCounted = false;
    return this.#sendControl(now, run, path);
  }

  /** An ACK alone, or with a CLOSE: what is left when a connection is over. */
  pollLast(
    now: number,
    close: { readonly code: number; readonly reason: string } | undefined,
  ): ControlToSend {
    this.#writer.begin(this.#path.datagramBytes - controlOverheadBytes);
    if (close !== undefined) this.#writer.close(close.code, close.reason);
    this.#acknowledger.write(now, this.#writer);
    return this.#untracked();
  }

  poll(now: number): Transmit | undefined {
    this.#now = now;
    if (this.#probes > 0) {
      this.#probes -= 1;
      return this.#pollProbe(now);
    }
    this.#pacedAt = Infinity;
    const ackDue = isDue(this.#acknowledger.at, now);
    const packets = this.#path.windowPackets;
    if (packets < 1) return ackDue ? this.#pollAck(now) : undefined;
    const waitMs = this.#path.paceWaitMs(now);
    if (waitMs > 0) {
      this.#pacedAt = now + waitMs;
      return ackDue ? this.#pollAck(now) : undefined;
    }
    const found =
      this.#pollControl(now) ??
      (ackDue ? this.#pollAck(now) : undefined) ??
      this.#pollMtuProbe(now) ??
      this.#pollLost(now, packets, this.#path.datagramBytes) ??
      this.#pollContent(now, packets, this.#path.datagramBytes);
    if (found === undefined) this.#path.rate.handleAppLimited(this.#path.inFlightBytes);
    return found;
  }

  #pollAck(now: number): ControlToSend | undefined {
    this.#writer.begin(this.#path.datagramBytes - controlOverheadBytes);
    const ackLargest = this.#acknowledger.write(now, this.#writer);
    if (ackLargest === 0) return undefined;
    if (!this.#acknowledger.hasManyRanges || now < this.#pingAt) return this.#untracked();
    this.#pingAt = now + this.#path.rtt.smoothedMs;
    this.#writer.ping();
    const run = this.#newControlRun(now, this.#writer);
    run.ackLargest = ackLargest;
    return this.#sendControl(now, run, this.#path.id);
  }

  #pollControl(now: number): ControlToSend | undefined {
    const limit = this.#path.datagramBytes - controlOverheadBytes;
    const closes = this.#close !== undefined && !this.#close.wasSent;
    if (!closes && !this.#control.hasMore(limit)) return undefined;
    const writer = this.#writer;
    writer.begin(limit);
    const ackLargest = this.#acknowledger.isWaiting ? this.#acknowledger.write(now, writer) : 0;
    if (closes && this.#close !== undefined) {
      writer.close(this.#close.code, this.#close.reason);
      this.#close = { ...this.#close, wasSent: true };
    }
    const range = closes ? undefined : this.#control.write(writer);
    const run = this.#newControlRun(now, writer);
    run.ackLargest = ackLargest;
    run.isClose = closes;
    run.controlFrom = range?.from ?? 0;
    run.controlTo = range?.to ?? 0;
    return this.#sendControl(now, run, this.#path.id);
  }

  #pollMtuProbe(now: number): ControlToSend | undefined {
    const size = this.#path.mtu.poll(now, this.#path.affordableProbeBytes);
    if (size === undefined) return undefined;
    this.#writer.begin(1);
    this.#writer.ping();
    const run = new SentRun(this.#nextNumber, 1, size, now, this.#path);
    run.probeBytes = size;
    // It may be as large as the whole window, and says nothing about congestion.
    run.isCounted = false;
    return { ...this.#sendControl(now, run, this.#path.id), datagramBytes: size };
  }

  #pollLost(now: number, packets: number, datagramBytes: number): RunToSend | undefined {
    const piece = this.#lostContent.first;
    if (piece === undefined) return undefined;
    const bytes = Math.min(piece.bytes, this.#runBytes(packets, datagramBytes));
    const fin = piece.fin && bytes === piece.bytes;
    const { stream, content, offset } = piece;
    this.#lostContent.take(bytes);
    return this.#sendContent(now, { stream, content, offset, bytes, fin, datagramBytes });
  }

  #pollContent(now: number, packets: number, datagramBytes: number): RunToSend | undefined {
    if (!this.#mayPull) return undefined;
    const credit = this.#creditBytes - this.#streams.outstandingBytes;
    const payload = datagramBytes - packetLayout.dataHeaderBytes;
    // A little credit is let grow to a packet's, unless there is nothing that would make it grow.
    if (credit <= 0 || (credit < payload && this.#streams.outstandingBytes > 0)) return undefined;
    const content = this.#options.user.pullContent(Math.min(credit, this.#runBytes(packets, datagramBytes)));
    if (content === undefined) {
      this.#mayPull = false;
      return undefined;
    }
    const stream = this.#streams.add(content);
    const { offset, bytes, fin } = content;
    this.counters.bytes += bytes;
    return this.#sendContent(now, { stream, content, offset, bytes, fin, datagramBytes });
  }

  /** What is answered at once, window and pace or not: what waits, else the oldest again, else a PING. */
  #pollProbe(now: number): Transmit | undefined {
    const { config } = this.#options;
    // Small from the second time on: larger datagrams may be what does not arrive.
    const size =
      this.#detector.timeouts > 1
        ? Math.min(config.baseDatagramBytes, this.#path.datagramBytes)
        : this.#path.datagramBytes;
    const oldest = this.#detector.oldest;
    if (oldest?.isClose === true && this.#close !== undefined)
      this.#close = { ...this.#close, wasSent: false };
    const found = this.#pollControl(now) ?? this.#pollLost(now, 1, size) ?? this.#pollContent(now, 1, size);
    if (found !== undefined) return found;
    if (oldest?.stream !== undefined && oldest.content !== undefined && !oldest.stream.isForgotten) {
      const { stream, content, offset } = oldest;
      const bytes = Math.min(oldest.bytes, this.#runBytes(1, size));
      const fin = oldest.fin && bytes === oldest.bytes;
      return this.#sendContent(now, { stream, content, offset, bytes, fin, datagramBytes: size });
    }
    return this.#pollControlAgain(now, oldest, size);
  }

  #pollControlAgain(now: number, oldest: SentRun | undefined, size: number): ControlToSend {
    this.#writer.begin(size - controlOverheadBytes);
    const again =
      oldest !== undefined &&
      oldest.controlTo > oldest.controlFrom &&
      this.#control.writeAgain(oldest.controlFrom, oldest.controlTo, this.#writer);
    if (!again) this.#writer.ping();
    const run = this.#newControlRun(now, this.#writer);
    if (again) {
      run.controlFrom = oldest.controlFrom;
      run.controlTo = oldest.controlTo;
    }
    return this.#sendControl(now, run, this.#path.id);
  }

  /** Content of one run of at most so many packets. */
  #runBytes(packets: number, datagramBytes: number): number {
    return Math.min(packets, this.#path.pacer.runPackets) * (datagramBytes - packetLayout.dataHeaderBytes);
  }

  #sendContent(
    now: number,
    piece: {
      readonly stream: SendStream;
      readonly content: PulledContent;
      readonly offset: number;
      readonly bytes: number;
      readonly fin: boolean;
      readonly datagramBytes: number;
    },
  ): RunToSend {
    const { stream, content, offset, bytes, fin } = piece;
    const packetBytes = piece.datagramBytes - packetLayout.dataHeaderBytes;
    const packets = Math.max(1, Math.ceil(bytes / packetBytes));
    const number = this.#nextNumber;
    const path = this.#path;
    const run = new SentRun(number, packets, bytes + packets * packetLayout.dataHeaderBytes, now, path);
    run.stream = stream;
    run.content = content;
    run.offset = offset;
    run.bytes = bytes;
    run.packetBytes = packetBytes;
    run.fin = fin;
    this.#track(now, run);
    const chunks =
      bytes === content.bytes ? content.chunks : sliceChunks(content.chunks, offset - content.offset, bytes);
    const streamId = stream.id;
    return { kind: 'run', path: path.id, number, packets, streamId, offset, fin, packetBytes, bytes, chunks };
  }

  #newControlRun(now: number, writer: FrameWriter): SentRun {
    const bytes = writer.writtenBytes + controlOverheadBytes;
    return new SentRun(this.#nextNumber, 1, bytes, now, this.#path);
  }

  #sendControl(now: number, run: SentRun, path: number): ControlToSend {
    this.#track(now, run);
    return { kind: 'control', path, number: run.number, frames: this.#writer.take() };
  }

  /** A packet that is not acknowledged. */
  #untracked(): ControlToSend {
    const number = this.#nextNumber;
    this.#nextNumber += 1;
    this.counters.packets += 1;
    return { kind: 'control', path: this.#path.id, number, frames: this.#writer.take() };
  }

  #track(now: number, run: SentRun): void {
    this.#nextNumber += run.packets;
    this.counters.packets += run.packets;
    run.path.handleSent(now, run);
    this.#detector.handleSent(run);
  }

  /** What is the same for what arrived in time and what had been found lost. */
  #handleArrived(run: SentRun): void {
    if (run.stream !== undefined) this.#streams.handleAcked(run.stream, run);
    if (run.controlTo > run.controlFrom) this.#control.handleAcked(run.controlFrom, run.controlTo);
    if (run.ackLargest > 0)
      this.#acknowledger.handleAckOfAck(this.#now, run.ackLargest, this.#path.rtt.smoothedMs);
    const { path } = run;
    if (run.probeBytes === 0) path.mtu.handleArrived(run.datagramBytes);
    else if (path.mtu.handleProbeAcked(this.#now, run.probeBytes)) path.handleDatagramBytes();
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

  /** Credit and marks are those of the newest packet. Returns how many marks are new. */
  #takeNews(ack: ReceivedAck, packetNumber: number): number {
    if (packetNumber < this.#newestAckPacket) return 0;
    this.#newestAckPacket = packetNumber;
    this.#creditBytes = ack.creditBytes;
    const marked = Math.max(0, ack.marked - this.#markedTold);
    this.#markedTold += marked;
    return marked;
  }

  #pathOf(now: number, id: number, rttMs: number): SendPath {
    const { config, peer, controller, random } = this.#options;
    return new SendPath({ id, now, config, peer, controller, random, rttMs });
  }
}
