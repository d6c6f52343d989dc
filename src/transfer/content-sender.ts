import { transferDefaults } from '../config/index.js';
import type { XferError } from '../errors/index.js';
import { asXferError, fileError } from '../errors/index.js';
import type { NativeApi } from '../native/api.js';
import type { CompressMode } from './compress-core.js';
import { ContentCompressor } from './content-compressor.js';
import { contentJob, packedContentBytes, sentBytes, type Sealed } from './content-jobs.js';
import { ContentSupply, type Outgoing } from './content-supply.js';
import type { GroupSeat } from './group-content.js';
import { GroupPart } from './group-part.js';
import type { Session } from '../session/session.js';
import type { Ranges, TransferMessage } from './messages.js';
import type { DirectFiles } from './direct-files.js';
import { OutgoingFile } from './outgoing-file.js';
import { OutgoingPack } from './outgoing-pack.js';
import { printable } from './printable.js';
import { RecordPump } from './record-pump.js';
import type { SendLimit } from './send-options.js';
import type { SourceEntry } from './source-entry.js';
import { SchedulerCore, type Dispatch, type LaneLoad } from './scheduler-core.js';
import type { SendStage } from './stage-waits.js';
import { wholeFileBytes } from './whole-files.js';

/** Most records in flight, whatever their size: bounds what the receiver parks and what is kept here. */
const mostRecords = 1024;

/** What several transfers send together. */
export interface ContentGroup {
  /** Nothing is sent before it is known whether there is one. Never rejects. */
  readonly seat: Promise<GroupSeat | undefined>;
  say(message: TransferMessage): void;
  onJoined(): void;
  /** From now on it sends by itself; the reason is for people. Without one it was in no group. */
  onAlone(reason?: string): void;
}

export interface ContentSenderOptions {
  readonly session: Session;
  readonly native: NativeApi;
  readonly limit?: SendLimit | undefined;
  readonly compress: CompressMode;
  /** Files of at most so many bytes go in packs, where the receiver agrees. */
  readonly packedFileBytes: number;
  /** Files are read past the page cache. Default: through it. */
  readonly direct?: DirectFiles | undefined;
  /** A place in a group, to begin with. Default: none. */
  readonly group?: ContentGroup | undefined;
  /** Number of the first record. Default: 0. */
  readonly firstRecord?: number | undefined;
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

/** Drives the scheduler: puts what there is to send on the lanes that have room, in records. */
export class ContentSender {
  readonly #options: ContentSenderOptions;
  readonly #session: Session;
  readonly #scheduler: SchedulerCore<Outgoing>;
  readonly #supply: ContentSupply;
  readonly #compressor: ContentCompressor<Outgoing> | undefined;
  #hasBegun = false;
  #seat: GroupSeat | undefined;
  /** While content goes to the group. */
  #part: GroupPart | undefined;
  #sentBytes = 0;
  #receivedBytes = 0;
  readonly #pump: RecordPump<Outgoing>;
  #over = false;

