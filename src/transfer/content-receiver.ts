import { transferDefaults } from '../config/index.js';
import { asXferError, XferError } from '../errors/index.js';
import type { FileStamp, NativeApi } from '../native/api.js';
import type { SealedContent } from '../session/lane.js';
import { ClaimsCore } from './claims-core.js';
import { inflate } from './content-inflater.js';
import type { DirectFiles } from './direct-files.js';
import type { DirectoryCache } from './directory-cache.js';
import { declared, isStuck, takePacked, type Incoming } from './incoming-entry.js';
import { IncomingFile } from './incoming-file.js';
import { HeldContent, mostHeldRecords } from './held-content.js';
import { compressedLayout } from './lz4.js';
import type { MetadataPolicy } from './metadata.js';
import { packedLayout } from './pack-layout.js';
import { PackWriter } from './pack-writer.js';
import type { ManifestEntry } from './entry-codec.js';
import type { Ranges } from './messages.js';
import type { RangeSet } from './range-set.js';
import { Slots } from './slots.js';
import type { TemporaryNames } from './temporary-names.js';

/** Gaps between the numbers of records: an honest sender's window has no more. */
const mostGaps = mostHeldRecords;
/** Records that did not verify, before the transfer is given up: once may be an accident. */
const mostTampered = 1;

export interface ContentReceiverOptions {
  readonly native: NativeApi;
  readonly directories: DirectoryCache;
  /** Files are written past the page cache. Default: through it. */
  readonly direct: DirectFiles | undefined;
  readonly names: TemporaryNames;
  /** Whether what stands at a real name is replaced. */
  readonly replaces: (path: string) => boolean;
  readonly metadata: MetadataPolicy;
  /** Number of the transfer's first record. */
  readonly firstRecord: number;
  /** Called before anything is written that a process which is killed may leave; more than one pack is. */
  hold(): Promise<void> | undefined;
  /** Whether an entry with this id may still be declared. */
  isAhead(id: number): boolean;
  /** The record takes no memory here any more. */
  onSettled(number: number, bytes: number): void;
  /** The record did not verify: another copy is wanted. */
  onAgain(number: number): void;
  /** A file is open now; nothing of it need be under way. */
  onOpen(): void;
  /** Nothing of this many bytes has to come. */
  onHole(bytes: number): void;
  onWritten(file: IncomingFile, from: number, to: number): void;
  /** `file` unless it came in a pack. */
  onFinished(entry: ManifestEntry, stamp: Pick<FileStamp, 'dev' | 'ino'>, file?: IncomingFile): void;
  /** The sender could not send it, and nothing of it is kept. */
  onDropped(entry: ManifestEntry): void;
  onGone(file: IncomingFile): void;
  /** The transfer cannot go on. */
  onError(error: XferError): void;
}

/** The files that are under way: takes their content from all lanes, each record once, and writes it. */
export class ContentReceiver {
  readonly #options: ContentReceiverOptions;
  readonly #incoming = new Map<number, Incoming>();
  readonly #slots = new Slots(transferDefaults.maxOpenFiles);
  readonly #claims: ClaimsCore;
  /** Content of entries that are not declared yet: their lane was faster than that of the manifest. */
  readonly #early = new Map<number, SealedContent[]>();
  /** Files that the sender gave up: what is on the way of them is dropped. */
  readonly #failed = new Set<number>();
  readonly #packs: PackWriter;
  readonly #held = new HeldContent();
  #tampered = 0;
  #packCount = 0;
  readonly #packsUnderWay = new Set<Promise<void>>();
  #over = false;

  constructor(options: ContentReceiverOptions) {
    this.#options = options;
    this.#claims = new ClaimsCore(mostGaps, options.firstRecord);
    this.#packs = new PackWriter(options);
  }

  /** Files that are declared and neither finished nor given up. */
  get size(): number {
    return this.#incoming.size;
  }

  /** Whether records [0, count) and no others have come. */
  hasRecords(count: number): boolean {
    return this.#claims.isWhole(count);
  }

  /** How long there was content that was not written, in milliseconds. */
  get heldMs(): number {
    return this.#held.heldMs;
  }

  /** Whether content waits for entries that are not declared. */
  get hasEarly(): boolean {
    return this.#early.size > 0;
  }

  /** Whether there are records that the sender does not count. */
  hasMoreThan(count: number): boolean {
    return this.#claims.size > count;
  }

