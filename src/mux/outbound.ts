import { BatchWriter, type Batch } from './batch.js';
import type { MuxConfig } from './config.js';
import type { CoreStream } from './core-stream.js';
import { encodeCodeFrame, encodeDataFlags, encodeOpen, encodeUint64Frame } from './encode.js';
import { FrameCounts } from './frame-counts.js';
import { frameFlag, frameType } from './frame.js';
import { pendingOpensUntilHello } from './hello.js';
import { LinkRate } from './link-rate.js';
import type { Liveness } from './liveness.js';
import { Scheduler } from './scheduler.js';
import type { StreamTable } from './stream-table.js';
import { ReceiveWindow } from './window.js';
import type { ConnectionBudget } from '../transport/contract.js';

const maxOpenProbes = 64;

/** Everything that waits to be sent, and the order in which it goes: control, credit, opens, content. */
export class Outbound {
  readonly rate = new LinkRate();
  /** Frames that were given to the link. */
  readonly counts = new FrameCounts();
  queuedControlBytes = 0;
  maxPayloadBytes: number;
  maxPendingOpens: number;
  /** What a stream may send before OPEN_ACK: as the other side said in its hello, 64 KiB before that. */
  earlyStreamBytes: number;
  /** Nothing but the hello goes out before the listener has heard the dialer's. */
  helloDone: boolean;
  readonly #table: StreamTable;
  readonly #config: MuxConfig;
  readonly #budget: ConnectionBudget;
  readonly #liveness: Liveness;
  readonly #writer = new BatchWriter();
  readonly #scheduler = new Scheduler();
  readonly #credit = new Set<CoreStream>();
  readonly #opens = new Set<CoreStream>();
  #control: Uint8Array[] = [];
  #earlyBlocked = new Set<CoreStream>();
  /** When each probe without an answer went out; no more than fit between suspicion and death are kept. */
  readonly #probes = new Map<number, number>();
  #lastProbe = 0;
  #probeDue = false;
  #answerDue: number | undefined;

  constructor(
    table: StreamTable,
    config: MuxConfig,
    budget: ConnectionBudget,
    liveness: Liveness,
    dialer: boolean,
  ) {
    this.#table = table;
    this.#config = config;
    this.#budget = budget;
    this.#liveness = liveness;
    this.maxPayloadBytes = config.framePayloadBytes;
    this.maxPendingOpens = Math.min(pendingOpensUntilHello, config.maxPendingOpens);
    this.earlyStreamBytes = config.earlyBeforeHelloBytes;
    this.helloDone = dialer;
  }

  get overloaded(): boolean {
    return this.queuedControlBytes > this.#config.maxQueuedControlBytes;
  }

  control(frame: Uint8Array): void {
    this.#control.push(frame);
    this.queuedControlBytes += frame.length;
  }

  open(stream: CoreStream): void {
    this.#opens.add(stream);
  }

  /** The reader is done with so many bytes. */
  consumed(stream: CoreStream, bytes: number): void {
    const { window } = stream;
    if (!window) return;
    window.consumed += bytes;
    if (window.due) this.credit(stream);
  }

  /** A WINDOW or FIN_READ of the stream is due; however often, it is sent once. */
  credit(stream: CoreStream): void {
    this.#credit.add(stream);
  }

  ready(stream: CoreStream): void {
    if (stream.sendable) this.#scheduler.add(stream);
  }

  /** An answer came, so others may send early content in its place. */
  earlyFreed(): void {
    const blocked = this.#earlyBlocked;
    this.#earlyBlocked = new Set();
    for (const stream of blocked) this.ready(stream);
  }

  probe(): void {
    this.#probeDue = true;
  }

  /** The latest probe is the one that is answered. */
  answerProbe(token: number): void {
    this.#answerDue = token;
  }

