import { sessionDefaults, transferDefaults } from '../config/index.js';
import { asXferError, XferError } from '../errors/index.js';
import type { FileStamp, NativeApi } from '../native/api.js';
import type { SealedContent } from '../session/lane.js';
import { ClaimsCore } from './claims-core.js';
import type { DirectoryCache } from './directory-cache.js';
import { IncomingFile } from './incoming-file.js';
import type { ManifestEntry, Ranges } from './messages.js';
import type { RangeSet } from './range-set.js';
import { Slots } from './slots.js';
import type { TemporaryNames } from './temporary-names.js';

/** Records, and their content, that arrived and are not written: an honest sender's window keeps to that. */
const mostHeldRecords = 1024;
const mostHeldBytes = transferDefaults.windowBytes + sessionDefaults.recordBytes;
/** Gaps between the numbers of records: an honest sender's window has no more. */
const mostGaps = mostHeldRecords;
/** Records that did not verify, before the transfer is given up: once may be an accident. */
const mostTampered = 1;

export interface ContentReceiverOptions {
  readonly native: NativeApi;
  readonly directories: DirectoryCache;
  readonly names: TemporaryNames;
  /** Whether an entry with this id may still be declared. */
  isAhead(id: number): boolean;
  /** The record takes no memory here any more. */
  onSettled(number: number, bytes: number): void;
  /** The record did not verify: another copy is wanted. */
  onAgain(number: number): void;
  onWritten(file: IncomingFile, from: number, to: number): void;
  onFinished(file: IncomingFile, stamp: FileStamp): void;
  /** The sender could not send it, and nothing of it is kept. */
  onDropped(entry: ManifestEntry): void;
  onGone(file: IncomingFile): void;
  /** The transfer cannot go on. */
  onError(error: XferError): void;
}

interface Incoming {
  readonly file: IncomingFile;
  readonly parked: SealedContent[];
  state: 'declared' | 'standing' | 'opening' | 'open' | 'finishing';
  /** The sender has read it to the end and it had not changed. */
  confirmed: boolean;
  hasSlot: boolean;
  /** So that what failed while it waited for a place is not kept until there is one. */
  leaveQueue?: () => void;
}

/** The files that are under way: takes their content from all lanes, each record once, and writes it. */
export class ContentReceiver {
  readonly #options: ContentReceiverOptions;
  readonly #incoming = new Map<number, Incoming>();
  readonly #slots = new Slots(transferDefaults.maxOpenFiles);
  readonly #claims = new ClaimsCore(mostGaps);
  /** Content of entries that are not declared yet: their lane was faster than that of the manifest. */
  readonly #early = new Map<number, SealedContent[]>();
  /** Files that the sender gave up: what is on the way of them is dropped. */
  readonly #failed = new Set<number>();
  #heldRecords = 0;
  #heldBytes = 0;
  #tampered = 0;
  #over = false;

  constructor(options: ContentReceiverOptions) {
    this.#options = options;
  }

  /** Files that are declared and neither finished nor given up. */
  get size(): number {
    return this.#incoming.size;
  }

  /** Whether records [0, count) and no others have come. */
  hasRecords(count: number): boolean {
    return this.#claims.isWhole(count);
  }

