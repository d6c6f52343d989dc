import { fileError, XferError } from '../errors/index.js';
import type { DirectFile, FileStamp, NativeApi } from '../native/api.js';
import type { SealedContent } from '../session/lane.js';
import { isPlain } from './content-inflater.js';
import type { DirectFiles } from './direct-files.js';
import type { DirectoryCache, HeldDirectory } from './directory-cache.js';
import type { ManifestEntry } from './entry-codec.js';
import { setMetadata, type MetadataPolicy } from './metadata.js';
import { printable } from './printable.js';
import { RangeSet } from './range-set.js';
import { mostRegions } from './sparse-regions.js';
import { isTaken } from './temporary-names.js';
import { writeAll } from './write-all.js';

/** Gaps in what was received of a file: those of records in the window, and holes. */
const mostGaps = 1024 + 2 * mostRegions;

/** Smaller files are written faster than room is taken for them. */
const leastAllocatedBytes = 8 * 1024 * 1024;

export interface IncomingFileOptions {
  readonly entry: ManifestEntry;
  /** Name under which the content lies until the file is complete. */
  readonly temporary: string;
  readonly native: NativeApi;
  readonly directories: DirectoryCache;
  /** It is written past the page cache. Default: through it. */
  readonly direct?: DirectFiles | undefined;
  /** Whether what stands at the real name is replaced; otherwise `finish` rejects with ERR_XFER_EXISTS. */
  readonly replaces: () => boolean;
  readonly metadata: MetadataPolicy;
}

interface Opened {
  readonly directory: HeldDirectory;
  readonly fd: number;
  readonly stamp: FileStamp;
  /** The same file past the page cache. */
  readonly direct: DirectFile | undefined;
}

/**
 * A file that is being received: content goes to a temporary name in its directory and is renamed when all of it is
 * there and the sender says that it did not change. Calls may overlap; `discard` waits for what is under way.
 */
export class IncomingFile {
  #entry: ManifestEntry;
  readonly #options: IncomingFileOptions;
  readonly #claimed = new RangeSet(mostGaps);
  readonly #directory: string;
  #name: string;
  #opened: Promise<Opened> | undefined;
  #fd: number | undefined;
  #direct: DirectFile | undefined;
  #writing = 0;
  #written = 0;
  #idle: (() => void) | undefined;
  #finishing: Promise<FileStamp> | undefined;
  #discarding: Promise<void> | undefined;
  #renamed = false;
  #isResumed = false;
  #hasHoles = false;

  constructor(options: IncomingFileOptions) {
    this.#entry = options.entry;
    this.#options = options;
    const slash = options.entry.path.lastIndexOf('/');
    this.#directory = slash < 0 ? '' : options.entry.path.slice(0, slash);
    this.#name = options.entry.path.slice(slash + 1);
  }

  /** All content that the manifest declares is on its place. */
  get isComplete(): boolean {
    return this.#written === this.entry.size;
  }

  get entry(): ManifestEntry {
    return this.#entry;
  }

  /** It gets another name in the same directory. To be called before it is finished. */
  renameTo(path: string): void {
    this.#entry = { ...this.#entry, path };
    this.#name = path.slice(path.lastIndexOf('/') + 1);
  }

  get writtenBytes(): number {
    return this.#written;
  }

  /** Whether it goes on with the temporary file of an earlier try. */
  get isResumed(): boolean {
    return this.#isResumed;
  }

