import { transferDefaults } from '../config/index.js';
import { asXferError, type XferError } from '../errors/index.js';
import type { NativeApi } from '../native/api.js';
import type { ContentJob } from '../session/content-job.js';
import { recordKind } from '../session/record-header.js';
import type { Session } from '../session/session.js';
import { mostAtOnceBytes } from '../session/small-body.js';
import type { CompressMode } from '../transfer/compress-core.js';
import { ContentCompressor } from '../transfer/content-compressor.js';
import { mostHeldRecords } from '../transfer/held-content.js';
import { RecordPump } from '../transfer/record-pump.js';
import { SchedulerCore, type Dispatch, type LaneLoad, type Piece } from '../transfer/scheduler-core.js';
import type { SendLimit } from '../transfer/send-options.js';
import type { ChannelWriter } from './channel-writer.js';
import { breach } from './channel-errors.js';
import type { RecordRanges } from './messages.js';
import type { OutgoingPiece } from './send-queue-core.js';

export interface ContentOutOptions {
  readonly session: Session;
  readonly native: NativeApi;
  readonly compress: CompressMode;
  readonly windowBytes: number;
  readonly limit?: SendLimit | undefined;
  /** The session cannot go on. */
  onFatal(error: XferError): void;
}

interface Outgoing {
  readonly writer: ChannelWriter;
  readonly piece: OutgoingPiece;
}

/** What this side sends in all channels: takes from them in turn, and puts it on the lanes in records. */
export class ContentOut {
  readonly #options: ContentOutOptions;
  readonly #scheduler: SchedulerCore<Outgoing>;
  readonly #pump: RecordPump<Outgoing>;
  readonly #compressor: ContentCompressor<ChannelWriter> | undefined;
  /** Channels with content that may go, in the order of their turns. */
  readonly #ready = new Set<ChannelWriter>();
  #receivedBytes = 0;

  constructor(options: ContentOutOptions) {
    this.#options = options;
    const { session, native, compress, windowBytes, limit } = options;
    if (compress !== 'off' && session.hello.capabilities.includes('lz4'))
      this.#compressor = new ContentCompressor(compress, native.seal);
    this.#scheduler = new SchedulerCore<Outgoing>({
      windowBytes: Math.min(transferDefaults.windowBytes, windowBytes),
      growth: { products: transferDefaults.windowProducts, maxBytes: windowBytes },
      mostRecords: mostHeldRecords,
      recordBytes: session.recordBytes,
      supply: (mostBytes) => this.#supply(mostBytes),
      isExhausted: () => this.#ready.size === 0,
    });
    this.#pump = new RecordPump({
      ...{ session, limit, scheduler: this.#scheduler },
      submit: (lane, dispatch) => this.#submit(lane, dispatch),
      starved: () => 'source',
      onMeasured: (measure, now) => this.#compressor?.handle(measure, now),
      onTurn: () => this.pump(),
    });
  }

  /** Content that the other side is known to have. */
  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  get networkMs(): number {
    return this.#pump.waits.network;
  }

  get loads(): ReadonlyMap<number, LaneLoad> {
    return this.#scheduler.loads;
  }

  get carried(): ReadonlyMap<number, number> {
    return this.#scheduler.carried;
  }

  begin(): void {
    for (const lane of this.#options.session.lanes) this.#scheduler.handleLane(lane, 'up');
  }

  /** Submits records while lanes and window have room. */
  pump(): void {
    this.#pump.turn();
  }

  /** The writer has content, or may send more of it. */
  handleSendable(writer: ChannelWriter): void {
    // Whoever waits for a turn already is thought of as soon as there is room.
    if (this.#ready.has(writer) || !writer.isSendable) return;
    this.#ready.add(writer);
    this.pump();
  }

  handleLane(lane: number, state: 'up' | 'down'): void {
    this.#scheduler.handleLane(lane, state);
    this.pump();
  }

  handleSuspect(lane: number, isSuspect: boolean): void {
    if (isSuspect) this.#scheduler.handleSuspect(lane);
    else this.#scheduler.handleAlive(lane);
    this.pump();
  }

  handleRest(lane: number, isResting: boolean): void {
    this.#scheduler.handleRest(lane, isResting);
    this.pump();
  }

  /** The least that the lane's path takes, in milliseconds. */
  handleRoundTrip(lane: number, ms: number): void {
    this.#scheduler.handleRoundTrip(lane, ms);
  }

  handleReceived(ranges: RecordRanges): void {
    const now = performance.now();
    checkOrder(ranges);
    for (const [from, to] of ranges) {
      const settled = this.#scheduler.handleReceived(from, to, now);
      if (!settled) throw breach('it has records that were never sent');
      for (const { source, bytes } of settled) {
        this.#receivedBytes += bytes;
        source.piece.handleReceived();
        source.writer.handleReceived();
      }
    }
    this.pump();
  }

  handleAgain(ranges: RecordRanges): void {
    checkOrder(ranges);
    for (const [from, to] of ranges)
      if (!this.#scheduler.handleAgain(from, to)) throw breach('it wants records that were never sent');
    this.pump();
  }

  close(): void {
    this.#pump.close();
    this.#ready.clear();
  }

  #supply(mostBytes: number): Piece<Outgoing> | undefined {
    for (const writer of this.#ready) {
      this.#ready.delete(writer);
      const piece = writer.cut(mostBytes);
      // Behind all others.
      if (writer.isSendable) this.#ready.add(writer);
      if (piece) return { source: { writer, piece }, offset: piece.offset, bytes: piece.bytes };
    }
    return undefined;
  }

  #submit(lane: number, { number, piece: { source } }: Dispatch<Outgoing>): void {
    const { writer, piece } = source;
    const { parts } = piece;
    const { offset } = piece;
    // What nobody wants any more leaves an empty record, for its number must come.
    const bodyBytes = parts.length === 0 ? 0 : piece.bytes;
    const header = { kind: recordKind.content, layout: 0, bodyBytes, entry: writer.id, offset, number };
    piece.handleSealing();
    this.#options.session.sendContent(lane, this.#jobOf(writer, parts, header), (error, bytes, _, sealed) => {
      piece.handleSealed();
      this.#pump.handleSealed(piece.bytes, error ? bytes : sealed);
      if (error) this.#options.onFatal(asXferError(error));
    });
  }

  #jobOf(writer: ChannelWriter, parts: readonly Uint8Array[], header: ContentJob['header']): ContentJob {
    const [body = nothing, ...more] = parts;
    const compressor = body.length > 0 && this.#compressor?.wants(writer) ? this.#compressor : undefined;
    if (compressor) {
      const plain = more.length === 0 ? body : Buffer.concat(parts);
      return { fill: (into) => compressor.fillFrom(writer, plain, into), header };
    }
    if (more.length === 0) return { body, header };
    if (header.bodyBytes <= mostAtOnceBytes) return { body: Buffer.concat(parts), header };
    return { fill: (into) => gather(parts, into), header };
  }
}

const nothing = new Uint8Array();

/** Each range costs time by the records under way: the same ones, told two thousand times in one message, much of it. */
function checkOrder(ranges: RecordRanges): void {
  let end = 0;
  for (const [from, to] of ranges) {
    if (from < end) throw breach('its ranges of records overlap');
    end = to;
  }
}

function gather(parts: readonly Uint8Array[], into: Uint8Array) {
  let at = 0;
  for (const part of parts) {
    into.set(part, at);
    at += part.length;
  }
  return Promise.resolve({ bodyBytes: at, layout: 0, contentBytes: at });
}