  /** Whether files are left although nothing of them is under way: they will never be whole. */
  get isStuck(): boolean {
    return this.#held.isEmpty && [...this.#incoming.values()].some(isStuck);
  }

  expect(entry: ManifestEntry): void {
    const incoming = declared(entry);
    this.#incoming.set(entry.id, incoming);
    const early = this.#early.get(entry.id) ?? [];
    this.#early.delete(entry.id);
    for (const content of early) this.#take(incoming, content);
  }

  /** Goes on with what an earlier try has of a declared file; false where it is not there any more. */
  async resume(
    id: number,
    isSame: (stamp: FileStamp) => boolean,
    ranges: RangeSet,
  ): Promise<IncomingFile | undefined> {
    const incoming = this.#incoming.get(id);
    if (incoming?.state !== 'declared') return undefined;
    const file = this.#fileOf(incoming);
    if (await file.resume(isSame, ranges)) return file;
    // As if nothing had been looked for: it may come in a pack.
    if (!file.isResumed) delete incoming.file;
    return undefined;
  }

  /** The file of a declared entry, to be compared with what is there. */
  fileFor(id: number): IncomingFile | undefined {
    const incoming = this.#incoming.get(id);
    return incoming && this.#fileOf(incoming);
  }

  /** Something of the file came in another way than as content. */
  handleChanged(id: number): void {
    const incoming = this.#incoming.get(id);
    if (!incoming) return;
    this.#openIfNeeded(incoming);
    this.#finishIfComplete(incoming);
  }

  /** The file is there already. */
  skip(id: number): void {
    const incoming = this.#incoming.get(id);
    if (incoming && incoming.parked.length > 0) return this.#breach('it sends content that is there already');
    this.#incoming.delete(id);
  }

  /** The file is not wanted: what comes of it is dropped. */
  leave(id: number): void {
    const incoming = this.#incoming.get(id);
    if (!incoming) return;
    this.#failed.add(id);
    for (const content of incoming.parked.splice(0)) this.#settle(content);
    this.#incoming.delete(id);
    // What an earlier try has of it is of no use.
    if (incoming.file) this.#options.onGone(incoming.file);
    void incoming.file?.discard();
  }

  /** The file gets another name than the sender gave it. */
  rename(id: number, path: string): void {
    const incoming = this.#incoming.get(id);
    if (!incoming) return;
    incoming.entry = { ...incoming.entry, path };
    incoming.file?.renameTo(path);
  }

  /** The file's directory stands. */
  handleStanding(id: number): void {
    const incoming = this.#incoming.get(id);
    if (incoming?.state !== 'declared') return;
    incoming.state = 'standing';
    // A pack waits for its last file; what stands then has all its others standing.
    for (const content of incoming.parked.splice(0))
      if (content.header.layout === packedLayout) this.#openPack(content);
      else incoming.parked.push(content);
    this.#openIfNeeded(incoming);
  }

  handleContent(content: SealedContent): void {
    const { bodyBytes, number } = content.header;
    const claim = this.#over || !this.#held.mayTake(bodyBytes) ? 'full' : this.#claims.claim(number);
    if (claim === 'copy') return content.release();
    if (claim === 'full') {
      content.release();
      return this.#breach('it sends more content than was asked for');
    }
    this.#held.take(bodyBytes);
    if (content.header.layout & compressedLayout) this.#inflate(content);
    else this.#route(content);
  }

