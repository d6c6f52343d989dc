/** The ciphers of a lane; the numbers go on the wire in the handshake. */
export const cipher = Object.freeze({ aes256gcm: 1, chacha20poly1305: 2 });
export type Cipher = (typeof cipher)[keyof typeof cipher];

/**
 * A sealed record as it lies on the wire, `bodyBytes` = B:
 *
 *     0   4         length of what follows, big-endian: 48 + B + 16
 *     4   32 + 16   header, sealed with nonce 2n, associated data: the 4 length bytes
 *     52  B + 16    body, sealed with nonce 2n + 1, associated data: the 48 bytes of the sealed header
 *
 * n is the record's counter under its key. A nonce is 4 zero bytes and the number as 8 bytes big-endian.
 * Bytes 4 to 7 of the plain header are B, big-endian; the rest is the caller's.
 */
export const recordLayout = Object.freeze({
  lengthBytes: 4,
  headerBytes: 32,
  tagBytes: 16,
  bodyAt: 52,
  bodyBytesAt: 4,
  overheadBytes: 68,
});

export interface RecordKey {
  readonly cipher: Cipher;
  /** 32 bytes. Copied when a job is submitted. */
  readonly key: Uint8Array;
  /** The record's counter under this key, below 2^52. */
  readonly counter: number;
}

export interface SealFileJob extends RecordKey {
  readonly fd: number;
  /** Offset in the file, at most 2^53 − 1. */
  readonly position: number;
  /** Bytes wanted; fewer are sealed where the file ends. */
  readonly bodyBytes: number;
  /** 32 bytes; bodyBytesAt is filled in here from what was read. Copied when the job is submitted. */
  readonly header: Uint8Array;
  /** At least overheadBytes + bodyBytes long; owned by the job until `done`. */
  readonly out: Uint8Array;
}

export interface OpenFileJob extends RecordKey {
  /** The whole sealed record, its length prefix included; decrypted in place, owned by the job until `done`. */
  readonly record: Uint8Array;
  readonly fd: number;
  readonly position: number;
}

/** `error.code` is an errno name (`ENOSPC` …) or `ERR_XFER_TAMPERED` where a tag did not verify (then nothing was written). */
export type JobDone = (error: NodeJS.ErrnoException | null, bodyBytes: number) => void;

/**
 * Sealing joined with file work. Jobs run in the order of arrival on a pool of their own and may complete in any
 * order; `done` is called on the loop, never before the call returns, exactly once, unless the process ends first.
 * Arguments of a wrong type or range throw TypeError or RangeError at once, and no `done` follows. The buffers of a job
 * must not be transferred, resized or written to until `done`.
 */
export interface SealApi {
  /** `pread` and seal: all of `out` from 0 to overheadBytes + bodyBytes is the record; `done` gives the body bytes read. */
  sealFile(job: SealFileJob, done: JobDone): void;
  /**
   * Verify and decrypt the body of `record`, then `pwrite` all of it. The header was verified by `openHeader` before.
   * Where the tag does not verify, the body in `record` is wiped.
   */
  openFile(job: OpenFileJob, done: JobDone): void;
}

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
  close(fd: number): Promise<void>;
}

export interface NativeApi {
  readonly kind: 'native' | 'typescript';
  /** One sentence for `xfer doctor`: what is used and, without the addon, why and what is slower. */
  readonly detail: string;
  /** AES-256-GCM where the CPU has instructions for it, else ChaCha20-Poly1305. */
  readonly preferredCipher: Cipher;
  readonly seal: SealApi;
  readonly files: FilesApi;
}
