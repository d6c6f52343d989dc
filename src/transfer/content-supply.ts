import { XferError } from '../errors/index.js';
import type { DirectFiles } from './direct-files.js';
import type { Ranges } from './messages.js';
import type { OpenSource } from './open-source.js';
import { OutgoingFile } from './outgoing-file.js';
import { OutgoingPack } from './outgoing-pack.js';
import type { Piece } from './scheduler-core.js';
import type { SourceEntry } from './source-entry.js';
import { SourceQueue } from './source-queue.js';
import { splitRegions } from './sparse-regions.js';
import { tooLarge } from './whole-files.js';

/** Packs that wait for a lane. */
const mostPacks = 4;

export type Outgoing = OutgoingFile | OutgoingPack;

export interface ContentSupplyOptions {
  /** Largest file that goes in a pack; undefined where the receiver takes none. */
  readonly packedBytes: number | undefined;
  /** Largest file of all, each of which goes in one piece; undefined where the receiver takes parts. */
  readonly wholeBytes: number | undefined;
  /** Files are read past the page cache. Default: through it. */
  readonly direct?: DirectFiles | undefined;
  /** Body bytes of a pack, at most. */
  mostPackBytes(): number;
  /** What of a file is to be sent. */
  rangesOf(entry: SourceEntry): Ranges;
  /** Nothing of these ranges is sent, for there is nothing in them. */
  onHoles(entry: SourceEntry, ranges: Ranges): void;
  onRead(entry: SourceEntry): void;
  /** `wasRead`: a part of it was lost, and is not what it was any more. */
  onFailed(entry: SourceEntry, error: XferError, wasRead: boolean): void;
  /** There may be room for another file. */
  onProgress(): void;
  /** There may be another piece. */
  onReady(): void;
}

/** What is to be sent, piece by piece: files that are opened ahead and cut as the lanes want them, and packs of small ones. */
export class ContentSupply {
  readonly #options: ContentSupplyOptions;
  readonly #sources: SourceQueue;
  readonly #files = new Set<OutgoingFile>();
  readonly #packs: OutgoingPack[] = [];
  #filling: OutgoingPack | undefined;
  /** Packs that are not read yet. */
  #unreadPacks = 0;
  #current: OutgoingFile | undefined;
  #over = false;
  #complete = false;

  constructor(options: ContentSupplyOptions) {
    this.#options = options;
    const onFailed = (entry: SourceEntry, error: XferError) => {
      options.onFailed(entry, error, false);
      options.onProgress();
    };
    this.#sources = new SourceQueue({ onReady: () => options.onReady(), onFailed }, options.direct);
  }

  /** Whether another file should be pushed now. */
  get hasRoom(): boolean {
    return this.#sources.hasRoom && this.#packs.length < mostPacks;
  }

  /** Whether everything that was pushed is read, or has failed. */
  get isRead(): boolean {
    return this.#sources.isEmpty && this.#unreadPacks === 0;
  }

  /** Whether there will never be another piece. */
  get isExhausted(): boolean {
    return this.#complete && this.#current === undefined && this.isRead;
  }

  /** `isWhole`: the receiver has begun nothing of it, so that it may go in a pack. */
  push(entry: SourceEntry, isWhole: boolean): void {
    const { packedBytes = -1, wholeBytes, mostPackBytes, onFailed } = this.#options;
    if (wholeBytes !== undefined && entry.size > wholeBytes)
      return onFailed(entry, tooLarge(entry, wholeBytes), false);
    const isPlain = isWhole && entry.attributes === undefined && entry.allocatedBytes === undefined;
    if (!isPlain || entry.size > packedBytes) return this.#sources.push(entry);
    if (this.#filling?.add(entry)) return;
    const pack = new OutgoingPack(mostPackBytes());
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
    this.#options.onReady();
  }

  /** Nothing more will be pushed. */
  complete(): void {
    this.#complete = true;
    this.#options.onReady();
  }

  /** The receiver does not want this file. */
  drop(id: number): void {
    for (const file of this.#files)
      if (file.entry.id === id) file.fail(new XferError('ERR_XFER_REFUSED', 'the receiver does not want it'));
  }

  /** What `takePack` and `takeFile` would take. */
  get heads(): { readonly pack: OutgoingPack | undefined; readonly file: OutgoingFile | undefined } {
    const file = (this.#current ??= this.#next());
    return { pack: this.#packs[0], file: file?.isCut ? undefined : file };
  }

  /** The next piece, of at most so many bytes; a pack has its own size. */
  take(mostBytes: number): Piece<Outgoing> | undefined {
    return this.takePack() ?? this.takeFile(mostBytes);
  }

  takePack(): Piece<Outgoing> | undefined {
    const pack = this.#packs.shift();
    if (!pack) return undefined;
    this.#options.onProgress();
    return { source: pack, offset: pack.lastId, bytes: pack.bytes };
  }

  takeFile(mostBytes: number): Piece<Outgoing> | undefined {
    for (;;) {
      const file = (this.#current ??= this.#next());
      if (!file) return undefined;
      const cut = file.cut(this.#options.wholeBytes === undefined ? mostBytes : Infinity);
      if (file.isCut) this.#current = undefined;
      if (cut) return { source: file, ...cut };
    }
  }

  /** A pack was read for the first time. */
  handlePackRead(): void {
    this.#unreadPacks--;
  }

  close(): void {
    if (this.#over) return;
    this.#over = true;
    this.#sources.close();
    for (const file of [...this.#files]) void file.close();
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
    const { onRead, onFailed, onProgress, onHoles, rangesOf } = this.#options;
    let isQueued = true;
    const release = () => {
      if (isQueued) this.#sources.release();
      isQueued = false;
    };
    const regions = this.#options.wholeBytes === undefined ? source.regions : undefined;
    const { data, holes } = splitRegions(rangesOf(source.entry), regions);
    if (holes.length > 0) onHoles(source.entry, holes);
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
}