  #route(content: SealedContent): void {
    const entry = keyOf(content);
    const incoming = this.#incoming.get(entry);
    if (incoming) this.#take(incoming, content);
    else if (this.#failed.has(entry)) this.#settle(content);
    else if (this.#options.isAhead(entry)) this.#park(content);
    else this.#refuse(content);
  }

  /** What it grows by is held before it grows. */
  #inflate(content: SealedContent): void {
    let grown = 0;
    const mayGrow = (bytes: number): boolean => {
      if (!this.#held.grow(bytes)) return false;
      grown = bytes;
      return true;
    };
    inflate(this.#options.native.seal, content, mayGrow).then(
      (plain) => {
        if (this.#over) this.#free(plain);
        else this.#route(plain);
      },
      (error: unknown) => {
        this.#held.grow(-grown);
        this.#handleUnopened(content, asXferError(error));
      },
    );
  }

  handleFinished(id: number): void {
    const incoming = this.#incoming.get(id);
    if (!incoming && this.#failed.has(id)) return;
    if (!incoming || incoming.confirmed || incoming.state === 'finishing')
      return this.#breach('it finishes what is no file under way');
    incoming.confirmed = true;
    this.#openIfNeeded(incoming);
    this.#finishIfComplete(incoming);
  }

  handleHoles(id: number, ranges: Ranges): void {
    const incoming = this.#incoming.get(id);
    if (!incoming && this.#failed.has(id)) return;
    if (!incoming || incoming.confirmed || incoming.state === 'finishing')
      return this.#breach('it has holes in what is no file under way');
    if (incoming.file?.isResumed && incoming.entry.allocatedBytes === undefined)
      return this.#breach('it has holes in a file that it did not call sparse');
    for (const [from, to] of ranges)
      if (this.#fileOf(incoming).claimHole(from, to)) this.#options.onHole(to - from);
      else return this.#breach('it has holes where content is');
    this.#openIfNeeded(incoming);
    this.#finishIfComplete(incoming);
  }

  handleFailed(id: number): void {
    const incoming = this.#incoming.get(id);
    if (!incoming && this.#failed.has(id)) return;
    if (!incoming || incoming.state === 'finishing')
      return this.#breach('it fails what is no file under way');
    this.#failed.add(id);
    incoming.state = 'finishing';
    incoming.leaveQueue?.();
    for (const content of incoming.parked.splice(0)) this.#settle(content);
    const { file, entry } = incoming;
    if (file) this.#options.onGone(file);
    void Promise.resolve(file?.discard()).then(() => {
      this.#forget(incoming);
      if (!this.#over) this.#options.onDropped(entry);
    });
  }

  /** Gives everything back; `keep` leaves the temporary files for another try. Never rejects. */
  async close(keep: boolean): Promise<void> {
    this.#over = true;
    for (const contents of this.#early.values()) for (const content of contents) content.release();
    this.#early.clear();
    await Promise.all(this.#packsUnderWay);
    for (const { file, parked } of this.#incoming.values()) {
      for (const content of parked.splice(0)) content.release();
      await file?.discard(keep);
    }
  }

  #take(incoming: Incoming, content: SealedContent): void {
    const { offset, bodyBytes, layout } = content.header;
    if (layout === packedLayout) {
      if (incoming.state === 'standing') this.#openPack(content);
      else if (incoming.state === 'declared') incoming.parked.push(content);
      else this.#refuse(content);
      return;
    }
    if (this.#failed.has(incoming.entry.id)) return this.#settle(content);
    const isOpen = incoming.state !== 'finishing' && layout === 0;
    if (!isOpen || !this.#fileOf(incoming).claim(offset, bodyBytes)) return this.#refuse(content);
    if (incoming.state === 'open') return this.#write(incoming, content);
    incoming.parked.push(content);
    this.#openIfNeeded(incoming);
  }

  #fileOf(incoming: Incoming): IncomingFile {
    const { native, directories, direct, names } = this.#options;
    const { entry } = incoming;
    const temporary = names.partOf(entry.path);
    const { metadata } = this.#options;
    const replaces = () => this.#options.replaces(incoming.entry.path);
    return (incoming.file ??= new IncomingFile({
      ...{ entry, temporary, native, directories, direct, replaces, metadata },
    }));
  }

  #openPack(content: SealedContent): void {
    const isFirst = this.#packCount++ === 0;
    const underWay = this.#packs
      .open(content)
      .then(async ({ table, plain }) => {
        const files = table?.map((packed) => ({ packed, incoming: this.#incoming.get(packed.id) }));
        const taken = this.#over ? undefined : files && takePacked(files, this.#failed);
        if (!taken) {
          this.#free(content);
          return this.#breach('it packs files that it did not declare');
        }
        const there = taken.filter(({ packed }) => packed.bytes !== undefined);
        if (!isFirst) await this.#options.hold();
        const written = there.length > 0 ? await this.#packs.write(plain, there) : [];
        this.#settle(content);
        if (this.#over) return;
        // One after the other, for the last of all files may be among them.
        for (const { entry, stamp } of written) {
          this.#incoming.delete(entry.id);
          this.#options.onFinished(entry, stamp);
        }
        for (const { entry, packed } of taken) {
          if (packed.bytes !== undefined) continue;
          this.#incoming.delete(entry.id);
          this.#options.onDropped(entry);
        }
      })
      .catch((error: unknown) => this.#handleUnopened(content, asXferError(error)))
      .finally(() => this.#packsUnderWay.delete(underWay));
    this.#packsUnderWay.add(underWay);
  }

  /** A record that did not verify comes again, once. */
  #handleUnopened(content: SealedContent, error: XferError): void {
    const { number } = content.header;
    this.#free(content);
    if (this.#over) return;
    if (error.code !== 'ERR_XFER_TAMPERED' || this.#tampered++ >= mostTampered) return this.#fail(error);
    this.#claims.giveBack(number);
    this.#options.onAgain(number);
  }

  #park(content: SealedContent): void {
    const entry = keyOf(content);
    const early = this.#early.get(entry);
    if (early) early.push(content);
    else this.#early.set(entry, [content]);
  }

  #refuse(content: SealedContent): void {
    content.release();
    this.#breach('it sends content that was not declared');
  }

  /** Opens a file when its directory stands and there is something to do with it. */
  #openIfNeeded(incoming: Incoming): void {
    if (incoming.state !== 'standing') return;
    if (incoming.parked.length === 0 && !incoming.confirmed && !incoming.file?.isResumed) return;
    incoming.state = 'opening';
    incoming.leaveQueue = this.#slots.take(() => {
      if (this.#over) return;
      incoming.hasSlot = true;
      this.#open(incoming).then(
        () => this.#handleOpen(incoming),
        (error: unknown) => this.#fail(asXferError(error)),
      );
    });
  }

  async #open(incoming: Incoming): Promise<void> {
    await this.#options.hold();
    // It may have ended or been given up meanwhile, and nobody would take away what is opened behind that.
    if (!this.#over && incoming.state === 'opening') await this.#fileOf(incoming).open();
  }

  #handleOpen(incoming: Incoming): void {
    if (this.#over || incoming.state !== 'opening') return;
    incoming.state = 'open';
    for (const content of incoming.parked.splice(0)) this.#write(incoming, content);
    this.#finishIfComplete(incoming);
    this.#options.onOpen();
  }

  #write(incoming: Incoming, content: SealedContent): void {
    const { number, offset, bodyBytes } = content.header;
    const file = this.#fileOf(incoming);
    file.write(content, (error) => {
      if (error?.code === 'ERR_XFER_TAMPERED' && this.#tampered++ < mostTampered) {
        this.#free(content);
        if (this.#over) return;
        this.#claims.giveBack(number);
        file.giveBack(offset, bodyBytes);
        return this.#options.onAgain(number);
      }
      this.#settle(content);
      if (this.#over) return;
      if (error) return this.#fail(error);
      this.#options.onWritten(file, offset, offset + bodyBytes);
      this.#finishIfComplete(incoming);
    });
  }

  #finishIfComplete(incoming: Incoming): void {
    const { file, entry } = incoming;
    if (!incoming.confirmed || incoming.state !== 'open' || !file?.isComplete) return;
    incoming.state = 'finishing';
    file.finish().then(
      (stamp) => {
        this.#forget(incoming);
        if (!this.#over) this.#options.onFinished(entry, stamp, file);
      },
      (error: unknown) => this.#fail(asXferError(error)),
    );
  }

  #forget(incoming: Incoming): void {
    if (incoming.hasSlot) this.#slots.give();
    this.#incoming.delete(incoming.entry.id);
  }

  /** Gives the memory of a record back; the sender may send as much again. */
  #settle(content: SealedContent): void {
    this.#free(content);
    const { number, bodyBytes } = content.header;
    if (!this.#over) this.#options.onSettled(number, bodyBytes);
  }

  #free(content: SealedContent): void {
    content.release();
    this.#held.free(content.header.bodyBytes);
  }

  #fail(error: XferError): void {
    if (!this.#over) this.#options.onError(error);
  }

  #breach(what: string): void {
    this.#fail(new XferError('ERR_XFER_PROTOCOL', `the sender breaks the protocol: ${what}`));
  }
}

/** The entry for which content has to wait: of a pack the last, behind which all the others are declared too. */
const keyOf = ({ header }: SealedContent) => (header.layout === packedLayout ? header.offset : header.entry);