  /** Whether all files that are left only wait for content. */
  get isConfirmed(): boolean {
    return [...this.#incoming.values()].every(({ confirmed, state }) => confirmed || state === 'finishing');
  }

  expect(entry: ManifestEntry): void {
    const { native, directories, names } = this.#options;
    const file = new IncomingFile({ entry, temporary: names.partOf(entry.path), native, directories });
    const incoming: Incoming = { file, parked: [], state: 'declared', confirmed: false, hasSlot: false };
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
    return (await incoming.file.resume(isSame, ranges)) ? incoming.file : undefined;
  }

  /** The file is there already. */
  skip(id: number): void {
    const incoming = this.#incoming.get(id);
    if (incoming && incoming.parked.length > 0) return this.#breach('it sends content that is there already');
    this.#incoming.delete(id);
  }

  /** The file's directory stands. */
  handleStanding(id: number): void {
    const incoming = this.#incoming.get(id);
    if (incoming?.state !== 'declared') return;
    incoming.state = 'standing';
    this.#openIfNeeded(incoming);
  }

  handleContent(content: SealedContent): void {
    const { entry, bodyBytes, number } = content.header;
    const hasRoom = this.#heldRecords < mostHeldRecords && this.#heldBytes + bodyBytes <= mostHeldBytes;
    const claim = this.#over || !hasRoom ? 'full' : this.#claims.claim(number);
    if (claim === 'copy') return content.release();
    if (claim === 'full') {
      content.release();
      return this.#breach('it sends more content than was asked for');
    }
    this.#heldRecords++;
    this.#heldBytes += bodyBytes;
    const incoming = this.#incoming.get(entry);
    if (incoming) this.#take(incoming, content);
    else if (this.#failed.has(entry)) this.#settle(content);
    else if (this.#options.isAhead(entry)) this.#park(content);
    else this.#refuse(content);
  }

  handleFinished(id: number): void {
    const incoming = this.#incoming.get(id);
    if (!incoming || incoming.confirmed || incoming.state === 'finishing')
      return this.#breach('it finishes what is no file under way');
    incoming.confirmed = true;
    this.#openIfNeeded(incoming);
    this.#finishIfComplete(incoming);
  }

  handleHoles(id: number, ranges: Ranges): void {
    const incoming = this.#incoming.get(id);
    if (!incoming || incoming.confirmed || incoming.state === 'finishing')
      return this.#breach('it has holes in what is no file under way');
    for (const [from, to] of ranges)
      if (!incoming.file.claimHole(from, to)) return this.#breach('it has holes where content is');
  }

  handleFailed(id: number): void {
    const incoming = this.#incoming.get(id);
    if (!incoming || incoming.state === 'finishing')
      return this.#breach('it fails what is no file under way');
    this.#failed.add(id);
    incoming.state = 'finishing';
    incoming.leaveQueue?.();
    for (const content of incoming.parked.splice(0)) this.#settle(content);
    this.#options.onGone(incoming.file);
    void incoming.file.discard().then(() => {
      this.#forget(incoming);
      if (!this.#over) this.#options.onDropped(incoming.file.entry);
    });
  }

  /** Gives everything back; `keep` leaves the temporary files for another try. Never rejects. */
  async close(keep: boolean): Promise<void> {
    this.#over = true;
    for (const contents of this.#early.values()) for (const content of contents) content.release();
    this.#early.clear();
    for (const { file, parked } of this.#incoming.values()) {
      for (const content of parked.splice(0)) content.release();
      await file.discard(keep);
    }
  }

  #take(incoming: Incoming, content: SealedContent): void {
    const { offset, bodyBytes, layout } = content.header;
    if (this.#failed.has(incoming.file.entry.id)) return this.#settle(content);
    const fits = incoming.state !== 'finishing' && layout === 0 && incoming.file.claim(offset, bodyBytes);
    if (!fits) return this.#refuse(content);
    if (incoming.state === 'open') return this.#write(incoming, content);
    incoming.parked.push(content);
    this.#openIfNeeded(incoming);
  }

  #park(content: SealedContent): void {
    const { entry } = content.header;
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
    if (incoming.parked.length === 0 && !incoming.confirmed && !incoming.file.isResumed) return;
    incoming.state = 'opening';
    incoming.leaveQueue = this.#slots.take(() => {
      if (this.#over) return;
      incoming.hasSlot = true;
      incoming.file.open().then(
        () => this.#handleOpen(incoming),
        (error: unknown) => this.#fail(asXferError(error)),
      );
    });
  }

  #handleOpen(incoming: Incoming): void {
    if (this.#over || incoming.state !== 'opening') return;
    incoming.state = 'open';
    for (const content of incoming.parked.splice(0)) this.#write(incoming, content);
    this.#finishIfComplete(incoming);
  }

  #write(incoming: Incoming, content: SealedContent): void {
    const { number, offset, bodyBytes } = content.header;
    incoming.file.write(content, (error) => {
      if (error?.code === 'ERR_XFER_TAMPERED' && this.#tampered++ < mostTampered) {
        this.#free(content);
        if (this.#over) return;
        this.#claims.giveBack(number);
        incoming.file.giveBack(offset, bodyBytes);
        return this.#options.onAgain(number);
      }
      this.#settle(content);
      if (this.#over) return;
      if (error) return this.#fail(error);
      this.#options.onWritten(incoming.file, offset, offset + bodyBytes);
      this.#finishIfComplete(incoming);
    });
  }

  #finishIfComplete(incoming: Incoming): void {
    if (!incoming.confirmed || incoming.state !== 'open' || !incoming.file.isComplete) return;
    incoming.state = 'finishing';
    incoming.file.finish().then(
      (stamp) => {
        this.#forget(incoming);
        if (!this.#over) this.#options.onFinished(incoming.file, stamp);
      },
      (error: unknown) => this.#fail(asXferError(error)),
    );
  }

  #forget(incoming: Incoming): void {
    if (incoming.hasSlot) this.#slots.give();
    this.#incoming.delete(incoming.file.entry.id);
  }

  /** Gives the memory of a record back; the sender may send as much again. */
  #settle(content: SealedContent): void {
    this.#free(content);
    const { number, bodyBytes } = content.header;
    if (!this.#over) this.#options.onSettled(number, bodyBytes);
  }

  #free(content: SealedContent): void {
    content.release();
    this.#heldRecords--;
    this.#heldBytes -= content.header.bodyBytes;
  }

  #fail(error: XferError): void {
    if (!this.#over) this.#options.onError(error);
  }

  #breach(what: string): void {
    this.#fail(new XferError('ERR_XFER_PROTOCOL', `the sender breaks the protocol: ${what}`));
  }
}