  constructor(options: ContentSenderOptions) {
    this.#options = options;
    this.#session = options.session;
    const { hello } = options.session;
    const { capabilities } = hello;
    if (options.compress !== 'off' && capabilities.includes('lz4'))
      this.#compressor = new ContentCompressor(options.compress, options.native.seal);
    this.#scheduler = new SchedulerCore<Outgoing>({
      windowBytes: transferDefaults.windowBytes,
      growth: { products: transferDefaults.windowProducts, maxBytes: transferDefaults.maxWindowBytes },
      mostRecords,
      firstNumber: options.firstRecord,
      recordBytes: options.session.recordBytes,
      supply: (mostBytes) => (this.#part ? this.#part.cut() : this.#supply.take(mostBytes)),
      isExhausted: () => this.#supply.isExhausted,
    });
    this.#pump = new RecordPump({
      ...{ session: options.session, scheduler: this.#scheduler, limit: options.limit },
      submit: (lane, dispatch) => this.#submit(lane, dispatch),
      starved: () => (options.isAwaited() ? 'window' : 'source'),
      onMeasured: (measure, now) => this.#compressor?.handle(measure, now),
      onTurn: () => this.pump(),
    });
    // What several send together must be cut alike for all, however the pace changes.
    const packBytes = options.group && this.#packBytes;
    this.#supply = new ContentSupply({
      packedBytes: capabilities.includes('pack')
        ? Math.min(hello.streamingThresholdBytes, options.packedFileBytes)
        : undefined,
      wholeBytes: wholeFileBytes(hello),
      direct: options.direct,
      mostPackBytes: () => packBytes ?? this.#packBytes,
      rangesOf: options.rangesOf,
      onHoles: options.onHoles,
      onRead: options.onRead,
      onFailed: options.onFailed,
      onProgress: options.onProgress,
      onReady: () => this.pump(),
    });
  }

  /** Content goes from now on: to the group, once there is a place in one, else on the session's lanes. */
  begin(): void {
    const { group } = this.#options;
    if (!group) return this.#addLanes();
    void group.seat.then((seat) => {
      if (this.#over) return seat?.leave(false);
      if (seat) return this.#sit(seat, group);
      group.onAlone();
      this.#addLanes();
    });
  }

  /** The receiver has joined the group. False where it was not asked to. */
  handleGrouped(lane: number): boolean {
    if (this.#seat?.offer.lane !== lane) return false;
    if (!this.#part || this.#part.isReady) return true;
    this.#part.isReady = true;
    this.#options.group?.onJoined();
    this.pump();
    return true;
  }

  /** The receiver has lost the group. False where it was in none. */
  handleUngrouped(lane: number): boolean {
    if (this.#seat?.offer.lane !== lane) return false;
    this.#leave('the receiver has lost the lane that all share');
    return true;
  }

  /** Whether the receiver knows what it needs to open all that was sent. */
  get isTold(): boolean {
    return this.#part?.isTold ?? true;
  }

  /** The number behind that of the last record. */
  get records(): number {
    return this.#scheduler.count;
  }

  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  /** Content that came to the receiver on each lane. */
  get carried(): ReadonlyMap<number, number> {
    return this.#scheduler.carried;
  }

  /** What each of the session's lanes carries. */
  get loads(): ReadonlyMap<number, LaneLoad> {
    return this.#scheduler.loads;
  }

  /** Content that was handed to lanes, copies included. */
  get sentBytes(): number {
    return this.#sentBytes;
  }

  /** How long was waited for what, in milliseconds. */
  get waits(): Readonly<Record<SendStage, number>> {
    return this.#pump.waits;
  }

  /** Whether another file should be pushed now. */
  get hasRoom(): boolean {
    return this.#supply.hasRoom;
  }

  /** Whether everything that was pushed is read, or has failed. */
  get isRead(): boolean {
    return this.#supply.isRead;
  }

  /** `isWhole`: the receiver has begun nothing of it, so that it may go in a pack. */
  push(entry: SourceEntry, isWhole = true): void {
    this.#supply.push(entry, isWhole);
  }

  /** What was pushed goes, full packs or not. */
  flush(): void {
    this.#supply.flush();
  }

  /** Nothing more will be pushed. */
  complete(): void {
    this.#supply.complete();
  }

  /** The receiver does not want this file. */
  drop(id: number): void {
    this.#supply.drop(id);
  }

  handleLane(lane: number, state: 'up' | 'down'): void {
    if (!this.#hasBegun) return;
    if (!this.#part) this.#scheduler.handleLane(lane, state);
    else if (this.#session.lanes.length === 0) this.#leave('the connection to the receiver is lost');
    this.pump();
  }

  handleSuspect(lane: number, isSuspect: boolean): void {
    if (this.#part || !this.#hasBegun) return;
    if (isSuspect) this.#scheduler.handleSuspect(lane);
    else this.#scheduler.handleAlive(lane);
    this.pump();
  }

  /** The lane shall carry nothing new while others do, or shall again. */
  handleRest(lane: number, isResting: boolean): void {
    this.#scheduler.handleRest(lane, isResting);
    this.pump();
  }

  /** The least that the lane's path takes, in milliseconds. */
  handleRoundTrip(lane: number, ms: number): void {
    this.#scheduler.handleRoundTrip(lane, ms);
  }

  /** False for records that were never sent. */
  handleReceived(from: number, to: number): boolean {
    const settled = this.#scheduler.handleReceived(from, to, performance.now());
    if (settled?.length) this.#seat?.handleProgress();
    for (const { source, bytes } of settled ?? []) {
      this.#receivedBytes += source instanceof OutgoingFile ? bytes : packedContentBytes(source, bytes);
      if (source instanceof OutgoingFile) source.acknowledge();
    }
    return settled !== undefined;
  }

  /** False for records that were never sent. */
  handleAgain(from: number, to: number): boolean {
    this.#leave('a record did not verify');
    return this.#scheduler.handleAgain(from, to);
  }

  /** Submits records while lanes and window have room. */
  pump(): void {
    if (this.#over || !this.#hasBegun) return;
    if (this.#part) return this.#seat?.handleChange();
    this.#pump.turn();
  }

  close(): void {
    if (this.#over) return;
    this.#over = true;
    this.#part = undefined;
    this.#seat?.leave(this.#scheduler.inFlightRecords === 0);
    this.#pump.close();
    this.#supply.close();
  }

  /** A pack goes in one piece, and so must not be more than the pace allows of one. */
  get #packBytes(): number {
    return Math.min(this.#session.recordBytes, this.#pump.pace.recordBytes);
  }

  #submit(lane: number, dispatch: Dispatch<Outgoing>): void {
    const { source } = dispatch.piece;
    if (source instanceof OutgoingFile) source.beginRead();
    const job = contentJob(dispatch, this.#compressor);
    this.#session.sendContent(lane, job, (error, bytes, problems, sealedBytes) => {
      const sealed = { error, bytes, problems, sealedBytes };
      this.#pump.handleSealed(bytes, sealedBytes);
      this.#sentBytes += sentBytes(source, sealed);
      this.#handleSealed(dispatch, sealed);
    });
  }

  #handleSealed({ number, piece }: Dispatch<Outgoing>, { error, bytes, problems }: Sealed): void {
    const { source } = piece;
    this.#scheduler.handleShort(number, bytes);
    if (source instanceof OutgoingPack) return this.#handlePackRead(source, error, problems);
    const what = `cannot read ${printable(source.entry.source)}`;
    source.endRead(error ? fileError(error, what) : undefined, bytes < piece.bytes);
  }

  #handlePackRead(pack: OutgoingPack, error: Error | null, problems: Int32Array | undefined): void {
    if (this.#over) return;
    const { onFatal, onPacked, onProgress, native } = this.#options;
    if (error) return onFatal(fileError(error, 'cannot read small files'));
    try {
      if (!pack.isRead) this.#supply.handlePackRead();
      const errnoName = (errno: number) => native.files.errnoName(errno);
      const { sent, failed } = pack.handleRead(problems ?? new Int32Array(), errnoName);
      for (const entry of sent) onPacked(entry);
      for (const { entry, error: problem } of failed) onPacked(entry, problem);
    } catch (thrown) {
      return onFatal(asXferError(thrown));
    }
    onProgress();
  }

  #sit(seat: GroupSeat, { say }: ContentGroup): void {
    const part = new GroupPart({
      ...{ seat, say, scheduler: this.#scheduler, supply: this.#supply },
      onSealed: (dispatch, sealed, sent) => {
        this.#sentBytes += sent;
        this.#handleSealed(dispatch, sealed);
      },
      onWaits: (stage) => this.#pump.handleWait(stage),
      onTold: () => this.#options.onProgress(),
      onLeft: (reason) => this.#goAlone(reason),
    });
    this.#hasBegun = true;
    this.#seat = seat;
    this.#part = part;
    this.#scheduler.handleLane(seat.offer.lane, 'up');
    say({ type: 'group', ...seat.offer });
    if (seat.take(part)) this.pump();
    else this.#goAlone('the others have begun without it');
  }

  #leave(reason: string): void {
    if (!this.#part) return;
    this.#seat?.leave(false);
    this.#goAlone(reason);
  }

  /** What was under way in the group goes again on the session's lanes, and so does all the rest. */
  #goAlone(reason: string): void {
    const { group } = this.#options;
    if (!this.#part || !this.#seat || !group) return;
    const { lane } = this.#seat.offer;
    this.#part = undefined;
    this.#scheduler.handleLane(lane, 'down');
    group.say({ type: 'ungroup', lane });
    group.onAlone(reason);
    this.#addLanes();
  }

  #addLanes(): void {
    this.#hasBegun = true;
    for (const lane of this.#session.lanes) this.#scheduler.handleLane(lane, 'up');
    this.pump();
  }
}
