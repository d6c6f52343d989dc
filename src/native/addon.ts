import { createRequire } from 'node:module';
import { XferError } from '../errors/index.js';
import { recordLayout } from './api.js';
import type { ReferenceBlast } from './reference-blast.js';
import type {
  Attribute,
  Cipher,
  DirectFile,
  EntryKind,
  FileStamp,
  JobDone,
  PackedDone,
  SealApi,
  WrittenFiles,
} from './api.js';

export type Done<Value = void> = (error: NodeJS.ErrnoException | null, value: Value) => void;

/**
 * What native/build/Release/xfer_seal.node exports. Wrong arguments throw TypeError or RangeError; whatever happens
 * later reaches `done`, from the loop.
 */
export interface Addon extends Partial<DescriptorAddon> {
  readonly hasAes: boolean;
  /** Whether AES-256-GCM goes by the wide instructions of this processor, and not by OpenSSL. */
  hasWideGcm(): boolean;
  readonly pageBytes: number;
  /** Detaches their ArrayBuffer, which they must be all of. */
  freeMemory(bytes: Uint8Array): void;
  stayAwake(microseconds: number): void;
  /** Where the memory of these bytes lies. */
  addressOf(bytes: Uint8Array): number;
  /** Loads a shared library on the pool, for good; false where it does not load. */
  loadLibrary(path: string, done: Done<boolean>): void;
  /** `direct`, here and below: fd, alignBytes and memoryAlignBytes of a DirectFile, or nothing. */
  sealFile(
    cipher: Cipher,
    key: Uint8Array,
    counter: number,
    plain: boolean,
    fd: number,
    position: number,
    bodyBytes: number,
    header: Uint8Array,
    out: Uint8Array,
    direct: Float64Array,
    done: Done<number>,
  ): void;
  openFile(
    cipher: Cipher,
    key: Uint8Array,
    counter: number,
    plain: boolean,
    record: Uint8Array,
    fd: number,
    position: number,
    direct: Float64Array,
    done: Done<number>,
  ): void;
  sealPacked(
    cipher: Cipher,
    key: Uint8Array,
    counter: number,
    plain: boolean,
    paths: readonly string[],
    stamps: BigInt64Array,
    header: Uint8Array,
    out: Uint8Array,
    done: Done<AddonPacked>,
  ): void;
  packFiles(paths: readonly string[], stamps: BigInt64Array, out: Uint8Array, done: Done<AddonPacked>): void;
  sealBody(
    cipher: Cipher,
    key: Uint8Array,
    counter: number,
    plain: boolean,
    bodyBytes: number,
    header: Uint8Array,
    out: Uint8Array,
    done: Done<number>,
  ): void;
  sealFrom(
    cipher: Cipher,
    key: Uint8Array,
    counter: number,
    plain: boolean,
    body: Uint8Array,
    header: Uint8Array,
    out: Uint8Array,
    done: Done<number>,
  ): void;
  /** Whether it verified. */
  openHeader(
    cipher: Cipher,
    key: Uint8Array,
    counter: number,
    plain: boolean,
    record: Uint8Array,
    header: Uint8Array,
  ): boolean;
  openBodyNow(cipher: Cipher, key: Uint8Array, counter: number, plain: boolean, record: Uint8Array): boolean;
  sealNow(
    cipher: Cipher,
    key: Uint8Array,
    counter: number,
    plain: boolean,
    bodyBytes: number,
    header: Uint8Array,
    out: Uint8Array,
  ): void;
  /** Milliseconds: read, seal, open, write. */
  stageTimes(): Float64Array;
  openBody(
    cipher: Cipher,
    key: Uint8Array,
    counter: number,
    plain: boolean,
    record: Uint8Array,
    done: Done<number>,
  ): void;
  writeFiles(...job: [...AddonWriteJob, done: Done<WrittenFiles>]): void;
  /** Undefined where that would wait for a disk, or the watched file is not what it was. */
  writeInMemory(...job: AddonWriteJob): WrittenFiles | undefined;
  digestFile(
    fd: number,
    position: number,
    bytes: number,
    done: Done<{ digest: Uint8Array; bytesRead: number }>,
  ): void;
  digestBytes(bytes: Uint8Array, done: Done<Uint8Array>): void;
  referenceBlast(milliseconds: number, done: Done<ReferenceBlast>): void;
  list(fd: number, most: number, done: Done<AddonListing>): void;
  readSmall(path: string, into: Uint8Array, done: Done<AddonSmallFile>): void;
  /** Undefined where that would wait. */
  readCached(path: string, into: Uint8Array): AddonSmallFile | undefined;
  dataRegions(fd: number, from: number, most: number, done: Done<Float64Array>): void;
  attributesOf(fd: number, done: Done<readonly Attribute[]>): void;
  /** The values stand one behind the other in `contents`. */
  setAttributes(
    fd: number,
    names: readonly string[],
    contents: Uint8Array,
    sizes: Float64Array,
    done: Done,
  ): void;
  copyRegion(from: number, to: number, position: number, bytes: number, done: Done): void;
  openRoot(path: string, done: Done<number>): void;
  openDirectory(root: number, path: string, done: Done<number>): void;
  makeDirectory(directory: number, name: string, mode: number, done: Done<boolean>): void;
  createFile(directory: number, name: string, done: Done<number>): void;
  finishFile(
    fd: number,
    directory: number,
    from: string,
    to: string,
    mode: number,
    mtimeNs: bigint,
    replace: boolean,
    sync: boolean,
    done: Done,
  ): void;
  makeLink(
    directory: number,
    name: string,
    temporary: string,
    target: string,
    mtimeNs: bigint,
    replace: boolean,
    done: Done,
  ): void;
  finishDirectory(directory: number, mode: number, mtimeNs: bigint, done: Done): void;
  remove(directory: number, name: string, done: Done<boolean>): void;
  kindOf(directory: number, name: string, done: Done<EntryKind | undefined>): void;
  openExisting(directory: number, name: string, done: Done<number>): void;
  openDirect(fd: number, done: Done<Float64Array>): void;
  removeDirectory(directory: number, name: string, done: Done<boolean>): void;
  makeHardLink(
    fromDirectory: number,
    from: string,
    directory: number,
    temporary: string,
    name: string,
    replace: boolean,
    done: Done,
  ): void;
  setOwner(fd: number, uid: number, gid: number, done: Done): void;
  setLinkOwner(directory: number, name: string, uid: number, gid: number, done: Done): void;
  stampOf(fd: number, done: Done<FileStamp>): void;
  stampAt(directory: number, name: string, done: Done<FileStamp | undefined>): void;
  syncData(fd: number, done: Done): void;
  syncDirectory(directory: number, done: Done): void;
  syncFileSystem(directory: number, done: Done<boolean>): void;
  allocate(fd: number, bytes: number, done: Done<boolean>): void;
  truncate(fd: number, bytes: number, done: Done): void;
  freeBytes(directory: number, done: Done<number>): void;
  writesUnnamed(directory: number, done: Done<boolean>): void;
  lock(fd: number, done: Done<boolean>): void;
  close(fd: number, done: Done): void;
}

