import { sessionDefaults, transferDefaults } from '../config/index.js';
import { fileError, type XferError } from '../errors/index.js';
import { recordKind } from '../session/record-header.js';
import type { Session } from '../session/session.js';
import type { Ranges } from './messages.js';
import type { OpenSource } from './open-source.js';
import { OutgoingFile } from './outgoing-file.js';
import { printable } from './printable.js';
import type { SourceEntry } from './scan.js';
import { SchedulerCore, type Dispatch } from './scheduler-core.js';
import { SourceQueue } from './source-queue.js';

/** Most records in flight, whatever their size: bounds what the receiver parks and what is kept here. */
const mostRecords = 1024;

export interface ContentSenderOptions {
  readonly session: Session;
  /** What of a file is to be sent. */
  rangesOf(entry: SourceEntry): Ranges;
  onRead(entry: SourceEntry): void;
  onFailed(entry: SourceEntry, error: XferError): void;
  /** A number changed, or there may be room for another file. */
  onProgress(): void;
}

/** Drives the scheduler: opens files ahead, cuts them into records and puts those on the lanes that have room. */
export class ContentSender {
  readonly #options: ContentSenderOptions;
  readonly #session: Session;
  readonly #scheduler: SchedulerCore<OutgoingFile>;
  readonly #sources: SourceQueue;
  readonly #files = new Set<OutgoingFile>();
  #current: OutgoingFile | undefined;
  #sentBytes = 0;
  #over = false;
  #complete = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ContentSenderOptions) {
    this.#options = options;
    this.#session = options.session;
    this.#scheduler = new SchedulerCore<OutgoingFile>({
      windowBytes: transferDefaults.windowBytes,
      mostRecords,
      recordBytes: sessionDefaults.recordBytes,
      supply: (mostBytes) => this.#supply(mostBytes),
      isExhausted: () => this.#complete && this.#current === undefined && this.#sources.isEmpty,
    });
    this.#sources = new SourceQueue({
      onReady: () => this.pump(),
      onFailed: (entry, error) => {
        options.onFailed(entry, error);
        options.onProgress();
      },
    });
  }

  /** Records that were numbered. */
  get records(): number {
    return this.#scheduler.count;
  }

  get receivedBytes(): number {
    return this.#scheduler.receivedBytes;
  }

  /** Content that was handed to lanes, copies included. */
  get sentBytes(): number {
    return this.#sentBytes;
  }

  /** Whether another file should be pushed now. */
  get hasRoom(): boolean {
    return this.#sources.hasRoom;
  }

  /** Whether everything that was pushed is read, or has failed. */
  get isRead(): boolean {
    return this.#sources.isEmpty;
  }

  push(entry: SourceEntry): void {
    this.#sources.push(entry);
  }

  /** Nothing more will be pushed. */
  complete(): void {
    this.#complete = true;
    this.pump();
  }

  handleLane(lane: number, state: 'up' | 'down'): void {
    this.#scheduler.handleLane(lane, state);
    this.pump();
  }

  /** False for records that were never sent. */
  handleReceived(from: number, to: number): boolean {
    const settled = this.#scheduler.handleReceived(from, to, performance.now());
    for (const { source } of settled ?? []) source.acknowledge();
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
    for (let progress = true; progress;) {
      progress = false;
      // A record each in turn, so that no lane takes all there is.
      for (const lane of lanes) {
        if (this.#isOver() || !this.#session.hasRoom(lane)) continue;
        const dispatch = this.#scheduler.pollSend(lane, performance.now());
        if (!dispatch) continue;
        this.#submit(lane, dispatch);
        progress = true;
      }
    }
    this.#wakeLater();
  }

  close(): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#timer);
    this.#sources.close();
    for (const file of [...this.#files]) void file.close();
  }

  #isOver(): boolean {
    return this.#over;
  }

  #supply(mostBytes: number) {
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
    const file = new OutgoingFile(source, rangesOf(source.entry), {
      onRead: ({ entry }) => {
        release();
        if (!this.#over) onRead(entry);
        onProgress();
      },
      onFailed: ({ entry }, error) => {
        release();
        if (this.#current === file) this.#current = undefined;
        if (!this.#over) onFailed(entry, error);
        onProgress();
      },
      onClosed: () => this.#files.delete(file),
    });
    this.#files.add(file);
    return file;
  }

  #submit(lane: number, { number, piece }: Dispatch<OutgoingFile>): void {
    const { source: file, offset, bytes } = piece;
    const header = {
      kind: recordKind.content,
      layout: 0,
      bodyBytes: bytes,
      entry: file.entry.id,
      offset,
      number,
    };
    file.beginRead();
    this.#session.sendContent(lane, { fd: file.fd, header }, (error, read) => {
      this.#sentBytes += read;
      this.#scheduler.handleShort(number, read);
      const what = `cannot read ${printable(file.entry.source)}`;
      file.endRead(error ? fileError(error, what) : undefined, read < bytes);
    });
  }

  /** An idle lane looks again when it may copy what lags. */
  #wakeLater(): void {
    clearTimeout(this.#timer);
    const now = performance.now();
    const at = this.#scheduler.nextWakeup(now);
    if (at === undefined || this.#over) return;
    this.#timer = setTimeout(() => this.pump(), Math.max(1, at - now));
  }
}
