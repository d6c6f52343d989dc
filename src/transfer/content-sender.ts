import { sessionDefaults, transferDefaults } from '../config/index.js';
import { asXferError, fileError, XferError } from '../errors/index.js';
import type { NativeApi } from '../native/api.js';
import type { CompressMode } from './compress-core.js';
import { ContentCompressor } from './content-compressor.js';
import { recordKind } from '../session/record-header.js';
import type { Session } from '../session/session.js';
import type { Ranges } from './messages.js';
import type { OpenSource } from './open-source.js';
import { OutgoingFile } from './outgoing-file.js';
import { OutgoingPack } from './outgoing-pack.js';
import { packCountBytes, packedLayout, packRowBytes } from './pack-layout.js';
import { PaceCore } from './pace-core.js';
import { printable } from './printable.js';
import type { SourceEntry } from './source-entry.js';
import { SchedulerCore, type Dispatch, type Piece } from './scheduler-core.js';
import { SourceQueue } from './source-queue.js';
import { splitRegions } from './sparse-regions.js';
import { StageWaits, type SendStage } from './stage-waits.js';

/** Most records in flight, whatever their size: bounds what the receiver parks and what is kept here. */
const mostRecords = 1024;

/** Packs that wait for a lane. */
const mostPacks = 4;

type Outgoing = OutgoingFile | OutgoingPack;

/** How fast to send; undefined for no limit. */
export interface SendLimit {
  readonly bytesPerSecond: number | undefined;
  /** What it returns ends the calls. */
  onChange(listener: () => void): () => void;
}

export interface ContentSenderOptions {
  readonly session: Session;
  readonly native: NativeApi;
  readonly limit?: SendLimit | undefined;
  readonly compress: CompressMode;
  /** Whether the receiver has more to answer than there should be. */
  isAwaited(): boolean;
  /** What of a file is to be sent. */
  rangesOf(entry: SourceEntry): Ranges;
  /** Nothing of these ranges is sent, for there is nothing in them. */
  onHoles(entry: SourceEntry, ranges: Ranges): void;
  onRead(entry: SourceEntry): void;
  /** `wasRead`: a part of it was lost, and is not what it was any more. */
  onFailed(entry: SourceEntry, error: XferError, wasRead: boolean): void;
  /** A small file went, or did not: the receiver learns it with the record. */
  onPacked(entry: SourceEntry, error?: XferError): void;
  /** The transfer cannot go on. */
  onFatal(error: XferError): void;
  /** A number changed, or there may be room for another file. */
  onProgress(): void;
}