/** What the addon has on Linux only. `kind` is that of descriptorKind. */
export interface DescriptorAddon {
  /** Bytes; below zero an errno, or −4096 where there is more than the loop should read. Never waits. */
  readNow(fd: number, kind: number, into: Uint8Array): number;
  writeNow(fd: number, kind: number, from: Uint8Array): number;
  /** On the pool: as much as goes without waiting. EAGAIN where that is nothing. */
  readDescriptor(fd: number, kind: number, into: Uint8Array, done: Done<number>): void;
  writeDescriptor(fd: number, kind: number, from: Uint8Array, done: Done<number>): void;
  /** Whether a pipe holds so much now. */
  growPipe(fd: number, bytes: number): boolean;
  /** As dup2(2) of /dev/null. */
  replaceByNull(fd: number): boolean;
  /** Throws EPERM for what is always ready. `onReady` gets 1: readable, 2: writable, 4: the other side has gone. */
  readonly DescriptorWatch: new (fd: number, onReady: (events: number) => void) => DescriptorWatch;
}

export interface DescriptorWatch {
  /** Told once, then wanted again; that the other side has gone even where nothing is wanted. */
  want(events: number): void;
  close(): void;
}

interface AddonPacked {
  readonly bodyBytes: number;
  readonly problems: Int32Array;
}

export interface AddonSmallFile {
  readonly numbers: Float64Array;
  readonly isRead: boolean;
}

type AddonWriteJob = [
  buffer: Uint8Array,
  names: readonly string[],
  numbers: Float64Array,
  mtimesNs: BigInt64Array,
  temporaryPrefix: string,
  watchedPath: string,
  watchedState: BigInt64Array,
];

export interface AddonListing {
  /** Each with a NUL behind it, which no name has: one text is far cheaper to hand over than many. */
  readonly names: string;
  readonly numbers: Float64Array;
  /** The indexes of the links, and what they say, as `names`. */
  readonly links: Int32Array;
  readonly targets: string;
  readonly isLast: boolean;
}

/** Loads the addon; throws where it was not built or does not fit this Node. The path is the same from src and dist. */
export function loadAddon(): Addon {
  return createRequire(import.meta.url)('../../native/build/Release/xfer_seal.node') as Addon;
}

