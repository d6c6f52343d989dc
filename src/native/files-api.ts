export interface FinishFileJob {
  readonly fd: number;
  /** The held directory in which the file was created. */
  readonly directory: number;
  readonly from: string;
  readonly to: string;
  /** Permission bits, 0 to 0o777. */
  readonly mode: number;
  readonly mtimeNs: bigint;
  /** Replace a file or link that stands at `to`; without it EEXIST. A directory there is always EISDIR. */
  readonly replace: boolean;
  /** Fsync the file before the rename and the directory after it. */
  readonly sync: boolean;
}

export type EntryKind = 'file' | 'directory' | 'link' | 'other';

/** What tells one state of a file from another; sizes in bytes, times in nanoseconds. */
export interface FileStamp {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly size: number;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  /** Permission bits and type, as in st_mode. */
  readonly mode: number;
  readonly links: number;
}

export interface HardLinkJob {
  readonly fromDirectory: number;
  readonly from: string;
  readonly directory: number;
  /** Another name than `name`; nothing stands there afterwards. */
  readonly temporary: string;
  readonly name: string;
  /** As in finishFile. */
  readonly replace: boolean;
}

/**
 * Many small files in one go, in order, on one thread of the pool: each is created under a temporary name with
 * O_EXCL and mode 0600, written, given its owner, mode and time, closed and renamed. A problem with one leaves the
 * others alone and nothing of it behind. Copied when submitted, but for the contents.
 */
export interface WriteFilesJob {
  /** The contents; must not be written to, transferred or resized until the call settles. */
  readonly buffer: Uint8Array;
  readonly names: readonly string[];
  /** Seven a file: held directory, offset in buffer, bytes, mode, uid, gid (−1: left alone), replace 0 or 1. */
  readonly numbers: Float64Array;
  readonly mtimesNs: BigInt64Array;
  /** Temporary names are this and the index in decimal. */
  readonly temporaryPrefix: string;
  /** The job rejects with ESTALE, and writes nothing, where this file is not there or not what it was. Default: none is looked at. */
  readonly watched?: WatchedFile | undefined;
}

/** A file by its path, links followed, and what it was. */
export interface WatchedFile {
  /** Not empty. */
  readonly path: string;
  /** dev, ino, size, mtimeNs, ctimeNs. Copied when submitted. */
  readonly state: BigInt64Array;
}

export interface SmallFile {
  /** Of one entry, as those of a Listing; its problem is 0. */
  readonly numbers: Float64Array;
  /** In `into`, from its begin; undefined where it is no regular file, is larger, or changed while it was read. */
  readonly content: Uint8Array | undefined;
}

export interface WrittenFiles {
  /** For each file 0 or an errno number: EEXIST where something stands and replace is 0, EISDIR for a directory. */
  readonly errors: Int32Array;
  /** Three a file: dev, ino, ctimeNs as it stands under its name; zeros where there was a problem. */
  readonly stamps: BigInt64Array;
}

/** Problem of an entry whose name, or whose target, is no UTF-8. */
export const listingProblem = Object.freeze({ notText: -3 });

/** Entries of a directory and what fstatat says of each, links not followed; `.` and `..` left out. */
export interface Listing {
  /** Sorted by their bytes within the chunk. */
  readonly names: readonly string[];
  /**
   * 14 numbers an entry: st_mode, size, mtime seconds, mtime nanoseconds, ctime seconds, ctime nanoseconds, dev,
   * ino / 2^32, ino % 2^32, links, uid, gid, 512-byte blocks, problem: 0, an errno number, or listingProblem.notText.
   * With that one, a name stands in `names` with replacement characters and the other numbers are 0; where they are
   * not, it is the target of a link, which is left out of `targets`.
   */
  readonly numbers: Float64Array;
  /** What links say, by index. */
  readonly targets: ReadonlyMap<number, string>;
  readonly isLast: boolean;
}

/** A second descriptor of a file, past the page cache. Who opened it closes it. */
export interface DirectFile {
  readonly fd: number;
  /** Positions and lengths are multiples of this: pages of the file, or more. */
  readonly alignBytes: number;
  /** Addresses of memory are. */
  readonly memoryAlignBytes: number;
}

/** The name, `user.` included, and the value of an extended attribute. */
export type Attribute = readonly [name: string, value: Uint8Array];

/**
 * Writing below a held directory. Every directory is a descriptor that stays open; a `name` is one component
 * (no `/`, not `.` or `..`, no NUL, not empty: EINVAL otherwise), and no call ever follows a symbolic link.
 * Promises reject with errors whose `code` is an errno name.
 */
