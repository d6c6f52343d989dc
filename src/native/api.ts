import type { DescriptorsApi } from './descriptors-api.js';
import type { DirectFile, FilesApi } from './files-api.js';

export type { DescriptorReader, DescriptorsApi, DescriptorWriter } from './descriptors-api.js';
export { listingProblem } from './files-api.js';
export type {
  Attribute,
  DirectFile,
  EntryKind,
  FileStamp,
  FilesApi,
  FinishFileJob,
  HardLinkJob,
  Listing,
  SmallFile,
  WatchedFile,
  WriteFilesJob,
  WrittenFiles,
} from './files-api.js';

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
 *
 * Where the body alone is plain, bit `plainBody` of byte 2 of the header says so: then bytes 52 to 52 + B are the content, and the 16
 * behind it are zero. Lengths and header are authenticated as ever, the content is not.
 */
export const recordLayout = Object.freeze({
  lengthBytes: 4,
  headerBytes: 32,
  tagBytes: 16,
  bodyAt: 52,
  flagsAt: 2,
  plainBody: 1,
  bodyBytesAt: 4,
  overheadBytes: 68,
});

export interface RecordKey {
  readonly cipher: Cipher;
  /** 32 bytes. Copied when a job is submitted. */
  readonly key: Uint8Array;
  /** The record's counter under this key, below 2^52. */
  readonly counter: number;
  /**
   * The body is plain: sealing sets the header's bit and reads or copies the body as it is; opening takes only what has the bit in its
   * verified header, and zeros for a tag. Default: false.
   */
  readonly plain?: boolean;
}

export interface SealFileJob extends RecordKey {
  readonly fd: number;
  /** Whole pages that are placed for it go this way, the rest by `fd`. The twin does not use it. Default: all by `fd`. */
  readonly direct?: DirectFile | undefined;
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
  /** As in SealFileJob. */
  readonly direct?: DirectFile | undefined;
  readonly position: number;
}

/**
 * Reads many small files and seals them as one record. Body, integers big-endian: count u32, then for each file its
 * id minus firstId u32 and its bytes u32 (0xffffffff: could not be read, no content), then the contents one behind the
 * other in the same order. A file is read only if it is what its stamp says, before and after it was read.
 */
export interface SealPackedJob extends RecordKey {
  /** Of the user's own, absolute or relative; links in them are followed. Opened O_RDONLY | O_NONBLOCK | O_CLOEXEC. */
  readonly paths: readonly string[];
  /** Six a file: dev, ino, size, mtimeNs, ctimeNs, id minus firstId. Sizes at most 2^20. Copied when submitted. */
  readonly stamps: BigInt64Array;
  /** 32 bytes; bodyBytesAt is filled in here from what was packed. Copied when the job is submitted. */
  readonly header: Uint8Array;
  /** At least overheadBytes + 4 + 8 × files + the sum of their sizes; owned by the job until `done`. */
  readonly out: Uint8Array;
}

/** The problem of a file that is not, or did not stay, what its stamp says. */
export const packedChanged = -2;

/** `problems`, one a file: 0, an errno number (see FilesApi.errnoName) or packedChanged; empty after an error. */
export type PackedDone = (
  error: NodeJS.ErrnoException | null,
  bodyBytes: number,
  problems: Int32Array,
) => void;

export type PackFilesJob = Pick<SealPackedJob, 'paths' | 'stamps'> & {
  /** At least 4 + 8 × files + the sum of their sizes; the body is its beginning. Owned by the job until `done`. */
  readonly out: Uint8Array;
};

export interface SealBodyJob extends RecordKey {
  /** The plain body is out[bodyAt, bodyAt + bodyBytes). */
  readonly bodyBytes: number;
  /** 32 bytes; bodyBytesAt is filled in here. Copied when the job is submitted. */
  readonly header: Uint8Array;
  /** At least overheadBytes + bodyBytes long; owned by the job until `done`. */
  readonly out: Uint8Array;
}

export interface SealFromJob extends RecordKey {
  /** Plain, 2^30 bytes at most, no part of `out`. It stays as it is and must not be written to until `done`. */
  readonly body: Uint8Array;
  /** 32 bytes; bodyBytesAt is filled in here. Copied when the job is submitted. */
  readonly header: Uint8Array;
  /** At least overheadBytes + the body's bytes long; owned by the job until `done`. */
  readonly out: Uint8Array;
}