/** Drives the scheduler: opens files ahead, cuts them into records and puts those on the lanes that have room. */
export class ContentSender {
  readonly #options: ContentSenderOptions;
  readonly #session: Session;
  readonly #scheduler: SchedulerCore<Outgoing>;
  readonly #sources: SourceQueue;
  readonly #files = new Set<OutgoingFile>();
  readonly #packs: OutgoingPack[] = [];
  readonly #isPacking: boolean;
  readonly #compressor: ContentCompressor<Outgoing> | undefined;
  #filling: OutgoingPack | undefined;
  /** Packs that are not read yet. */
  #unreadPacks = 0;
  #current: OutgoingFile | undefined;
  #sentBytes = 0;
  #receivedBytes = 0;
  readonly #pace: PaceCore;
  readonly #waits = new StageWaits();
  readonly #leaveLimit: (() => void) | undefined;
  #over = false;
  #complete = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ContentSenderOptions) {
    this.#options = options;
    this.#session = options.session;
    const { limit } = options;
    this.#pace = new PaceCore(limit?.bytesPerSecond);
    this.#leaveLimit = limit?.onChange(() => {
      this.#pace.setRate(limit.bytesPerSecond, performance.now());
      this.pump();
    });
    const { capabilities } = options.session.hello;
    this.#isPacking = capabilities.includes('pack');
    if (options.compress !== 'off' && capabilities.includes('lz4'))
      this.#compressor = new ContentCompressor(options.compress, options.native.seal);
    this.#scheduler = new SchedulerCore<Outgoing>({
      windowBytes: transferDefaults.windowBytes,
      mostRecords,
      recordBytes: sessionDefaults.recordBytes,
      supply: (mostBytes) => this.#supply(mostBytes),
      isExhausted: () => this.#complete && this.#current === undefined && this.isRead,
    });
    this.#sources = new SourceQueue({
      onReady: () => this.pump(),
      onFailed: (entry, error) => {
        options.onFailed(entry, error, false);
        options.onProgress();
      },
    });
  }

  /** Records that were numbered. */
  get records(): number {
    return this.#scheduler.count;
  }

  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  /** Content that was handed to lanes, copies included. */
  get sentBytes(): number {
    return this.#sentBytes;
  }

  /** How long was waited for what, in milliseconds. */
  get waits(): Readonly<Record<SendStage, number>> {
    return this.#waits.ms;
  }

  /** Whether another file should be pushed now. */
  get hasRoom(): boolean {
    return this.#sources.hasRoom && this.#packs.length < mostPacks;
  }

  /** Whether everything that was pushed is read, or has failed. */
  get isRead(): boolean {
    return this.#sources.isEmpty && this.#unreadPacks === 0;
  }

  /** `isWhole`: the receiver has begun nothing of it, so that it may go in a pack. */
  push(entry: SourceEntry, isWhole = true): void {
    const isSmall = entry.size <= this.#session.hello.streamingThresholdBytes;
    const isPlain = isWhole && entry.attributes === undefined && entry.allocatedBytes === undefined;
    if (!this.#isPacking || !isSmall || !isPlain || entry.size > sessionDefaults.streamingThresholdBytes)
      return this.#sources.push(entry);
    if (this.#filling?.add(entry)) return;
    // A pack goes in one piece, and so must not be more than the pace allows of one.
    const pack = new OutgoingPack(Math.min(sessionDefaults.recordBytes, this.#pace.recordBytes));
    if (!pack.add(entry)) return this.#sources.push(entry);
    this.flush();
    this.#filling = pack;
    this.#unreadPacks++;
  }

  /** What was pushed goes, full packs or not. */
  flush(): void {
    if (!this.#filling) return;
    this.#packs.push(this.#filling);
    this.#filling = undefined;
    this.pump();
  }

  /** Nothing more will be pushed. */
  complete(): void {
    this.#complete = true;
    this.pump();
  }

  /** The receiver does not want this file. */
  drop(id: number): void {
    for (const file of this.#files)
      if (file.entry.id === id) file.fail(new XferError('ERR_XFER_REFUSED', 'the receiver does not want it'));
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

  /** False for records that were never sent. */
  handleReceived(from: number, to: number): boolean {
    const settled = this.#scheduler.handleReceived(from, to, performance.now());
    for (const { source, bytes } of settled ?? []) {
      this.#receivedBytes += source instanceof OutgoingFile ? bytes : contentBytes(source, bytes);
      if (source instanceof OutgoingFile) source.acknowledge();
    }
    return settled !== undefined;
  }

  /** False for records that were never sent. */
  handleAgain(from: number, to: number): boolean {
    return this.#scheduler.handleAgain(from, to);
  }

  /** Submits records while lanes and window have room. */
  pump(): void {
    if (this.#over) return;
    const lanes = [...this.#session.lanes];
    let isPaused = false;
    for (let progress = true; progress;) {
      progress = false;
      // A record each in turn, so that no lane takes all there is.
      for (const lane of lanes) {
        const now = performance.now();
        isPaused = this.#pace.waitMs(now) > 0;
        if (this.#isOver() || isPaused || !this.#session.hasRoom(lane)) continue;
        const dispatch = this.#scheduler.pollSend(lane, now, Math.floor(this.#pace.recordBytes));
        if (!dispatch) continue;
        this.#pace.reserve(dispatch.piece.bytes, now);
        this.#submit(lane, dispatch);
        progress = true;
      }
    }
    this.#waits.handle(isPaused ? 'limit' : this.#waitsFor(lanes), performance.now());
    this.#compressor?.handle(this.#measure(), performance.now());
    this.#wakeLater(isPaused);
  }

  close(): void {
    if (this.#over) return;
    this.#over = true;
    this.#leaveLimit?.();
    clearTimeout(this.#timer);
    this.#sources.close();
    for (const file of [...this.#files]) void file.close();
  }

  /** Why nothing more was submitted. */
  #waitsFor(lanes: readonly number[]): SendStage | undefined {
    if (this.#scheduler.isExhausted) return this.#scheduler.inFlightRecords > 0 ? 'window' : undefined;
    if (!this.#scheduler.hasRoom) return 'window';
    if (lanes.some((lane) => this.#session.hasRoom(lane)))
      return this.#scheduler.isLimited ? 'network' : this.#options.isAwaited() ? 'window' : 'source';
    return lanes.every((lane) => this.#session.isFull(lane)) ? 'network' : 'seal';
  }

  #isOver(): boolean {
    return this.#over;
  }

  #measure() {
    const { network, limit, seal: sealMs } = this.#waits.ms;
    return { networkMs: network + limit, sealMs, bytesPerSecond: this.#scheduler.bytesPerSecond };
  }

  /** What compressing saved does not count towards the pace. */
  #handleSealed(contentBytes: number, sealedBytes: number): void {
    if (sealedBytes < contentBytes) this.#pace.reserve(sealedBytes - contentBytes, performance.now());
  }

  #supply(mostBytes: number): Piece<Outgoing> | undefined {
    const pack = this.#packs.shift();
    if (pack) {
      this.#options.onProgress();
      return { source: pack, offset: pack.lastId, bytes: pack.bytes };
    }
    for (;;) {
      const file = (this.#current ??= this.#next());
      if (!file) return undefined;
      const cut = file.cut(mostBytes);
      if (file.isCut) this.#current = undefined;
      if (cut) return { source: file, ...cut };
    }
  }

  #next(): OutgoingFile | undefined {
    for (let source = this.#sources.shift(); source; source = this.#sources.shift()) {
      const file = this.#begin(source);
      if (!file.isCut) return file;
      file.settle();
    }
    return undefined;
  }

  #begin(source: OpenSource): OutgoingFile {
    const { onRead, onFailed, onProgress, rangesOf } = this.#options;
    let isQueued = true;
    const release = () => {
      if (isQueued) this.#sources.release();
      isQueued = false;
    };
    const { data, holes } = splitRegions(rangesOf(source.entry), source.regions);
    if (holes.length > 0) this.#options.onHoles(source.entry, holes);
    const file = new OutgoingFile(source, data, {
      onRead: ({ entry }) => {
        release();
        if (!this.#over) onRead(entry);
        onProgress();
      },
      onFailed: ({ entry, isRead }, error) => {
        release();
        if (this.#current === file) this.#current = undefined;
        if (!this.#over) onFailed(entry, error, isRead);
        onProgress();
      },
      onClosed: () => this.#files.delete(file),
    });
    this.#files.add(file);
    return file;
  }

  #submit(lane: number, { number, piece }: Dispatch<Outgoing>): void {
    const { source, offset, bytes } = piece;
    const header = { kind: recordKind.content, bodyBytes: bytes, offset, number };
    if (source instanceof OutgoingPack) return this.#submitPack(lane, source, header);
    source.beginRead();
    const { fd } = source;
    const plain = { ...header, layout: 0, entry: source.entry.id };
    const compressor = this.#compressor;
    const job = compressor?.wants(source)
      ? { fill: (body: Uint8Array) => compressor.fillFile(source, fd, offset, body), header: plain }
      : { fd, header: plain };
    this.#session.sendContent(lane, job, (error, read, _, sealed) => {
      this.#handleSealed(read, sealed);
      this.#sentBytes += sealed;
      this.#scheduler.handleShort(number, read);
      const what = `cannot read ${printable(source.entry.source)}`;
      source.endRead(error ? fileError(error, what) : undefined, read < bytes);
    });
  }

  #submitPack(
    lane: number,
    pack: OutgoingPack,
    header: { kind: number; bodyBytes: number; offset: number; number: number },
  ): void {
    const files = pack.job();
    const packed = { ...header, layout: packedLayout, entry: pack.firstId };
    const compressor = this.#compressor;
    const job = compressor?.wants(pack)
      ? { fill: (body: Uint8Array) => compressor.fillPack(pack, files, packedLayout, body), header: packed }
      : { files, header: packed };
    this.#session.sendContent(lane, job, (error, bytes, problems, sealed) => {
      if (this.#over) return;
      if (error) return this.#options.onFatal(fileError(error, 'cannot read small files'));
      this.#handleSealed(bytes, sealed);
      this.#sentBytes += sealed < bytes ? sealed : contentBytes(pack, bytes);
      this.#scheduler.handleShort(header.number, bytes);
      try {
        if (!pack.isRead) this.#unreadPacks--;
        const { sent, failed } = pack.handleRead(problems ?? new Int32Array(), (errno) =>
          this.#options.native.files.errnoName(errno),
        );
        for (const entry of sent) this.#options.onPacked(entry);
        for (const { entry, error: problem } of failed) this.#options.onPacked(entry, problem);
      } catch (thrown) {
        return this.#options.onFatal(asXferError(thrown));
      }
      this.#options.onProgress();
    });
  }

  /** An idle lane looks again when it may copy what lags, and all do when the pace allows more. */
  #wakeLater(isPaused: boolean): void {
    clearTimeout(this.#timer);
    if (this.#over) return;
    const now = performance.now();
    const waitMs = isPaused ? this.#pace.waitMs(now) : (this.#scheduler.nextWakeup(now) ?? Infinity) - now;
    if (waitMs < Infinity) this.#timer = setTimeout(() => this.pump(), Math.max(1, waitMs));
  }
}

/** Of a packed body. */
const contentBytes = (pack: OutgoingPack, bodyBytes: number) =>
  Math.max(0, bodyBytes - packCountBytes - packRowBytes * pack.entries.length);