export interface FilesApi {
  /** Opens a directory by a path of the user's own (links in it are followed, it is his). */
  openRoot(path: string): Promise<number>;
  /**
   * Opens `path` (components joined by `/`, relative) below `root`. On Linux by openat2 with RESOLVE_BENEATH,
   * RESOLVE_NO_SYMLINKS and RESOLVE_NO_MAGICLINKS. ELOOP or ENOTDIR where a link or a file stands in the way,
   * EXDEV for an absolute path and any `..`; EINVAL for the empty path, empty components and `.`.
   */
  openDirectory(root: number, path: string): Promise<number>;
  /** Resolves to false where a real directory stands there already; EEXIST where anything else does. */
  makeDirectory(directory: number, name: string, mode: number): Promise<boolean>;
  /** O_CREAT | O_EXCL | O_NOFOLLOW | O_RDWR, mode 0600. */
  createFile(directory: number, name: string): Promise<number>;
  /**
   * fchmod, futimens, optional fsync, close, rename. `fd` is closed in every case; where it fails, `from` stays for
   * the caller to remove. The twin keeps mtimeNs to the microsecond.
   */
  finishFile(job: FinishFileJob): Promise<void>;
  /** Makes the link under `temporary`, sets its own mtime, renames it to `name`; `replace` as in finishFile. */
  makeLink(
    directory: number,
    job: { name: string; temporary: string; target: string; mtimeNs: bigint; replace: boolean },
  ): Promise<void>;
  /** fchmod and futimens on a held directory. */
  finishDirectory(directory: number, mode: number, mtimeNs: bigint): Promise<void>;
  /** Unlinks a file or link, never a directory (EISDIR). Resolves to false where nothing is there. */
  remove(directory: number, name: string): Promise<boolean>;
  /** What stands at `name`, links not followed; undefined for nothing. */
  kindOf(directory: number, name: string): Promise<EntryKind | undefined>;
  /**
   * O_RDWR | O_NOFOLLOW | O_NONBLOCK on what must be a regular file: ELOOP for a link, EISDIR for a directory, EINVAL
   * for anything else, ENOENT for nothing.
   */
  openExisting(directory: number, name: string): Promise<number>;
  /**
   * Opens an open file a second time, with the same access and O_DIRECT. Undefined where the system or the file system
   * has no such way, as the twin never has.
   */
  openDirect(fd: number): Promise<DirectFile | undefined>;
  /** Resolves to false where nothing is there; ENOTEMPTY, and ENOTDIR for a link or a file. */
  removeDirectory(directory: number, name: string): Promise<boolean>;
  /**
   * Another name of what `from` is (a link itself, never its target), made under `temporary` and renamed. EPERM where
   * it is a directory or belongs to somebody else, EXDEV across file systems, EINVAL where `temporary` is `name`.
   */
  makeHardLink(job: HardLinkJob): Promise<void>;
  /** fchown; −1 leaves one as it is. The ids are at most 2^32 − 2. */
  setOwner(fd: number, uid: number, gid: number): Promise<void>;
  /** The owner of what stands at `name`, links not followed. */
  setLinkOwner(directory: number, name: string, uid: number, gid: number): Promise<void>;
  /** fstat. */
  stampOf(fd: number): Promise<FileStamp>;
  /** What stands at `name`, links not followed; undefined for nothing. */
  stampAt(directory: number, name: string): Promise<FileStamp | undefined>;
  /** fdatasync. */
  syncData(fd: number): Promise<void>;
  /** fsync. */
  syncDirectory(directory: number): Promise<void>;
  /** syncfs; false where this system has no such call, as the twin never has. */
  syncFileSystem(directory: number): Promise<boolean>;
  /**
   * Makes room for the file's first `bytes` bytes, and the file at least as long, so that a full disk shows at once:
   * ENOSPC. False where the file system cannot, as the twin never can, or where memory is the disk, which it would fill.
   */
  allocate(fd: number, bytes: number): Promise<boolean>;
  truncate(fd: number, bytes: number): Promise<void>;
  /** What a user without privileges may still write on that file system. */
  freeBytes(directory: number): Promise<number>;
  /**
   * flock with LOCK_EX | LOCK_NB: false where another open file holds it, in this process or another. Released when
   * the descriptor is closed, by the end of the process too. The twin has flock(1) take it on the same open file, so
   * both exclude each other; ENOLCK where that program is missing.
   */
  lock(fd: number): Promise<boolean>;
  /**
   * Whether a file of `writeFiles` gets a name in this directory only when it is whole, so that a process that is killed
   * leaves nothing of it: where O_TMPFILE works. Never with the twin.
   */
  writesUnnamed(directory: number): Promise<boolean>;
  /** Wrong numbers or lengths reject the whole job with TypeError or RangeError before anything is written. */
  writeFiles(job: WriteFilesJob): Promise<WrittenFiles>;
  /**
   * What stands at a path of the user's own, links followed, and all of it where that is a regular file for which there is room in
   * `into` (of 2^20 bytes at most). Nothing else is opened. Until it settles `into` is written to.
   */
  readSmall(path: string, into: Uint8Array): Promise<SmallFile>;
  /** A directory of the user's own, by path; links in the path are followed. */
  openListing(path: string): Promise<number>;
  /**
   * The next at most `most` (1 to 65536) entries from a descriptor of openListing or a held directory; the last chunk
   * may be empty, and after it the directory begins anew. One call on a descriptor at a time. ENOSYS with the addon
   * on other systems than Linux.
   */
  list(fd: number, most: number): Promise<Listing>;
  /**
   * Regions with data, [from, to) pairs, at most `most` (1 to 65536) pairs from `from` on; empty where there is nothing
   * but a hole up to the end. One pair to the end of the file where the system cannot tell, as the twin never can.
   * Moves the descriptor's own position.
   */
  dataRegions(fd: number, from: number, most: number): Promise<Float64Array>;
  /**
   * Extended attributes of the namespace `user.` alone, sorted by name. None where the file system has none, as with
   * the twin; names that are no UTF-8 are left out. E2BIG past 64 KiB of names and values together.
   */
  attributesOf(fd: number): Promise<readonly Attribute[]>;
  /**
   * Sets them and leaves others alone; EPERM, before anything is set, for a name outside `user.`. ENOTSUP where the
   * file system has none, as with the twin, unless there is nothing to set.
   */
  setAttributes(fd: number, attributes: readonly Attribute[]): Promise<void>;
  /**
   * Copies a region of one file to the same place of another, sharing blocks where the file system can. ENODATA where
   * `from` ends before: what there was has been copied then.
   */
  copyRegion(from: number, to: number, position: number, bytes: number): Promise<void>;
  /** `ENOSPC` for 28; `E28` and the like for one without a name. */
  errnoName(errno: number): string;
  close(fd: number): Promise<void>;
}
