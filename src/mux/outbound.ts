import { BatchWriter, type Batch } from './batch.js';
import { ControlQueue } from './control-queue.js';
import type { MuxConfig } from './config.js';
import type { CoreStream } from './core-stream.js';
import { encodeCodeFrame, encodeDataFlags, encodeOpen, encodeUint64Frame } from './encode.js';
import { FrameCounts } from './frame-counts.js';
import { frameFlag, frameType } from './frame.js';
import { pendingOpensUntilHello } from './hello.js';
import { LinkRate } from './link-rate.js';
import type { Liveness } from './liveness.js';
import { Probes } from './probes.js';
import { Scheduler } from './scheduler.js';
import type { StreamTable } from './stream-table.js';
import type { Content } from './streams-link.js';
import { ReceiveWindow } from './window.js';
import type { ConnectionBudget } from '../transport/contract.js';

/** Content that a stream sends next. */
interface Piece {
  readonly stream: CoreStream;
  readonly bytes: number;
  /** The stream's content ends here. */
  readonly fin: boolean;
}

/** Everything that waits to be sent, and the order in which it goes: control, credit, opens, content. */
export class Outbound {
  readonly rate = new LinkRate();
  /** Frames that were given to the link. */
  readonly counts = new FrameCounts();
  readonly probes: Probes;
  maxPayloadBytes: number;
  maxPendingOpens: number;
  /** What a stream may send before OPEN_ACK: as the other side said in its hello, 64 KiB before that. */
  earlyStreamBytes: number;
  /** Nothing but the hello goes out before the listener has heard the dialer's. */
  helloDone: boolean;
  /** The link's shortest round trip: windows grow by it. */
  minRttMs: () => number;
  readonly #table: StreamTable;
  readonly #config: MuxConfig;
  readonly #budget: ConnectionBudget;
  readonly #liveness: Liveness;
  readonly #writer = new BatchWriter();
  /** Pieces of content that the link is not done with. */
  #contentUnderWay = 0;
  readonly #scheduler = new Scheduler();
  readonly #credit = new Set<CoreStream>();
  readonly #opens = new Set<CoreStream>();
  readonly #control = new ControlQueue();
  #earlyBlocked = new Set<CoreStream>();

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
    this.probes = new Probes(liveness);
    this.minRttMs = () => liveness.minRttMs;
  }

  get overloaded(): boolean {
    return this.queuedControlBytes > this.#config.maxQueuedControlBytes;
  }

  get queuedControlBytes(): number {
    return this.#control.bytes;
  }

  /** Whether there may be anything to poll, but a probe. */
  get hasWork(): boolean {
    const waiting = this.queuedControlBytes + this.#credit.size + this.#opens.size;
    return waiting > 0 || !this.#scheduler.isEmpty;
  }

  control(frame: Uint8Array): void {
    this.#control.push(frame);
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

  forget(stream: CoreStream): void {
    this.#credit.delete(stream);
    this.#opens.delete(stream);
    this.#earlyBlocked.delete(stream);
    stream.queue.discard();
  }

  /** For one byte link: what to write next, about `maxBytes` of it, or undefined for nothing. */
  poll(now: number, maxBytes: number): Batch | undefined {
    const batch = this.#writer.start(this.rate.inFlightBytes > 0);
    this.#appendControl(now, batch, Infinity);
    if (this.helloDone) {
      while (batch.bytes < maxBytes && this.#appendContent(batch));
      if (batch.bytes > 0) batch.expectsLife = true;
      this.probes.poll(now, (frame) => this.#append(frame));
    }
    this.#writer.finish();
    if (batch.bytes === 0) return undefined;
    if (batch.expectsLife) this.#liveness.handleSent(now);
    this.rate.handleSent(now, batch.bytes);
    return batch;
  }

  handleWritten(now: number, batch: Batch): void {
    this.rate.handleWritten(now, batch.bytes);
    if (this.rate.inFlightBytes === 0) this.#writer.rest();
    batch.handleDone();
  }

  /** For a link that carries streams by itself: whole frames but content, of about `maxBytes`. */
  pollControl(now: number, maxBytes: number): Uint8Array | undefined {
    const batch = this.#writer.start(false);
    this.#appendControl(now, batch, maxBytes);
    if (this.helloDone) {
      if (batch.bytes > 0) this.#liveness.handleSent(now);
      this.probes.poll(now, (frame) => this.#append(frame));
    }
    this.#writer.finish();
    return batch.bytes === 0 ? undefined : joined(batch);
  }

  /**
   * For a link that carries streams by itself: at most `maxBytes` of the stream whose turn it is, sends of `aloneBytes` and
   * more each by themselves.
   */
  pollContent(now: number, maxBytes: number, aloneBytes?: number): Content | undefined {
    const piece = this.helloDone ? this.#nextPiece(maxBytes, aloneBytes) : undefined;
    if (!piece) return undefined;
    const { stream, bytes, fin } = piece;
    const offset = stream.sent;
    const batch = this.#writer.start(this.#contentUnderWay > 0);
    stream.queue.take(bytes, this.#writer, batch);
    this.#writer.finish();
    this.#countSent(piece);
    this.#liveness.handleSent(now);
    const { chunks } = batch;
    this.#contentUnderWay++;
    const done = (): void => {
      if (--this.#contentUnderWay === 0) this.#writer.rest();
      batch.handleDone();
    };
    return { streamId: stream.id, offset, bytes, chunks, fin, done };
  }

  /** Control, credit, opens: what leaves room for more until there are `maxBytes`. */
  #appendControl(now: number, batch: Batch, maxBytes: number): void {
    while (batch.bytes < maxBytes) {
      const frames = this.#control.shift();
      if (!frames) break;
      this.#append(frames);
    }
    if (!this.helloDone) return;
    this.#appendCredit(now, batch, maxBytes);
    this.#appendOpens(now, batch, maxBytes);
  }

  #appendCredit(now: number, batch: Batch, maxBytes: number): void {
    for (const stream of this.#credit) {
      if (batch.bytes >= maxBytes) return;
      this.#credit.delete(stream);
      // Before the answer to its OPEN nothing is said of a stream; whoever answers asks again.
      if (stream.phase !== 'open') continue;
      if (stream.window?.due && !stream.finReceived && !stream.stopped) {
        const limit = stream.window.renew(now, this.minRttMs, this.#config.maxWindowBytes, this.#budget);
        this.#append(encodeUint64Frame(frameType.window, stream.id, limit));
      }
      if (stream.finReadDue) this.#append(encodeDataFlags(stream.id, frameFlag.finRead));
      stream.finReadDue = false;
    }
  }

  #appendOpens(now: number, batch: Batch, maxBytes: number): void {
    for (const stream of this.#opens) {
      if (batch.bytes >= maxBytes || this.#table.oursOpening >= this.maxPendingOpens) return;
      this.#opens.delete(stream);
      stream.phase = 'opening';
      stream.window = new ReceiveWindow(stream.firstWindowBytes, this.#config.windowRenewals, now);
      stream.sendLimit = this.earlyStreamBytes;
      this.#table.oursOpening++;
      this.#table.lastSentId = stream.id;
      this.#append(encodeOpen(stream.id, stream.firstWindowBytes, stream.priority, stream.header));
      if (stream.stopCode !== undefined)
        this.#append(encodeCodeFrame(frameType.stop, stream.id, stream.stopCode));
      this.ready(stream);
    }
  }

  #appendContent(batch: Batch): boolean {
    const piece = this.#nextPiece(this.#frameBytes());
    if (!piece) return false;
    const { stream, bytes, fin } = piece;
    const flags = (fin ? frameFlag.finWrite : 0) | (stream.finReadDue ? frameFlag.finRead : 0);
    stream.finReadDue = false;
    this.#writer.header(frameType.streamData, flags, bytes, stream.id);
    stream.queue.take(bytes, this.#writer, batch);
    this.#countSent(piece);
    return true;
  }

  /** Who may send now, and how much of it; whoever has to wait for an answer is put aside. */
  #nextPiece(maxBytes: number, aloneBytes?: number): Piece | undefined {
    for (let stream = this.#scheduler.take(); stream; stream = this.#scheduler.take()) {
      if (!stream.sendable) continue;
      const opening = stream.phase === 'opening';
      const early = opening ? this.#config.earlyConnectionBytes - this.#table.earlySentBytes : Infinity;
      const most = Math.min(stream.queue.bytes, stream.credit, early, maxBytes);
      const bytes = aloneBytes === undefined ? most : stream.queue.pieceBytes(most, aloneBytes);
      if (bytes > 0 || stream.queue.bytes === 0)
        return { stream, bytes, fin: stream.finWanted && bytes === stream.queue.bytes };
      this.#earlyBlocked.add(stream);
    }
    return undefined;
  }

  /** The piece left the stream's queue. */
  #countSent({ stream, bytes, fin }: Piece): void {
    this.counts.count(frameType.streamData);
    stream.sent += bytes;
    stream.finSent = fin;
    if (stream.phase === 'opening') this.#table.earlySentBytes += bytes;
    this.ready(stream);
    if (stream.full && stream.queue.bytes * 2 <= this.#config.sendQueueBytes) {
      stream.full = false;
      stream.events?.handleDrained();
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

/** In one array that nobody else has. */
function joined(batch: Batch): Uint8Array {
  const bytes = new Uint8Array(batch.bytes);
  let at = 0;
  for (const chunk of batch.chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