/** Whether this system is one for which it has them. */
export function hasDescriptors(addon: Addon): addon is Addon & DescriptorAddon {
  return addon.DescriptorWatch !== undefined;
}

export function nativeSeal(addon: Addon): SealApi {
  return {
    sealFile: (
      { cipher, key, counter, plain = false, fd, direct, position, bodyBytes, header, out },
      done,
    ) => {
      const past = directNumbers(direct);
      addon.sealFile(cipher, key, counter, plain, fd, position, bodyBytes, header, out, past, counted(done));
    },
    sealBody: ({ cipher, key, counter, plain = false, bodyBytes, header, out }, done) => {
      addon.sealBody(cipher, key, counter, plain, bodyBytes, header, out, counted(done));
    },
    sealFrom: ({ cipher, key, counter, plain = false, body, header, out }, done) => {
      addon.sealFrom(cipher, key, counter, plain, body, header, out, counted(done));
    },
    packFiles: ({ paths, stamps, out }, done) => {
      addon.packFiles(paths, stamps, out, packed(done));
    },
    openHeader: ({ cipher, key, counter, plain = false }, record) => {
      const header = new Uint8Array(recordLayout.headerBytes);
      if (!addon.openHeader(cipher, key, counter, plain, record, header)) throw tampered();
      return header;
    },
    openSmall: ({ cipher, key, counter, plain = false }, record) => {
      if (!addon.openBodyNow(cipher, key, counter, plain, record)) throw tampered();
      return record.subarray(recordLayout.bodyAt, record.length - recordLayout.tagBytes);
    },
    sealSmall: ({ cipher, key, counter, plain = false }, header, body, out) => {
      const bytes = recordLayout.overheadBytes + body.length;
      const record = out ? out.subarray(0, bytes) : Buffer.allocUnsafeSlow(bytes);
      if (record.length < bytes) throw new RangeError('out is too small for the record');
      record.set(body, recordLayout.bodyAt);
      addon.sealNow(cipher, key, counter, plain, body.length, header, record);
      return record;
    },
    stageTimes: () => {
      const [readMs = 0, sealMs = 0, openMs = 0, writeMs = 0] = addon.stageTimes();
      return { readMs, sealMs, openMs, writeMs };
    },
    recordMemory: (bytes) => recordMemory(addon, bytes),
    openFile: ({ cipher, key, counter, plain = false, record, fd, direct, position }, done) => {
      const past = directNumbers(direct);
      addon.openFile(cipher, key, counter, plain, record, fd, position, past, opened(done));
    },
    sealPacked: ({ cipher, key, counter, plain = false, paths, stamps, header, out }, done) => {
      addon.sealPacked(cipher, key, counter, plain, paths, stamps, header, out, packed(done));
    },
    openBody: ({ cipher, key, counter, plain = false, record }, done) => {
      addon.openBody(cipher, key, counter, plain, record, opened(done));
    },
    digestFile: ({ fd, position, bytes }, done) => {
      addon.digestFile(fd, position, bytes, (error, found) => {
        if (error === null) done(null, found.digest, found.bytesRead);
        else done(error, new Uint8Array(), 0);
      });
    },
    digestBytes: (bytes, done) => {
      addon.digestBytes(bytes, (error, digest) => done(error, error === null ? digest : new Uint8Array()));
    },
  };
}

const notDirect = new Float64Array();

function directNumbers(direct: DirectFile | undefined): Float64Array {
  if (!direct) return notDirect;
  return Float64Array.of(direct.fd, direct.alignBytes, direct.memoryAlignBytes);
}

/** Memory of an ArrayBuffer begins at 8 or 16 bytes: a page more has a place for what is wanted. */
function recordMemory({ pageBytes, addressOf }: Addon, bytes: number): Buffer {
  const memory = Buffer.allocUnsafeSlow(bytes + pageBytes);
  const past = (addressOf(memory) + recordLayout.bodyAt) % pageBytes;
  const at = past === 0 ? 0 : pageBytes - past;
  return memory.subarray(at, at + bytes);
}

const tampered = () => new XferError('ERR_XFER_TAMPERED', 'a sealed record did not verify');

const counted =
  (done: JobDone): Done<number> =>
  (error, n) => {
    done(error, error === null ? n : 0);
  };

const packed =
  (done: PackedDone): Done<AddonPacked> =>
  (error, value) => {
    if (error === null) done(null, value.bodyBytes, value.problems);
    else done(error, 0, new Int32Array());
  };

function opened(done: JobDone): Done<number> {
  return (error, n) => {
    if (error === null) done(null, n);
    else done(error.code === 'ERR_XFER_TAMPERED' ? new XferError(error.code, error.message) : error, 0);
  };
}
