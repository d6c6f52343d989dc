import type { Batch } from './batch.js';
import { processBudget } from './budget.js';
import type { MuxConfig } from './config.js';
import { CoreStream, noDetail } from './core-stream.js';
import { FrameDecoder } from './decode.js';
import { encodeCodeFrame, encodeFrame } from './encode.js';
import { extensionType, fault, frameType, maxExact, maxIdBeside, type MuxFault } from './frame.js';
import type { FrameTotals } from './frame-counts.js';
import { endIfRead, giveHeld, Inbound } from './inbound.js';
import { Lifecycle } from './lifecycle.js';
import type { Place } from './link.js';
import { LinkFrames } from './link-frames.js';
import { Liveness } from './liveness.js';
import type { ConnectionBudget, Retain } from '../transport/contract.js';
import { Outbound } from './outbound.js';
import { StreamTable } from './stream-table.js';
import type { Content, ContentLimit } from './streams-link.js';

/** Called from within the core's methods. */
export interface CoreEvents {
  /** The other side opened a stream: set its `events` before this returns. */
  stream(stream: CoreStream): void;
  /** There may be something to poll. */
  output(): void;
  /** A message beside all streams; it lives until the call returns. */
  message(bytes: Uint8Array): void;
  /** Nothing of the stream is sent or taken any more; or it was not let in. */
  left(id: number): void;
}

/** Less content than this is copied faster than it is read by itself. */
const leastPlacedBytes = 32 * 1024;
/**
 * Behind content that was put where it belongs comes a frame's header or a record's, then likely more such content:
 * so little is read at once that this is not read with it, but only a few times, lest all else comes in crumbs.
 */
const shortReadBytes = 4 * 1024;
const mostShortReads = 3;

const code = Object.freeze({ openTimeout: 3, resetTimeout: 3, refused: 2, noMore: 9 });

/**
 * Many streams on one link, without I/O or clock: bytes go in by `handleData`, come out by `poll`, and `handleTimeout`
 * wants to be called at `nextTimeout`. Where the link carries content beside the frames, it goes in by `handleContent`
 * within `limitOf`, and `pollControl` and `pollContent` stand in the place of `poll`. Times are milliseconds of any
 * monotonic clock.
 */
export class MuxCore {
  readonly config: MuxConfig;
  readonly liveness: Liveness;
  bytesReceived = 0;
  bytesSent = 0;
  readonly #events: CoreEvents;
  readonly #table: StreamTable;
  readonly #outbound: Outbound;
  readonly #lifecycle: Lifecycle;
  readonly #link: LinkFrames;
  readonly #inbound: Inbound;
  readonly #decoder: FrameDecoder;
  #helloDeadline: number;
  readonly #maxId: number;
  #hasBegun = true;
  #ended = false;
  #shortReads = 0;

