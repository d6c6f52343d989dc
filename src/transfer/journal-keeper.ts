import { performance } from 'node:perf_hooks';
import { asXferError, type XferError } from '../errors/index.js';
import type { FilesApi, FileStamp } from '../native/api.js';
import { concat } from '../session/bytes.js';
import { DigestSet } from './digest-set.js';
import { finishedDigest, fits } from './finished-digest.js';
import type { IncomingFile } from './incoming-file.js';
import {
  encodeJournalEntry,
  mostJournalDigests,
  mostJournalRanges,
  type JournalPart,
  type JournalState,
} from './journal-core.js';
import { JournalFile } from './journal-file.js';
import type { ManifestEntry } from './entry-codec.js';
import { RangeSet } from './range-set.js';
import type { TemporaryNames } from './temporary-names.js';

/** Content is synced in batches: so long after the first of it was written, and never more than a tenth of the time. */
const batchMs = 50;
const restFactor = 10;

export interface JournalKeeperOptions {
  readonly files: FilesApi;
  /** The received directory. */
  readonly root: number;
  /** The sender's key, and the transfer's. */
  readonly peer: Uint8Array;
  readonly key: Uint8Array;
  readonly names: TemporaryNames;
  /** So much content is safe, that of earlier tries included. */
  onDurable(bytes: number): void;
  onError(error: XferError): void;
}

interface Tracked {
  readonly number: number;
  /** Written and not journalled yet. */
  fresh: RangeSet;
  isDeclared: boolean;
  durableBytes: number;
}

/**
 * Keeps the journal of one transfer: what is written is synced in batches, and only then named in the journal (DESIGN
 * §7), so that after a crash of any kind what it says is there.
 */
export class JournalKeeper {
  readonly #options: JournalKeeperOptions;
  #isFirst = true;
  #journal: JournalFile | undefined;
  #earlier: JournalState | undefined;
  #holding: Promise<void> | undefined;
  readonly #tracked = new Map<IncomingFile, Tracked>();
  readonly #adopted = new Set<string>();
  #over: number[] = [];
  #finished: { entry: ManifestEntry; stamp: Pick<FileStamp, 'dev' | 'ino'> }[] = [];
  #finishedBytes = 0;
  #nextPart = 0;
  #durableBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #flushing: Promise<void> = Promise.resolve();
  #closed = false;

  private constructor(options: JournalKeeperOptions) {
    this.#options = options;
  }

  /**
   * Rejects with an XferError: ERR_XFER_LIMIT where another one receives the same transfer now. `mayWait`: what is over in
   * a moment, and would leave nothing, needs no journal; where none is there, none is made before `hold` or `flush`.
   */
  static async open(options: JournalKeeperOptions, mayWait = false): Promise<JournalKeeper> {
    const { files, root, names } = options;
    const keeper = new JournalKeeper(options);
    if (!mayWait || (await files.stampAt(root, names.journal))) await keeper.hold();
    return keeper;
  }

