import { constants } from 'node:fs';
import type { Listing } from '../native/api.js';
import { listed, type FileIdentity } from './listing.js';
import {
  entryKind,
  mostSeconds,
  type Attribute,
  type EntryKindNumber,
  type ManifestEntry,
} from './entry-codec.js';

/** An entry with what the sender knows of it on this machine. */
export interface SourceEntry extends Omit<ManifestEntry, 'token'> {
  readonly source: string;
  readonly stamp: SourceStamp;
  /** Of a hard link the id of the entry that has the file's first name. */
  readonly linkOf?: number | undefined;
  /** Told where the sender was asked to. */
  attributes?: readonly Attribute[] | undefined;
}

/** What tells one state of a file from another: size in bytes, times in nanoseconds. */
export interface SourceStamp extends FileIdentity {
  readonly size: number;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

/** What an entry is besides what was listed of it. */
export interface EntryPlace {
  readonly id: number;
  readonly path: string;
  readonly source: string;
  /** The entry with the first name of the same file. */
  readonly linkOf: { readonly id: number; readonly path: string } | undefined;
  /** Whether the owner is told. */
  readonly owners: boolean;
}

/** The kind of an entry of a listing; undefined for what is never sent. */
export function listedKind(numbers: Float64Array, index: number): EntryKindNumber | undefined {
  return kinds[(numbers[index * listed.numbers + listed.mode] ?? 0) & constants.S_IFMT];
}

/** The entry at `index` of a listing, which must be without a problem and of a kind that is sent. */
export function sourceEntry({ numbers, targets }: Listing, index: number, place: EntryPlace): SourceEntry {
  return new ListedEntry(numbers, index * listed.numbers, targets.get(index) ?? '', place);
}

const kinds: Readonly<Record<number, EntryKindNumber>> = {
  [constants.S_IFREG]: entryKind.file,
  [constants.S_IFDIR]: entryKind.directory,
  [constants.S_IFLNK]: entryKind.link,
};

/** Numbers alone: of a million entries few are asked for their stamp at the same time. */
class ListedEntry implements SourceEntry {
  readonly id: number;
  readonly kind: EntryKindNumber;
  readonly path: string;
  readonly source: string;
  readonly size: number;
  readonly mode: number;
  readonly mtimeSeconds: number;
  readonly mtimeNanoseconds: number;
  readonly target: string;
  readonly linkOf: number | undefined;
  readonly allocatedBytes: number | undefined;
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
  attributes: readonly Attribute[] | undefined;
  readonly #fileBytes: number;
  readonly #rawMtimeSeconds: number;
  readonly #ctimeSeconds: number;
  readonly #ctimeNanoseconds: number;
  readonly #dev: number;
  readonly #inoHigh: number;
  readonly #inoLow: number;

  constructor(numbers: Float64Array, at: number, target: string, place: EntryPlace) {
    const number = (which: number) => numbers[at + which] ?? 0;
    const mode = number(listed.mode);
    this.id = place.id;
    this.kind = place.linkOf ? entryKind.hardLink : (kinds[mode & constants.S_IFMT] ?? entryKind.file);
    this.path = place.path;
    this.source = place.source;
    this.linkOf = place.linkOf?.id;
    this.#fileBytes = (mode & constants.S_IFMT) === constants.S_IFREG ? number(listed.size) : 0;
    this.size = this.kind === entryKind.file ? this.#fileBytes : 0;
    const allocated = number(listed.blocks) * blockBytes;
    this.allocatedBytes = this.size - allocated >= leastHoleBytes ? allocated : undefined;
    this.owner = place.owners ? { uid: number(listed.uid), gid: number(listed.gid) } : undefined;
    this.mode = mode & 0o777;
    this.#rawMtimeSeconds = number(listed.mtimeSeconds);
    this.mtimeSeconds = Math.max(-mostSeconds, Math.min(mostSeconds, this.#rawMtimeSeconds));
    this.mtimeNanoseconds = number(listed.mtimeNanoseconds);
    this.target = place.linkOf?.path ?? target;
    this.#ctimeSeconds = number(listed.ctimeSeconds);
    this.#ctimeNanoseconds = number(listed.ctimeNanoseconds);
    this.#dev = number(listed.dev);
    this.#inoHigh = number(listed.inoHigh);
    this.#inoLow = number(listed.inoLow);
  }

  get stamp(): SourceStamp {
    return {
      dev: BigInt(this.#dev),
      ino: (BigInt(this.#inoHigh) << 32n) | BigInt(this.#inoLow),
      size: this.#fileBytes,
      mtimeNs: nanoseconds(this.#rawMtimeSeconds, this.mtimeNanoseconds),
      ctimeNs: nanoseconds(this.#ctimeSeconds, this.#ctimeNanoseconds),
    };
  }
}

/** What st_blocks counts in, whatever the file system's own blocks are. */
const blockBytes = 512;

/** Less is no hole that anybody made: some file systems keep small files elsewhere. */
const leastHoleBytes = 64 * 1024;

const nanoseconds = (seconds: number, rest: number) => BigInt(seconds) * 1_000_000_000n + BigInt(rest);