  constructor(options: {
    dialer: boolean;
    config: MuxConfig;
    budget?: ConnectionBudget;
    events: CoreEvents;
    now: number;
    /** The link carries each stream's content by itself, beside the frames. Default: false. */
    contentBeside?: boolean;
    /** The link's shortest round trip, where it measures one. Default: the keepalives'. */
    minRttMs?: () => number;
  }) {
    const { dialer, config, events, now } = options;
    const budget = options.budget ?? processBudget;
    this.config = config;
    this.#events = events;
    this.liveness = new Liveness(config, now);
    this.#table = new StreamTable(dialer);
    this.#outbound = new Outbound(this.#table, config, budget, this.liveness, dialer);
    if (options.minRttMs) this.#outbound.minRttMs = options.minRttMs;
    this.#lifecycle = new Lifecycle(this.#table, this.#outbound, config, budget);
    this.#lifecycle.onLeft = (id) => events.left(id);
    this.#link = new LinkFrames(dialer, config, this.#outbound, this.#table);
    this.#link.onGoaway = () => this.#handleGoaway();
    this.#link.onMessage = (bytes) => events.message(bytes);
    this.#inbound = new Inbound({
      table: this.#table,
      outbound: this.#outbound,
      lifecycle: this.#lifecycle,
      link: this.#link,
      config,
      onStream: (stream) => events.stream(stream),
      contentBeside: options.contentBeside ?? false,
    });
    this.#decoder = new FrameDecoder(this.#inbound, {
      maxHeaderBytes: config.maxHeaderBytes,
      maxPayloadBytes: config.framePayloadBytes,
    });
    this.#link.onHello = (peer) => {
      this.#decoder.maxPayloadBytes = Math.min(config.maxFramePayloadBytes, peer.maxPayloadBytes);
    };
    this.#maxId = options.contentBeside ? maxIdBeside : maxExact;
    this.#helloDeadline = now + config.helloTimeoutMs;
  }

  get streams(): number {
    return this.#table.streams.size;
  }

  /** Content in send queues, not handed to the link yet. */
  get queuedBytes(): number {
    let bytes = 0;
    for (const stream of this.#table.streams.values()) bytes += stream.queue.bytes;
    return bytes;
  }

  /** Frames by type. */
  get frames(): { readonly received: FrameTotals; readonly sent: FrameTotals } {
    return { received: this.#decoder.counts.totals, sent: this.#outbound.counts.totals };
  }

  get rate(): Outbound['rate'] {
    return this.#outbound.rate;
  }

  get helloReceived(): boolean {
    return this.#link.helloReceived;
  }

  get draining(): boolean {
    return this.#link.draining || this.#link.theyDrain;
  }

  get theyDrain(): boolean {
    return this.#link.theyDrain;
  }

  /** A stream of ours, or undefined where none may be opened: the code says why. */
  open(now: number, header: Uint8Array, priority: number): CoreStream | { refused: number } {
    if (this.#ended || this.draining) return { refused: code.refused };
    if (this.#table.nextOurId > this.#maxId) return { refused: code.noMore };
    const wanted = Math.max(-128, Math.min(127, Math.trunc(priority) || 0));
    const stream = new CoreStream(this.#table.nextOurId, true, wanted, new Uint8Array(header));
    this.#table.nextOurId += 2;
    if (!this.#lifecycle.enter(stream)) return { refused: code.noMore };
    stream.openDeadline = now + this.config.openTimeoutMs;
    this.#outbound.open(stream);
    this.#events.output();
    return stream;
  }

  accept(stream: CoreStream, answer?: Uint8Array): void {
    this.#lifecycle.accept(stream, answer);
    this.#lifecycle.finishIfEnded(stream);
    this.#events.output();
  }

  refuse(stream: CoreStream, openCode: number, detail?: Uint8Array): void {
    this.#lifecycle.refuse(stream, openCode, detail);
    this.#events.output();
  }

  /** False where the stream is full; what cannot be sent any more is released at once. */
  send(stream: CoreStream, bytes: Uint8Array | readonly Uint8Array[], release?: () => void): boolean {
    if (!stream.canSend) {
      release?.();
      return true;
    }
    stream.queue.push(bytes, release);
    if (stream.queue.bytes >= this.config.sendQueueBytes) stream.full = true;
    this.#outbound.ready(stream);
    this.#events.output();
    return !stream.full;
  }

  closeWrite(stream: CoreStream): void {
    if (!stream.canSend) return;
    stream.finWanted = true;
    this.#outbound.ready(stream);
    this.#events.output();
  }

  /** The stream has a reader, or none; a paused one gets nothing. Gives out what is held. */
  setReading(stream: CoreStream, reading: boolean, paused: boolean): void {
    stream.reading = reading;
    stream.paused = paused;
    giveHeld(stream, this.#outbound, this.#lifecycle);
    this.#events.output();
  }

  /** Of what was read while the stream's credit is held. */
  credit(stream: CoreStream, bytes: number): void {
    if (stream.phase === 'closed' || stream.readEnded) return;
    this.#outbound.consumed(stream, bytes);
    this.#events.output();
  }

  stopReading(stream: CoreStream, stopCode: number): void {
    if (stream.phase === 'closed' || stream.stopped || stream.readEnded) return;
    stream.stopped = true;
    stream.held.clear();
    if (stream.phase === 'queued') stream.stopCode = stopCode;
    else this.#outbound.control(encodeCodeFrame(frameType.stop, stream.id, stopCode));
    endIfRead(stream, this.#lifecycle);
    this.#events.output();
  }

  reset(stream: CoreStream, resetCode: number, detail?: Uint8Array): void {
    this.#lifecycle.reset(stream, resetCode, detail);
    this.#events.output();
  }

  /** 1 to `maxLinkMessageBytes` bytes, beside all streams and behind what was sent before. */
  sendMessage(bytes: Uint8Array): void {
    if (this.#ended) return;
    this.#outbound.control(encodeFrame(extensionType.linkMessage, 0, 0, bytes));
    this.#events.output();
  }

  drain(): void {
    this.#link.drain();
    this.#events.output();
  }

  handleData(now: number, bytes: Uint8Array): MuxFault | undefined {
    if (this.#ended) return undefined;
    this.bytesReceived += bytes.length;
    this.liveness.handleHeard(now);
    this.#inbound.now = now;
    const wrong = this.#decoder.push(bytes) ?? this.#overload();
    this.#events.output();
    return wrong;
  }

  /** What came of a stream's content beside the frames, in order and within `limitOf`. */
  handleContent(
    now: number,
    id: number,
    bytes: Uint8Array,
    fin: boolean,
    retain?: Retain,
  ): MuxFault | undefined {
    if (this.#ended) return undefined;
    this.bytesReceived += bytes.length;
    this.liveness.handleHeard(now);
    this.#decoder.counts.count(frameType.streamData);
    const wrong = this.#inbound.content(id, bytes, fin, retain) ?? this.#overload();
    // Most content has nothing to be answered.
    if (this.#outbound.hasWork) this.#events.output();
    return wrong;
  }

  limitOf(id: number): ContentLimit {
    return this.#ended ? 'over' : this.#inbound.limitOf(id);
  }

  /** Where the link may put what it reads next, see OrderedLink.onPlace. */
  place(): Place | undefined {
    if (this.#ended) return undefined;
    const left = this.#decoder.contentLeft;
    const place = left < leastPlacedBytes ? undefined : this.#inbound.place();
    if (place && place.length >= leastPlacedBytes) {
      this.#shortReads = mostShortReads;
      return place.length > left ? place.subarray(0, left) : place;
    }
    if (this.#shortReads === 0) return undefined;
    this.#shortReads--;
    return { bytes: shortReadBytes };
  }

  /** The next batch for the link, of about `maxBytes`. */
  poll(now: number, maxBytes: number): Batch | undefined {
    const batch = this.#outbound.poll(now, maxBytes);
    if (batch) this.bytesSent += batch.bytes;
    return batch;
  }

  /** Whole frames but content, about `maxBytes` of them. */
  pollControl(now: number, maxBytes: number): Uint8Array | undefined {
    const frames = this.#outbound.pollControl(now, maxBytes);
    if (frames) this.bytesSent += frames.length;
    return frames;
  }

  /** At most `maxBytes` of one stream; sends of `aloneBytes` and more each by themselves. */
  pollContent(now: number, maxBytes: number, aloneBytes?: number): Content | undefined {
    const content = this.#outbound.pollContent(now, maxBytes, aloneBytes);
    if (content) this.bytesSent += content.bytes;
    return content;
  }

  /** Whether frames wait that were said already, apart from what is made up when it is sent. */
  get controlWaits(): boolean {
    return this.#outbound.queuedControlBytes > 0;
  }

  handleWritten(now: number, batch: Batch): void {
    this.#outbound.handleWritten(now, batch);
  }

  get nextTimeout(): number {
    if (!this.#hasBegun) return this.#table.nextOpenDeadline;
    let next = this.liveness.nextTimeout;
    if (!this.#link.helloReceived) next = Math.min(next, this.#helloDeadline);
    return Math.min(next, this.#table.nextOpenDeadline);
  }

  handleTimeout(now: number): MuxFault | 'dead' | 'no hello' | undefined {
    if (this.#hasBegun && !this.#link.helloReceived && now >= this.#helloDeadline) return 'no hello';
    while (now >= this.#table.nextOpenDeadline) this.#timeOut(this.#table.oldestUnanswered);
    if (!this.#hasBegun) return undefined;
    const verdict = this.liveness.handleTimeout(now);
    if (verdict === 'dead') return 'dead';
    if (verdict === 'probe') this.#outbound.probes.want();
    this.#events.output();
    return this.#overload();
  }

  /** The link is over: every stream sees a reset, every buffer is released or will be with its batch. */
  end(resetCode: number): void {
    if (this.#ended) return;
    this.#ended = true;
    const thrown: unknown[] = [];
    for (const stream of [...this.#table.streams.values()]) {
      // One whose owner throws keeps it from no other.
      try {
        this.#lifecycle.leave(stream);
        stream.events?.handleReset(resetCode, noDetail, true);
      } catch (error) {
        thrown.push(error);
      }
    }
    if (thrown.length > 0) throw thrown[0];
  }

  /** The link carries nothing before `begin`: until then the other side cannot be late. */
  waitForLink(): void {
    this.#hasBegun = false;
  }

  begin(now: number): void {
    this.#hasBegun = true;
    this.#helloDeadline = now + this.config.helloTimeoutMs;
    this.liveness.begin(now);
  }

  #overload(): MuxFault | undefined {
    return this.#outbound.overloaded
      ? fault('control output that the other side does not take', 'overload')
      : undefined;
  }

  #timeOut(stream: CoreStream | undefined): void {
    if (!stream) return;
    if (stream.phase === 'pending') {
      this.#lifecycle.refuse(stream, code.openTimeout);
      stream.events?.handleReset(code.resetTimeout, noDetail, false);
    } else {
      this.#lifecycle.reset(stream, code.resetTimeout);
      stream.events?.handleRefused(code.openTimeout, noDetail);
    }
  }

  /** What the other side will not take any more. */
  #handleGoaway(): void {
    for (const stream of [...this.#table.streams.values()]) {
      const taken = stream.phase !== 'queued' && stream.id <= this.#link.theirLastId;
      if (!stream.ours || taken) continue;
      this.#lifecycle.leave(stream);
      stream.events?.handleRefused(code.refused, noDetail);
    }
  }
}