  /** From now on there is a journal, and nobody else receives the same transfer. Rejects as `open` does. */
  hold(): Promise<void> {
    return (this.#holding ??= this.#hold());
  }

  /** Whether no earlier try was killed: then there is nothing of one. */
  get isFirst(): boolean {
    return this.#isFirst;
  }

  /** Whether an earlier try left anything. */
  get hasEarlier(): boolean {
    return this.#earlier !== undefined && this.#earlier.parts.size + this.#earlier.finished.size > 0;
  }

  /** Whether an earlier try finished any file. */
  get hasFinished(): boolean {
    return (this.#earlier?.finished.size ?? 0) > 0;
  }

  /** Whether this file, which stands under its real name, is the one that an earlier try finished. */
  isFinished(entry: ManifestEntry, stamp: FileStamp): boolean {
    const finished = this.#earlier?.finished ?? new DigestSet();
    return finished.size > 0 && fits(entry, stamp) && finished.has(finishedDigest(entry, stamp));
  }

  /** What an earlier try has of this file in its temporary one, if it still is the file that it was. */
  partOf(entry: ManifestEntry): { readonly part: JournalPart; readonly ranges: RangeSet } | undefined {
    const found = this.#earlier?.parts.get(entry.path);
    const isSame = found?.part.size === entry.size && sameBytes(found.part.token, entry.token);
    return isSame ? found : undefined;
  }

  /** What an earlier try has of another version of this file. */
  staleOf(entry: ManifestEntry): { readonly part: JournalPart; readonly ranges: RangeSet } | undefined {
    const found = this.#earlier?.parts.get(entry.path);
    return found && !this.partOf(entry) ? found : undefined;
  }

  /** The file goes on where an earlier try left it. */
  adopt(file: IncomingFile, part: JournalPart, bytes: number): void {
    const tracked = { number: part.number, fresh: new RangeSet(), isDeclared: true, durableBytes: bytes };
    this.#tracked.set(file, tracked);
    this.#adopted.add(part.path);
    this.#durableBytes += bytes;
  }

  handleWritten(file: IncomingFile, from: number, to: number): void {
    let tracked = this.#tracked.get(file);
    if (!tracked) {
      tracked = { number: this.#nextPart++, fresh: new RangeSet(), isDeclared: false, durableBytes: 0 };
      this.#tracked.set(file, tracked);
    }
    tracked.fresh.claim(from, to);
    this.#schedule(batchMs);
  }

  /** The file stands under its real name. */
  handleFinished(entry: ManifestEntry, stamp: Pick<FileStamp, 'dev' | 'ino'>, file?: IncomingFile): void {
    const counted = file ? (this.#tracked.get(file)?.durableBytes ?? 0) : 0;
    if (file) this.handleGone(file);
    this.#finished.push({ entry, stamp });
    this.#finishedBytes += entry.size - counted;
    this.#schedule(batchMs);
  }

  /** The temporary file is gone, or another name of it is. */
  handleGone(file: IncomingFile): void {
    const tracked = this.#tracked.get(file);
    this.#tracked.delete(file);
    if (tracked?.isDeclared) this.#over.push(tracked.number);
  }

  /** Syncs and journals what was written until now. Rejects with an XferError. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    return (this.#flushing = this.#flushing.then(() => this.#flushNow()));
  }

  /** Parts that an earlier try has left and this one does not go on with. */
  leftOver(): readonly string[] {
    const used = new Set([...this.#adopted]);
    return [...(this.#earlier?.parts.keys() ?? [])].filter((path) => !used.has(path));
  }

  /** All is done: nothing else is to remain in the directory. */
  async hide(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#settled();
    await this.#journal?.hide();
  }

  /** Leaves the journal for another try, or takes it away. Never rejects: what is not journalled is sent again. */
  async close(keep: boolean): Promise<void> {
    this.#closed = true;
    if (keep) await this.flush().catch(() => undefined);
    clearTimeout(this.#timer);
    await this.#settled();
    await this.#journal?.close(keep).catch(() => undefined);
  }

  async #settled(): Promise<void> {
    await this.#flushing.catch(() => undefined);
    await this.#holding?.catch(() => undefined);
  }

  async #hold(): Promise<void> {
    const { files, root, peer, key, names } = this.#options;
    const header = { peer, key, root: fileId(await files.stampOf(root)) };
    const opened = await JournalFile.open(files, { root, name: names.journal }, header);
    this.#journal = opened.journal;
    this.#earlier = opened.state;
    this.#isFirst = opened.isNew;
    this.#nextPart = Math.max(this.#nextPart, opened.state?.nextPart ?? 0);
  }

  #schedule(afterMs: number): void {
    if (this.#closed) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      const began = performance.now();
      this.flush().then(
        () => {
          if (this.#hasWork()) this.#schedule(Math.max(batchMs, restFactor * (performance.now() - began)));
        },
        (error: unknown) => this.#options.onError(asXferError(error)),
      );
    }, afterMs);
  }

  #hasWork(): boolean {
    return this.#finished.length > 0 || [...this.#tracked.values()].some(({ fresh }) => fresh.size > 0);
  }

  async #flushNow(): Promise<void> {
    const entries: Uint8Array[] = [];
    let bytes = 0;
    const directories = new Set<number>();
    for (const [file, tracked] of this.#tracked) {
      if (tracked.fresh.size === 0) continue;
      const { fresh } = tracked;
      tracked.fresh = new RangeSet();
      const synced = await file.sync();
      // Finished or given up meanwhile: it is told of otherwise.
      if (!synced) continue;
      if (!tracked.isDeclared) {
        if (!directories.has(synced.directory)) await this.#options.files.syncDirectory(synced.directory);
        directories.add(synced.directory);
        entries.push(encodeJournalEntry(partEntry(tracked.number, file.entry, synced.stamp)));
        tracked.isDeclared = true;
      }
      for (const ranges of chunks(fresh.ranges, mostJournalRanges))
        entries.push(encodeJournalEntry({ type: 'ranges', number: tracked.number, ranges }));
      bytes += fresh.size;
      tracked.durableBytes += fresh.size;
    }
    bytes += await this.#finishedEntries(entries);
    for (const number of this.#over.splice(0)) entries.push(encodeJournalEntry({ type: 'over', number }));
    if (entries.length === 0) return;
    await this.hold();
    await this.#journal?.append(concat(...entries));
    this.#durableBytes += bytes;
    this.#options.onDurable(this.#durableBytes);
  }

  async #finishedEntries(entries: Uint8Array[]): Promise<number> {
    const [finished, bytes] = [this.#finished, this.#finishedBytes];
    this.#finished = [];
    this.#finishedBytes = 0;
    // One call for all of them, their names and their directories. Where there is none they are sent again.
    if (finished.length === 0 || !(await this.#options.files.syncFileSystem(this.#options.root))) return 0;
    for (const some of chunks(finished, mostJournalDigests)) {
      const digests = concat(...some.map(({ entry, stamp }) => finishedDigest(entry, stamp)));
      entries.push(encodeJournalEntry({ type: 'finished', digests }));
    }
    return bytes;
  }
}

/** Device and inode, 16 bytes. */
export function fileId({ dev, ino }: Pick<FileStamp, 'dev' | 'ino'>): Uint8Array {
  const id = new Uint8Array(16);
  const view = new DataView(id.buffer);
  view.setBigUint64(0, BigInt.asUintN(64, dev));
  view.setBigUint64(8, BigInt.asUintN(64, ino));
  return id;
}

function partEntry(number: number, entry: ManifestEntry, stamp: FileStamp) {
  const { path, size, token } = entry;
  return { type: 'part', number, path, size, token, file: fileId(stamp) } as const;
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

function* chunks<T>(items: readonly T[], size: number): Generator<readonly T[]> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size);
}