/** Milliseconds that all threads together spent reading, sealing, opening and writing content since the start. */
export interface StageTimes {
  readonly readMs: number;
  readonly sealMs: number;
  readonly openMs: number;
  readonly writeMs: number;
}

export interface OpenBodyJob extends RecordKey {
  /** The whole sealed record, its length prefix included; decrypted in place, owned by the job until `done`. */
  readonly record: Uint8Array;
}

export interface DigestFileJob {
  readonly fd: number;
  readonly position: number;
  /** At most 2^30; fewer are digested where the file ends. */
  readonly bytes: number;
}

/** SHA-256, 32 bytes, of the `bytesRead` bytes that were there. */
export type DigestDone = (error: NodeJS.ErrnoException | null, digest: Uint8Array, bytesRead: number) => void;

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
  /** Packs and seals: the record is out[0, overheadBytes + bodyBytes). Files that could not be read are no error. */
  sealPacked(job: SealPackedJob, done: PackedDone): void;
  /** What sealPacked does without sealing: the body is the `bodyBytes` first bytes of `out`. */
  packFiles(job: PackFilesJob, done: PackedDone): void;
  /** Seals what stands in `out`, all of which from 0 to overheadBytes + bodyBytes is the record then. */
  sealBody(job: SealBodyJob, done: JobDone): void;
  /** Seals a body that stands elsewhere, without a copy: the record is out[0, overheadBytes + the body's bytes). */
  sealFrom(job: SealFromJob, done: JobDone): void;
  /** What openFile does without writing: the body is the `bodyBytes` bytes from bodyAt of `record` on. */
  openBody(job: OpenBodyJob, done: JobDone): void;
  /** SHA-256 of a region of a file. */
  digestFile(job: DigestFileJob, done: DigestDone): void;
  /** SHA-256, 32 bytes, of at most 2^30 bytes, which must not change before `done`. */
  digestBytes(
    bytes: Uint8Array,
    done: (error: NodeJS.ErrnoException | null, digest: Uint8Array) => void,
  ): void;
  stageTimes(): StageTimes;
  /**
   * Memory for records, contents undefined: the body of one that begins there begins at a page, so that it can go to and
   * from files past the page cache. The twin's begins anywhere.
   */
  recordMemory(bytes: number): Buffer;
  /**
   * At once, for the header of any record and the whole of small ones, such as control messages; bodies of some KiB.
   * The verified 32-byte header of a record of which at least the first 52 bytes (bodyAt) are there, its length agreeing
   * with the one in clear. Throws ERR_XFER_TAMPERED where it does not verify.
   */
  openHeader(key: RecordKey, record: Uint8Array): Uint8Array;
  /** The body, which may stand in `record`; what else stands there is not defined any more. The header was verified before. Throws ERR_XFER_TAMPERED. */
  openSmall(key: RecordKey, record: Uint8Array): Uint8Array;
  /**
   * `header` is 32 bytes, its bodyBytesAt is filled in; nothing given is changed but `out`, where the record begins, and which has room
   * for it. Default of `out`: memory of its own.
   */
  sealSmall(key: RecordKey, header: Uint8Array, body: Uint8Array, out?: Uint8Array): Uint8Array;
}

export interface NativeApi {
  readonly kind: 'native' | 'typescript';
  /** One sentence for `xfer doctor`: what is used and, without the addon, why and what is slower. */
  readonly detail: string;
  /** AES-256-GCM where the CPU has instructions for it, else ChaCha20-Poly1305. */
  readonly preferredCipher: Cipher;
  /** Whether AES-256-GCM goes by the wide instructions of this processor, and not by OpenSSL. */
  hasWideGcm(): boolean;
  readonly seal: SealApi;
  readonly files: FilesApi;
  readonly descriptors: DescriptorsApi;
  /**
   * Gives back at once what nobody reads any more, all of an ArrayBuffer: its length is 0 then. What comes in memory that is new each
   * time would else have V8 collect all the time. Without the addon V8 does. Throws TypeError, RangeError.
   */
  freeMemory(bytes: Uint8Array): void;
  /**
   * For so long, to 100 ms, the loop asks again and again whether there is anything to do instead of sleeping until there is: for who waits
   * for what comes very soon, for a processor that has slept wakes late and is slow at first. 0: it sleeps again. The other thread of the
   * core is left alone as far as that goes. Without the addon it does nothing. Throws TypeError, RangeError.
   */
  stayAwake(microseconds: number): void;
}