  /** False where part of it came before or lies past the declared end. */
  claim(offset: number, bytes: number): boolean {
    return offset + bytes <= this.entry.size && (bytes === 0 || this.#claimed.claim(offset, offset + bytes));
  }

  /** What of it was claimed did not verify: it may come again. */
  giveBack(offset: number, bytes: number): void {
    if (bytes > 0) this.#claimed.remove(offset, offset + bytes);
  }

  /** Nothing but zeros is there, which a file that was never written to has anyway. False as for `claim`. */
  claimHole(from: number, to: number): boolean {
    if (from >= to || !this.claim(from, to - from)) return false;
    this.#written += to - from;
    this.#hasHoles = true;
    return true;
  }

  /**
   * Goes on with the temporary file of an earlier try, if it still is the one with this identity and holds these ranges.
   * False where it is not; it begins anew then.
   */
  async resume(isSame: (stamp: FileStamp) => boolean, ranges: RangeSet): Promise<boolean> {
    const end = ranges.ranges.at(-1)?.[1] ?? 0;
    const opened = await this.#openEarlier((stamp) => isSame(stamp) && stamp.size >= end);
    if (!opened) return false;
    this.#opened = Promise.resolve(opened);
    this.#hold(opened);
    this.#isResumed = true;
    for (const [from, to] of ranges.ranges) if (!this.claimHole(from, to)) return false;
    return true;
  }

  /** The descriptor of the temporary file while it is open. */
  async heldFd(): Promise<number | undefined> {
    return this.#opened ? (await this.#opened).fd : undefined;
  }

  /** Copies a region of another file to its place. Rejects with an XferError. */
  async copyFrom(fd: number, from: number, to: number): Promise<void> {
    await this.open();
    this.#writing++;
    try {
      const opened = await this.#create();
      await this.#options.native.files.copyRegion(fd, opened.fd, from, to - from);
    } catch (cause) {
      throw fileError(cause, `cannot write ${printable(this.entry.path)}`);
    } finally {
      this.#endWrite();
    }
  }

  /** Syncs what was written. Undefined where the file is not open any more. Rejects with an XferError. */
  async sync(): Promise<{ directory: number; stamp: FileStamp } | undefined> {
    const opened = this.#opened;
    if (!opened || this.#fd === undefined || this.#finishing || this.#discarding) return undefined;
    this.#writing++;
    try {
      const { directory, fd, stamp } = await opened;
      await this.#options.native.files.syncData(fd);
      return { directory: directory.fd, stamp };
    } catch (cause) {
      throw fileError(cause, `cannot write ${printable(this.entry.path)}`);
    } finally {
      this.#endWrite();
    }
  }

  /** Creates the temporary file. Rejects with an XferError that names the path. */
  async open(): Promise<void> {
    try {
      this.#hold(await this.#create());
    } catch (cause) {
      throw fileError(cause, `cannot write ${printable(this.entry.path)}`);
    }
  }

  /** Opens and writes a claimed record; `done` gets an XferError where it was tampered with or cannot be written. */
  write(content: SealedContent, done: (error?: XferError) => void): void {
    if (this.#fd === undefined)
      throw new XferError('ERR_XFER_INTERNAL', 'a file was written before it was open');
    this.#writing++;
    const { bodyBytes, offset } = content.header;
    const written = (error: NodeJS.ErrnoException | null): void => {
      if (!error) this.#written += bodyBytes;
      this.#endWrite();
      done(error ? this.#problem(error) : undefined);
    };
    try {
      if (isPlain(content)) return writeAll(this.#fd, content.body, offset, written);
      const place = { fd: this.#fd, direct: this.#direct, position: offset };
      this.#options.native.seal.openFile({ ...content.key, record: content.record, ...place }, written);
    } catch (cause) {
      // A place in the file that no system has.
      this.#endWrite();
      done(fileError(cause, `cannot write ${printable(this.entry.path)}`));
    }
  }

  /** Gives the file its mode, time and name, and says which one it is. Rejects with an XferError; call `discard` then. */
  finish(): Promise<FileStamp> {
    return (this.#finishing ??= this.#finishNow());
  }

  /** Removes what was written of a file that was not finished, once nothing of it is under way, or only closes it. Never rejects. */
  discard(keep = false): Promise<void> {
    return (this.#discarding ??= this.#discardNow(keep));
  }

  async #discardNow(keep: boolean): Promise<void> {
    if (this.#finishing) await this.#finishing.catch(() => undefined);
    const opened = this.#opened;
    if (!opened || this.#renamed) return;
    if (this.#writing > 0) await new Promise<void>((resolve) => (this.#idle = resolve));
    const { files } = this.#options.native;
    try {
      const { directory, fd } = await opened;
      const isOpen = this.#fd !== undefined;
      // Before it is closed: its number may mean another file right after.
      this.#fd = undefined;
      try {
        await this.#closeDirect();
        if (isOpen) await files.close(fd);
        if (!keep) await files.remove(directory.fd, this.#options.temporary);
      } finally {
        directory.release();
      }
    } catch {
      // It was never created, or its directory is gone with it: nothing remains under its real name either way.
    }
  }

  async #finishNow(): Promise<FileStamp> {
    await this.open();
    // It may be being synced.
    if (this.#writing > 0) await new Promise<void>((resolve) => (this.#idle = resolve));
    const { directory, fd, stamp } = await this.#create();
    const { mode, mtimeSeconds, mtimeNanoseconds, size } = this.entry;
    const { files } = this.#options.native;
    try {
      // What ends in a hole was never written to up there, and an earlier try may have had a longer file.
      if (this.#hasHoles || this.#isResumed) await files.truncate(fd, size);
      await setMetadata(files, fd, this.entry, this.#options.metadata);
      await this.#closeDirect();
      this.#fd = undefined;
      await files.finishFile({
        fd,
        directory: directory.fd,
        from: this.#options.temporary,
        to: this.#name,
        mode,
        mtimeNs: BigInt(mtimeSeconds) * 1_000_000_000n + BigInt(mtimeNanoseconds),
        replace: this.#options.replaces(),
        sync: false,
      });
      this.#renamed = true;
      directory.release();
      return stamp;
    } catch (cause) {
      throw fileError(cause, `cannot write ${printable(this.entry.path)}`);
    }
  }

  #hold({ fd, direct }: Opened): void {
    this.#fd = fd;
    this.#direct = direct;
  }

  /** Once nothing of it is being written. */
  async #closeDirect(): Promise<void> {
    const direct = this.#direct;
    this.#direct = undefined;
    if (direct) await this.#options.native.files.close(direct.fd);
  }

  #endWrite(): void {
    this.#writing--;
    if (this.#writing === 0) this.#idle?.();
  }

  #create(): Promise<Opened> {
    return (this.#opened ??= this.#createNow());
  }

  async #createNow(): Promise<Opened> {
    const { native, directories, temporary } = this.#options;
    const { files } = native;
    const directory = await directories.acquire(this.#directory);
    try {
      if ((await files.kindOf(directory.fd, this.#name)) === 'directory')
        throw Object.assign(new Error('is a directory'), { code: 'EISDIR' });
      const fd = await files.createFile(directory.fd, temporary).catch(async (error: unknown) => {
        if (!isTaken(error)) throw error;
        // Left by a try that was killed: the name is that of this transfer alone.
        await files.remove(directory.fd, temporary);
        return files.createFile(directory.fd, temporary);
      });
      const stamp = await this.#prepare(fd, directory);
      return { directory, fd, stamp, direct: await this.#openDirect(fd) };
    } catch (error) {
      directory.release();
      throw error;
    }
  }

  /** Takes the room for a large file at once: in one piece, and a full disk shows now. */
  async #prepare(fd: number, directory: HeldDirectory): Promise<FileStamp> {
    const { files } = this.#options.native;
    const { size, allocatedBytes } = this.entry;
    try {
      if (size >= leastAllocatedBytes && allocatedBytes === undefined) await files.allocate(fd, size);
      return await files.stampOf(fd);
    } catch (error) {
      await files.close(fd);
      await files.remove(directory.fd, this.#options.temporary);
      throw error;
    }
  }

  async #openEarlier(isSame: (stamp: FileStamp) => boolean): Promise<Opened | undefined> {
    const { native, directories, temporary } = this.#options;
    let directory: HeldDirectory | undefined;
    try {
      directory = await directories.acquire(this.#directory);
      const fd = await native.files.openExisting(directory.fd, temporary);
      const stamp = await native.files.stampOf(fd);
      if (isSame(stamp)) return { directory, fd, stamp, direct: await this.#openDirect(fd) };
      await native.files.close(fd);
    } catch {
      // It is gone or something else by now.
    }
    directory?.release();
    return undefined;
  }

  async #openDirect(fd: number): Promise<DirectFile | undefined> {
    return this.#options.direct?.open(fd, this.entry.size);
  }

  #problem(cause: NodeJS.ErrnoException): XferError {
    if (cause.code === 'ERR_XFER_TAMPERED')
      return new XferError('ERR_XFER_TAMPERED', `a record of ${printable(this.entry.path)} does not verify`);
    return fileError(cause, `cannot write ${printable(this.entry.path)}`);
  }
}
