import { fileError, XferError } from '../errors/index.js';
import type { FileStamp, NativeApi } from '../native/api.js';
import { blockAt, blockBytes, blockDigest, blockDigestBytes, mostBlockDigests } from './block-digests.js';
import type { DirectoryCache } from './directory-cache.js';
import type { ManifestEntry } from './entry-codec.js';
import { fits } from './finished-digest.js';
import type { IncomingFile } from './incoming-file.js';
import type { Ranges, TransferMessage } from './messages.js';
import { printable } from './printable.js';
import { RangeSet } from './range-set.js';

export interface ReceiveComparisonsOptions {
  readonly native: NativeApi;
  readonly directories: DirectoryCache;
  say(message: TransferMessage): void;
  /** Content of this file is there, and need not come. */
  onKept(file: IncomingFile, from: number, to: number): void;
  /** The file at the real name is the one that was offered. */
  onSame(entry: ManifestEntry): void;
  /** Nothing is under way any more. */
  onIdle(): void;
  onError(error: XferError): void;
}

/** What an entry is compared with. */
interface Base {
  readonly entry: ManifestEntry;
  readonly fd: number;
  readonly stamp: FileStamp;
  /** Content that is there; of the file at the real name all of it. */
  readonly ranges: RangeSet;
  /** Undefined where the base is the temporary file itself: then nothing has to be copied. */
  readonly close: (() => Promise<void>) | undefined;
  readonly file: IncomingFile;
}

/** Compares what is offered with what is there, block by block, so that only blocks that differ are sent. */
export class ReceiveComparisons {
  readonly #options: ReceiveComparisonsOptions;
  readonly #bases = new Map<number, Base>();
  /** Those of which the sender was told. */
  readonly #started = new Set<number>();
  /** What is compared with files that keep their mode and time. */
  readonly #protected = new Set<number>();
  #work: Promise<void> = Promise.resolve();
  #closed = false;
  #pending = 0;

  constructor(options: ReceiveComparisonsOptions) {
    this.#options = options;
  }

  /** Whether anything is being compared or copied. */
  get isBusy(): boolean {
    return this.#pending > 0 || this.#bases.size > 0;
  }

