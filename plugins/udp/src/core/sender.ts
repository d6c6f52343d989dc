import { packetLayout } from 'xfer/plugin';
import type { Acknowledger } from './acknowledger.js';
import type { ConnectionCoreOptions, ControlToSend, PulledContent, RunToSend, Transmit } from './contract.js';
import { ackBytes, FrameWriter } from './frame-writer.js';
import { PacketNumbers } from './packet-numbers.js';
import type { ReceivedAck } from './received-ack.js';
import { SendPath } from './send-path.js';
import type { SendStream } from './send-stream.js';
import { SentFates, type SendCounters } from './sent-fates.js';
import { SentRun } from './sent-run.js';
import { isDue } from './steady-clock.js';
import { sliceChunks } from './slice-chunks.js';

const controlOverheadBytes = packetLayout.framesAt + packetLayout.tagBytes;
const maxOffset = 2 ** 48 - 1;
/**
 * From the second probe timeout in a row on two packets ask, for one of them may be lost, too. The second is a PING: what
 * has no room at the receiver is not acknowledged, and only what is tells that it was lost.
 */
const furtherProbes = 2;

/** The sending side: what goes when. */
export class Sender {
  readonly #options: ConnectionCoreOptions;
  readonly #acknowledger: Acknowledger;
  readonly #fates: SentFates;
  readonly #writer: FrameWriter;
  readonly #numbers: PacketNumbers;
  /** A stream has more content than offsets can name. */
  #isPastOffsets = false;
  #now: number;
  /** There may be content to pull. */
  #mayPull = true;
  /** The last `poll` found nothing where it might have sent, and nothing happened since that would change this. */
  #isQuiet = false;
  /** Packets that go whatever the window and the pace, so that they are answered. */
  #probes = 0;
  /** When the pace lets the next packet go; Infinity: it is not what is waited for. */
  #pacedAt = Infinity;
  #close: { readonly code: number; readonly reason: string } | undefined;

  constructor(options: ConnectionCoreOptions, acknowledger: Acknowledger) {
    this.#options = options;
    this.#acknowledger = acknowledger;
    this.#numbers = new PacketNumbers(() => options.random());
    this.#now = options.now;
    this.#writer = new FrameWriter(options.config.maxDatagramBytes);
    const path = this.#pathOf(options.now, options.path, options.rttMs);
    this.#fates = new SentFates(options, acknowledger, path);
  }

  get path(): SendPath {
    return this.#fates.path;
  }

  get counters(): Readonly<SendCounters> {
    return this.#fates.counters;
  }

  get probeTimeoutMs(): number {
    return this.#fates.detector.probeTimeoutMs;
  }

  /** Probe timeouts since anything was acknowledged. */
  get timeouts(): number {
    return this.#fates.detector.timeouts;
  }

  get unsentBytes(): number {
    return this.#fates.lostContent.bytes + this.#fates.control.unsentBytes;
  }

  get sentRuns(): number {
    return this.#fates.detector.runs;
  }

  get streams(): number {
    return this.#fates.streams.count;
  }

  /** All that was pulled is known to have arrived, and there is nothing more to pull. */
  get isIdle(): boolean {
    const isPulled = !this.#mayPull || this.isRunningOut;
    return isPulled && this.#fates.control.isIdle && this.#fates.streams.isIdle;
  }

  get isCloseAcked(): boolean {
    return this.#fates.isCloseAcked;
  }

  /** Numbers or offsets come to their end: nothing new is sent any more. */
  get isRunningOut(): boolean {
    return this.#numbers.areLow || this.#isPastOffsets || this.#fates.control.isPastOffsets;
  }

  /** Nothing at all can be sent any more. */
  get isSpent(): boolean {
    return this.#numbers.areSpent;
  }

