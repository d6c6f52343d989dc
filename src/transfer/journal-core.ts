import * as v from 'valibot';
import { transferDefaults } from '../config/index.js';
import { XferError } from '../errors/index.js';
import { concat } from '../session/bytes.js';
import {
  boundedArray,
  boundedBytes,
  boundedInteger,
  boundedText,
  decodeMessage,
  encodeMessage,
  exactBytes,
} from '../session/schema.js';
import { crc32 } from './crc32.js';
import { DigestSet, digestBytes } from './digest-set.js';
import { tokenBytes } from './entry-codec.js';
import { transferKeyBytes, type Ranges } from './messages.js';
import { RangeSet } from './range-set.js';

/** What a journal is for. */
export interface JournalHeader {
  /** The sender's key, 32 bytes. */
  readonly peer: Uint8Array;
  /** The transfer's key, 16 bytes. */
  readonly key: Uint8Array;
  /** The directory that it lies in: device and inode, 16 bytes. */
  readonly root: Uint8Array;
}

/** A file that is not whole yet. */
export interface JournalPart {
  /** By which later entries name it, counted up in the journal. */
  readonly number: number;
  readonly path: string;
  readonly size: number;
  readonly token: Uint8Array;
  /** Device and inode of its temporary file, 16 bytes: another file under that name is not it. */
  readonly file: Uint8Array;
}

export type JournalEntry =
  | ({ readonly type: 'part' } & JournalPart)
  /** These ranges of a part are on disk. */
  | { readonly type: 'ranges'; readonly number: number; readonly ranges: Ranges }
  /** The part is finished or gone. */
  | { readonly type: 'over'; readonly number: number }
  /** Digests of finished files, one behind the other (`finishedDigest`). */
  | { readonly type: 'finished'; readonly digests: Uint8Array };

/** What a journal says. */
export interface JournalState {
  /** By path. */
  readonly parts: ReadonlyMap<string, { readonly part: JournalPart; readonly ranges: RangeSet }>;
  readonly finished: DigestSet;
  /** The number for the next part. */
  readonly nextPart: number;
  /** Where the last whole entry ends: what follows was torn. */
  readonly validBytes: number;
}

const magic = Uint8Array.of(0x78, 0x66, 0x65, 0x72, 0x2d, 0x6a, 0x6f, 1);
const peerBytes = 32;
const fileIdBytes = 16;
export const journalHeaderBytes = magic.length + peerBytes + transferKeyBytes + fileIdBytes + 4;
const frameBytes = 8;
const mostEntryBytes = 64 * 1024;
/** Ranges and digests of one entry. */
export const mostJournalRanges = 2048;
export const mostJournalDigests = 2048;

const count = boundedInteger();
const entry = v.variant('type', [
  v.object({
    type: v.literal('part'),
    number: count,
    path: boundedText(transferDefaults.maxPathBytes),
    size: count,
    token: exactBytes(tokenBytes),
    file: exactBytes(fileIdBytes),
  }),
  v.object({
    type: v.literal('ranges'),
    number: count,
    ranges: boundedArray(v.strictTuple([count, count]), mostJournalRanges),
  }),
  v.object({ type: v.literal('over'), number: count }),
  v.object({ type: v.literal('finished'), digests: boundedBytes(mostJournalDigests * digestBytes) }),
]);

export function encodeJournalHeader({ peer, key, root }: JournalHeader): Uint8Array {
  const head = concat(magic, peer, key, root);
  return concat(head, u32(crc32(head)));
}

/** Whose transfer it is that a header belongs to; undefined for what is none. */
export function journalPeer(header: Uint8Array): Uint8Array | undefined {
  const sum = journalHeaderBytes - 4;
  if (header.length < journalHeaderBytes || magic.some((byte, i) => header[i] !== byte)) return undefined;
  const view = new DataView(header.buffer, header.byteOffset, header.length);
  if (view.getUint32(sum) !== crc32(header.subarray(0, sum))) return undefined;
  return header.slice(magic.length, magic.length + peerBytes);
}

/** Length, CRC-32 of length and payload, payload. */
export function encodeJournalEntry(value: JournalEntry): Uint8Array {
  const payload = encodeMessage({ ...value });
  const length = u32(payload.length);
  return concat(length, u32(crc32(length, payload)), payload);
}

/**
 * Reads a journal up to its last whole entry: a crash may have torn what follows. Undefined where it is none, or one of
 * another transfer.
 */
export function readJournal(bytes: Uint8Array, header: JournalHeader): JournalState | undefined {
  const expected = encodeJournalHeader(header);
  if (bytes.length < expected.length || expected.some((byte, i) => bytes[i] !== byte)) return undefined;
  const parts = new Map<string, { part: JournalPart; ranges: RangeSet }>();
  const paths = new Map<number, string>();
  const finished = new DigestSet();
  let nextPart = 0;
  let at = expected.length;
  for (let next = entryAt(bytes, at); next; next = entryAt(bytes, at)) {
    const { value } = next;
    if (value.type === 'part') {
      parts.set(value.path, { part: value, ranges: new RangeSet() });
      paths.set(value.number, value.path);
      nextPart = Math.max(nextPart, value.number + 1);
    } else if (value.type === 'finished') finished.addAll(value.digests);
    else {
      const path = paths.get(value.number);
      const found = path === undefined ? undefined : parts.get(path);
      if (found?.part.number !== value.number) break;
      if (value.type === 'over') parts.delete(found.part.path);
      else if (!addRanges(found, value.ranges)) break;
    }
    at = next.end;
  }
  return { parts, finished, nextPart, validBytes: at };
}

function addRanges({ part, ranges }: { part: JournalPart; ranges: RangeSet }, added: Ranges): boolean {
  for (const [from, to] of added) {
    if (from >= to || to > part.size) return false;
    for (const [gapFrom, gapTo] of ranges.missing(from, to)) ranges.claim(gapFrom, gapTo);
  }
  return true;
}

function entryAt(bytes: Uint8Array, at: number): { value: JournalEntry; end: number } | undefined {
  if (bytes.length - at < frameBytes) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, bytes.length - at);
  const length = view.getUint32(0);
  const end = at + frameBytes + length;
  if (length > mostEntryBytes || end > bytes.length) return undefined;
  const payload = bytes.subarray(at + frameBytes, end);
  if (crc32(bytes.subarray(at, at + 4), payload) !== view.getUint32(4)) return undefined;
  try {
    return { value: decodeMessage(entry, payload, mostEntryBytes), end };
  } catch (error) {
    if (error instanceof XferError) return undefined;
    throw error;
  }
}

function u32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
}