  /** Whether the file at the real name is as large and as old as the one that is offered. Never rejects. */
  async isCurrent(entry: ManifestEntry): Promise<boolean> {
    const stamp = await this.#withReal(entry, (directory, name) =>
      this.#options.native.files.stampAt(directory, name),
    );
    return stamp !== undefined && fits(entry, stamp);
  }

  /** Compares with the file at the real name, if there is one that it is worth to compare with. Never rejects. */
  async addReal(entry: ManifestEntry, file: IncomingFile): Promise<boolean> {
    const { files } = this.#options.native;
    const opened = await this.#withReal(entry, async (directory, name) => {
      const fd = await files.openExisting(directory, name);
      return { fd, stamp: await files.stampOf(fd) };
    });
    if (!opened) return false;
    const { fd, stamp } = opened;
    const isWorth = stamp.size === entry.size || Math.min(stamp.size, entry.size) >= blockBytes;
    if (!isWorth || entry.size === 0) {
      await files.close(fd);
      return false;
    }
    const ranges = new RangeSet();
    ranges.claim(0, stamp.size);
    this.#bases.set(entry.id, { entry, fd, stamp, ranges, close: () => files.close(fd), file });
    return true;
  }

  /** Compares with the temporary file of an earlier try, which the file goes on with. */
  async addPart(entry: ManifestEntry, file: IncomingFile, ranges: RangeSet): Promise<void> {
    const fd = await file.heldFd();
    if (fd === undefined) return;
    const stamp = await this.#options.native.files.stampOf(fd);
    this.#bases.set(entry.id, { entry, fd, stamp, ranges, close: undefined, file });
  }

  /** The entry gets another name: where it is the same, the file that stands stays as it is. */
  protect(id: number): void {
    if (this.#bases.has(id)) this.#protected.add(id);
  }

  /** Whether the file that it is compared with may be taken as it is. */
  mayBeSame(id: number): boolean {
    const base = this.#bases.get(id);
    return base?.close !== undefined && base.stamp.size === base.entry.size;
  }

  /** Begins to tell the digests of files that were added, one after the other. */
  start(ids: readonly number[]): void {
    for (const id of ids) {
      this.#started.add(id);
      this.#then(() => this.#tell(id));
    }
  }

  /** The sender has the same content there. */
  keep(id: number, ranges: Ranges): void {
    this.#then(async () => {
      const base = this.#startedBase(id);
      if (!base) throw breach('it keeps what was not compared');
      for (const [from, to] of ranges) {
        if (from >= to || to > base.entry.size || base.ranges.missing(from, to).length > 0)
          throw breach('it keeps what is not there');
        await this.#copy(base, from, to);
      }
    });
  }

  /** All of the comparison is told: what was not kept comes. `isSame`: the whole file is what is there. */
  finish(id: number, isSame: boolean): void {
    this.#then(async () => {
      const base = this.#startedBase(id);
      if (!base) throw breach('it ends what was not compared');
      this.#bases.delete(id);
      this.#started.delete(id);
      try {
        if (isSame) await this.#takeAsItIs(base);
      } finally {
        await base.close?.();
      }
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#work;
    for (const { close } of this.#bases.values()) await close?.();
    this.#bases.clear();
  }

  #startedBase(id: number): Base | undefined {
    return this.#started.has(id) ? this.#bases.get(id) : undefined;
  }

  async #tell(id: number): Promise<void> {
    const base = this.#bases.get(id);
    if (!base) return;
    const { seal } = this.#options.native;
    const blocks = Math.ceil(Math.min(base.entry.size, base.stamp.size) / blockBytes);
    let digests = new Uint8Array(0);
    let from = 0;
    for (let block = 0; block < blocks && !this.#closed; block++) {
      const [at, to] = blockAt(block, base.entry.size);
      const isThere = to <= base.stamp.size && base.ranges.missing(at, to).length === 0;
      const digest = isThere ? await blockDigest(seal, base.fd, at, to - at) : undefined;
      const more = new Uint8Array(digests.length + blockDigestBytes);
      more.set(digests);
      if (digest) more.set(digest, digests.length);
      digests = more;
      if (digests.length < mostBlockDigests * blockDigestBytes) continue;
      this.#options.say({ type: 'digests', id, from, digests, isLast: false });
      from = block + 1;
      digests = new Uint8Array(0);
    }
    this.#options.say({ type: 'digests', id, from, digests, isLast: true });
  }

  async #copy({ file, fd, close }: Base, from: number, to: number): Promise<void> {
    if (close) await file.copyFrom(fd, from, to);
    if (!file.claimHole(from, to)) throw breach('it keeps what it sends');
    this.#options.onKept(file, from, to);
  }

  /** Nothing of its content is touched; mode and time become those that were offered. */
  async #takeAsItIs({ entry, fd, stamp, close }: Base): Promise<void> {
    const { files } = this.#options.native;
    const now = await files.stampOf(fd);
    const isUnchanged = now.mtimeNs === stamp.mtimeNs && now.ctimeNs === stamp.ctimeNs;
    if (!close || now.size !== entry.size || !isUnchanged) throw breach('it takes for the same what is not');
    const { mode, mtimeSeconds, mtimeNanoseconds } = entry;
    if (!this.#protected.delete(entry.id))
      await files.finishDirectory(fd, mode, BigInt(mtimeSeconds) * 1_000_000_000n + BigInt(mtimeNanoseconds));
    this.#options.onSame(entry);
  }

  async #withReal<Value>(
    entry: ManifestEntry,
    work: (directory: number, name: string) => Promise<Value>,
  ): Promise<Value | undefined> {
    const slash = entry.path.lastIndexOf('/');
    try {
      const directory = await this.#options.directories.acquire(slash < 0 ? '' : entry.path.slice(0, slash));
      try {
        return await work(directory.fd, entry.path.slice(slash + 1));
      } finally {
        directory.release();
      }
    } catch {
      // It is not there, or no plain file: it is sent.
      return undefined;
    }
  }

  #then(work: () => Promise<void>): void {
    this.#pending++;
    this.#work = this.#work
      .then(() => (this.#closed ? undefined : work()))
      .catch((cause: unknown) => {
        const error = cause instanceof XferError ? cause : fileError(cause, 'cannot compare files');
        this.#options.onError(error);
      })
      .then(() => {
        if (--this.#pending === 0 && !this.#closed) this.#options.onIdle();
      });
  }
}

const breach = (what: string) =>
  new XferError('ERR_XFER_PROTOCOL', `the sender breaks the protocol: ${printable(what)}`);