  get at(): number {
    const probeAt = this.path.mtu.at;
    // A probe that is due and did not go waits for the window or the pace, as all else.
    const at = isDue(probeAt, this.#now) ? Infinity : probeAt;
    return Math.min(this.#fates.detector.at, this.#pacedAt, at);
  }

  ready(): void {
    this.#isQuiet = false;
    this.#mayPull = true;
    this.#fates.control.ready();
  }

  forget(streamId: number): void {
    this.#isQuiet = false;
    this.#fates.streams.forget(streamId);
  }

  /** Nothing of content or control is sent any more. */
  stop(): void {
    this.#fates.lostContent.clear();
    this.#fates.streams.forgetAll();
  }

  /** CLOSE goes with the next `poll`, and again with each probe. */
  closeWith(code: number, reason: string): void {
    this.#isQuiet = false;
    this.#close = { code, reason };
    this.#fates.isCloseDue = true;
  }

  moveTo(now: number, path: number, rttMs: number): void {
    this.#isQuiet = false;
    this.#fates.moveTo(this.#pathOf(now, path, rttMs));
    this.#pacedAt = Infinity;
  }

  /** Returns what is wrong with it. */
  handleAck(now: number, ack: ReceivedAck, packetNumber: number): string | undefined {
    if (this.#numbers.isRefutedBy(ack)) return 'an ACK of a packet that was never sent';
    this.#isQuiet = false;
    this.#fates.handleAck(now, ack, packetNumber);
    return undefined;
  }

  /** True: the probe timeout is over. */
  handleTimeout(now: number): boolean {
    this.#isQuiet = false;
    const isProbe = this.#fates.handleTimeout(now);
    if (isProbe) this.#probes = this.timeouts > 1 ? furtherProbes : 1;
    return isProbe;
  }

  /** A control packet on any path, beside all else. Nobody waits for its ACK: what it asks is repeated by who asks. */
  pollApart(path: number, write: (writer: FrameWriter) => void): ControlToSend {
    this.#writer.begin(this.#options.config.baseDatagramBytes - controlOverheadBytes);
    write(this.#writer);
    return this.#untracked(path);
  }

  /** An ACK alone, or with a CLOSE, in at most `maxBytes`: what is left when a connection is over. */
  pollLast(
    now: number,
    path: number,
    maxBytes: number,
    close: { readonly code: number; readonly reason: string } | undefined,
  ): ControlToSend {
    const limit = Math.min(maxBytes, this.path.datagramBytes) - controlOverheadBytes;
    this.#writer.begin(limit - ackBytes);
    if (close !== undefined) this.#writer.close(close.code, close.reason);
    this.#writer.extend(limit);
    this.#acknowledger.write(now, this.#writer);
    return this.#untracked(path);
  }

  poll(now: number): Transmit | undefined {
    this.#now = now;
    if (this.#probes > 0) {
      this.#probes -= 1;
      return this.#pollProbe(now);
    }
    const { path } = this;
    const ackDue = isDue(this.#acknowledger.at, now);
    if (this.#isQuiet && !isDue(path.mtu.at, now)) return ackDue ? this.#pollAck(now) : undefined;
    this.#pacedAt = Infinity;
    const packets = path.windowPackets;
    if (packets < 1) {
      path.pacer.handleIdle();
      return ackDue ? this.#pollAck(now) : undefined;
    }
    const waitMs = path.paceWaitMs(now);
    if (waitMs > 0) {
      this.#pacedAt = now + waitMs;
      return ackDue ? this.#pollAck(now) : undefined;
    }
    const { datagramBytes } = path;
    // Who is asked for content may say within the call that there is more.
    this.#isQuiet = true;
    const found =
      this.#pollControl(now, datagramBytes) ??
      (ackDue ? this.#pollAck(now) : undefined) ??
      this.#pollMtuProbe(now) ??
      this.#pollLost(now, packets, datagramBytes) ??
      this.#pollContent(now, packets, datagramBytes);
    if (found === undefined) path.handleAppLimited();
    else this.#isQuiet = false;
    return found;
  }

  #pollAck(now: number): ControlToSend | undefined {
    // A byte is left for a PING.
    this.#writer.begin(this.path.datagramBytes - controlOverheadBytes - 1);
    const ackLargest = this.#acknowledger.write(now, this.#writer);
    if (ackLargest === 0) return undefined;
    if (!this.#acknowledger.hasManyRanges || now < this.#fates.ackPingAt)
      return this.#untracked(this.path.id);
    this.#fates.ackPingAt = now + this.probeTimeoutMs;
    this.#writer.ping();
    const run = this.#newControlRun(now, this.#writer);
    run.ackLargest = ackLargest;
    return this.#sendControl(now, run);
  }

  #pollControl(now: number, datagramBytes: number): ControlToSend | undefined {
    const limit = datagramBytes - controlOverheadBytes;
    const close = this.#fates.isCloseDue ? this.#close : undefined;
    if (close === undefined && !this.#fates.control.hasMore(limit)) return undefined;
    const writer = this.#writer;
    // Half of it is left for what the packet is sent for.
    writer.begin(limit / 2);
    const ackLargest = this.#acknowledger.isWaiting ? this.#acknowledger.write(now, writer) : 0;
    writer.extend(limit);
    if (close !== undefined) writer.close(close.code, close.reason);
    const range = close === undefined ? this.#fates.control.write(writer) : undefined;
    const run = this.#newControlRun(now, writer);
    run.ackLargest = ackLargest;
    run.isClose = close !== undefined;
    if (run.isClose) this.#fates.isCloseDue = false;
    run.controlFrom = range?.from ?? 0;
    run.controlTo = range?.to ?? 0;
    return this.#sendControl(now, run);
  }

  #pollMtuProbe(now: number): ControlToSend | undefined {
    if (!this.path.mtu.isReady(now)) return undefined;
    const size = this.path.mtu.poll(now, this.path.affordableProbeBytes);
    if (size === undefined) return undefined;
    this.#writer.begin(1);
    this.#writer.ping();
    const run = new SentRun(this.#numbers.next, 1, size, now, this.path);
    run.probeBytes = size;
    // It may be as large as the whole window, and says nothing about congestion.
    run.isCounted = false;
    return { ...this.#sendControl(now, run), datagramBytes: size };
  }

  #pollLost(now: number, packets: number, datagramBytes: number): RunToSend | undefined {
    const piece = this.#fates.lostContent.first;
    if (piece === undefined) return undefined;
    const bytes = Math.min(piece.bytes, this.#runBytes(packets, datagramBytes));
    const fin = piece.fin && bytes === piece.bytes;
    const { stream, content, offset } = piece;
    this.#fates.lostContent.take(bytes);
    return this.#sendContent(now, { stream, content, offset, bytes, fin, datagramBytes });
  }

  #pollContent(now: number, packets: number, datagramBytes: number): RunToSend | undefined {
    if (!this.#mayPull || this.isRunningOut) return undefined;
    const credit = this.#fates.creditBytes;
    // A little credit is let grow to a packet's or to half of what there can be, unless there is nothing that would make it grow.
    const much = Math.min(datagramBytes - packetLayout.dataHeaderBytes, this.#fates.wholeCreditBytes / 2);
    if (credit <= 0 || (credit < much && this.#fates.streams.outstandingBytes > 0)) return undefined;
    const content = this.#options.user.pullContent(Math.min(credit, this.#runBytes(packets, datagramBytes)));
    if (content === undefined) {
      this.#mayPull = false;
      return undefined;
    }
    if (content.offset + content.bytes > maxOffset) {
      this.#isPastOffsets = true;
      content.done();
      return undefined;
    }
    const stream = this.#fates.streams.add(content);
    const { offset, bytes, fin } = content;
    this.#fates.counters.bytes += bytes;
    return this.#sendContent(now, { stream, content, offset, bytes, fin, datagramBytes });
  }

  /** What is answered at once, window and pace or not: what waits, else the oldest again, else a PING. */
  #pollProbe(now: number): Transmit | undefined {
    const { config } = this.#options;
    // Small from the second time on: larger datagrams may be what does not arrive.
    const size =
      this.#fates.detector.timeouts > 1
        ? Math.min(config.baseDatagramBytes, this.path.datagramBytes)
        : this.path.datagramBytes;
    const oldest = this.#fates.detector.oldest;
    if (this.#fates.detector.timeouts > 1 && this.#probes === 0)
      return this.#pollControlAgain(now, undefined, size);
    if (oldest?.isClose === true) this.#fates.isCloseDue = true;
    const found =
      this.#pollControl(now, size) ?? this.#pollLost(now, 1, size) ?? this.#pollContent(now, 1, size);
    if (found !== undefined) return found;
    // It may have arrived by another packet meanwhile, and its content be given back.
    if (oldest?.content && oldest.stream?.covers(oldest.offset, oldest.bytes, oldest.fin) === false) {
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
      this.#fates.control.writeAgain(oldest.controlFrom, oldest.controlTo, this.#writer);
    if (!again) this.#writer.ping();
    const run = this.#newControlRun(now, this.#writer);
    if (again) {
      run.controlFrom = oldest.controlFrom;
      run.controlTo = oldest.controlTo;
    }
    return this.#sendControl(now, run);
  }

  /** Content of one run of at most so many packets. */
  #runBytes(packets: number, datagramBytes: number): number {
    return Math.min(packets, this.path.pacer.runPackets) * (datagramBytes - packetLayout.dataHeaderBytes);
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
    const number = this.#numbers.next;
    const path = this.path;
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
    return new SentRun(this.#numbers.next, 1, bytes, now, this.path);
  }

  #sendControl(now: number, run: SentRun): ControlToSend {
    this.#track(now, run);
    return { kind: 'control', path: run.path.id, number: run.number, frames: this.#writer.take() };
  }

  /** A packet whose fate is of no interest. */
  #untracked(path: number): ControlToSend {
    const number = this.#numbers.next;
    this.#numbers.use(1);
    this.#fates.counters.packets += 1;
    return { kind: 'control', path, number, frames: this.#writer.take() };
  }

  #track(now: number, run: SentRun): void {
    this.#isQuiet = false;
    this.#numbers.use(run.packets);
    this.#fates.handleSent(now, run);
  }

  #pathOf(now: number, id: number, rttMs: number): SendPath {
    const { config, peer, controller, random } = this.#options;
    return new SendPath({ id, now, config, peer, controller, random, rttMs });
  }
}