  handleProbeAnswer(now: number, token: number): void {
    const sentAt = this.#probes.get(token);
    if (sentAt === undefined) return;
    this.#liveness.handleRtt(now - sentAt);
    for (const older of this.#probes.keys()) if (older <= token) this.#probes.delete(older);
  }

  forget(stream: CoreStream): void {
    this.#credit.delete(stream);
    this.#opens.delete(stream);
    this.#earlyBlocked.delete(stream);
    stream.queue.discard();
  }

  /** What to write next, about `maxBytes` of it, or undefined for nothing. */
  poll(now: number, maxBytes: number): Batch | undefined {
    const batch = this.#writer.start();
    this.#pollControl();
    if (this.helloDone) {
      this.#pollCredit(now);
      this.#pollOpens(now);
      while (batch.bytes < maxBytes && this.#pollContent(batch));
      if (batch.bytes > 0) batch.expectsLife = true;
      this.#pollProbe(now);
    }
    this.#writer.finish();
    if (batch.bytes === 0) return undefined;
    if (batch.expectsLife) this.#liveness.handleSent(now);
    this.rate.handleSent(now, batch.bytes);
    return batch;
  }

  handleWritten(now: number, batch: Batch): void {
    batch.done = true;
    this.rate.handleWritten(now, batch.bytes);
    for (const release of batch.releases) release();
  }

  #pollControl(): void {
    const control = this.#control;
    if (control.length === 0) return;
    this.#control = [];
    this.queuedControlBytes = 0;
    for (const frame of control) this.#append(frame);
  }

  #pollCredit(now: number): void {
    for (const stream of this.#credit) {
      if (stream.window?.due && !stream.finReceived && !stream.stopped && stream.phase === 'open')
        this.#append(
          encodeUint64Frame(
            frameType.window,
            stream.id,
            stream.window.renew(now, this.#liveness.minRttMs, this.#config.maxWindowBytes, this.#budget),
          ),
        );
      if (stream.finReadDue) this.#append(encodeDataFlags(stream.id, frameFlag.finRead));
      stream.finReadDue = false;
    }
    this.#credit.clear();
  }

  #pollOpens(now: number): void {
    for (const stream of this.#opens) {
      if (this.#table.oursOpening >= this.maxPendingOpens) return;
      this.#opens.delete(stream);
      stream.phase = 'opening';
      stream.window = new ReceiveWindow(stream.firstWindowBytes, now);
      stream.sendLimit = this.earlyStreamBytes;
      this.#table.oursOpening++;
      this.#table.lastSentId = stream.id;
      this.#append(encodeOpen(stream.id, stream.firstWindowBytes, stream.priority, stream.header));
      if (stream.stopCode !== undefined)
        this.#append(encodeCodeFrame(frameType.stop, stream.id, stream.stopCode));
      this.ready(stream);
    }
  }

  #pollContent(batch: Batch): boolean {
    const stream = this.#scheduler.take();
    if (!stream) return false;
    if (!stream.sendable) return true;
    const opening = stream.phase === 'opening';
    const early = opening ? this.#config.earlyConnectionBytes - this.#table.earlySentBytes : Infinity;
    const bytes = Math.min(stream.queue.bytes, stream.credit, early, this.#frameBytes());
    if (bytes <= 0 && stream.queue.bytes > 0) {
      this.#earlyBlocked.add(stream);
      return true;
    }
    const fin = stream.finWanted && bytes === stream.queue.bytes;
    const flags = (fin ? frameFlag.finWrite : 0) | (stream.finReadDue ? frameFlag.finRead : 0);
    this.counts.count(frameType.streamData);
    this.#writer.header(frameType.streamData, flags, bytes, stream.id);
    stream.queue.take(bytes, this.#writer, batch);
    stream.sent += bytes;
    stream.finSent = fin;
    stream.finReadDue = false;
    if (opening) this.#table.earlySentBytes += bytes;
    this.ready(stream);
    if (stream.full && stream.queue.bytes * 2 <= this.#config.sendQueueBytes) {
      stream.full = false;
      stream.events?.handleDrained();
    }
    return true;
  }

  #pollProbe(now: number): void {
    if (this.#probeDue) {
      this.#probeDue = false;
      this.#probes.set(++this.#lastProbe, now);
      this.#probes.delete(this.#lastProbe - maxOpenProbes);
      this.#append(encodeUint64Frame(frameType.keepalive, 0, this.#lastProbe));
      this.#liveness.handleProbe(now);
    }
    if (this.#answerDue !== undefined) {
      this.#append(encodeUint64Frame(frameType.keepaliveAck, 0, this.#answerDue));
      this.#answerDue = undefined;
    }
  }

  #append(frames: Uint8Array): void {
    this.counts.countEncoded(frames);
    this.#writer.append(frames);
  }

  /** At most `frameTimeMs` of the link, so that control never waits longer behind one. */
  #frameBytes(): number {
    const { bytesPerSecond } = this.rate;
    if (bytesPerSecond === 0) return this.maxPayloadBytes;
    const timed = Math.floor((bytesPerSecond * this.#config.frameTimeMs) / 1000);
    return Math.min(this.maxPayloadBytes, Math.max(timed, this.#config.framePayloadBytes));
  }
}
