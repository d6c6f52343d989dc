import * as v from 'valibot';
import { sessionDefaults, transferDefaults } from '../config/index.js';
import { decodeMessage, encodeMessage, exactBytes } from '../session/schema.js';

/** Kinds of entries of a manifest; the numbers go on the wire. */
export const entryKind = Object.freeze({ file: 0, directory: 1, link: 2 });
export type EntryKindNumber = (typeof entryKind)[keyof typeof entryKind];

/** One entry of a manifest. Ids count up from 0 through all batches. */
export interface ManifestEntry {
  readonly id: number;
  readonly kind: EntryKindNumber;
  /** Relative, components joined by `/`. */
  readonly path: string;
  /** Bytes of a file, else 0. */
  readonly size: number;
  /** Permission bits, 0 to 0o777. */
  readonly mode: number;
  readonly mtimeSeconds: number;
  readonly mtimeNanoseconds: number;
  /** What a link says, else empty. */
  readonly target: string;
  /** 8 bytes that are others when the sender's file is not what it was, else empty. They mean nothing to anybody else. */
  readonly token: Uint8Array;
}

/** Ranges [from, to). */
export type Ranges = readonly (readonly [from: number, to: number])[];

/** Control messages of a transfer: those of the sender, those of the receiver, `abort` of both. */
export type TransferMessage =
  /** Comes first. `key` is the same whenever the same paths are sent; `resume`: the sender waits for what the receiver has. */
  | { readonly type: 'begin'; readonly key: Uint8Array; readonly resume: boolean }
  | { readonly type: 'manifest'; readonly entries: readonly ManifestEntry[] }
  /** These files were read to the end and did not change meanwhile. */
  | { readonly type: 'finished'; readonly ids: readonly number[] }
  /** This file could not be read as declared: nothing of it is to be kept. */
  | { readonly type: 'failed'; readonly id: number }
  /** There is nothing but zeros in these ranges of a file, and nothing of them is sent. */
  | { readonly type: 'holes'; readonly id: number; readonly ranges: Ranges }
  /** All that was to be sent: the only thing that ends a transfer. */
  | {
      readonly type: 'end';
      readonly entries: number;
      readonly files: number;
      readonly bytes: number;
      readonly records: number;
    }
  /** The names of a batch were checked and its directories stand. `skip`: files that are there already; `have`: what is there of others. */
  | {
      readonly type: 'declared';
      readonly entries: number;
      readonly skip?: readonly number[] | undefined;
      readonly have?: readonly (readonly [id: number, ranges: Ranges])[] | undefined;
    }
  /** Records that are authenticated and written. */
  | { readonly type: 'received'; readonly ranges: Ranges }
  /** Records that did not verify. */
  | { readonly type: 'again'; readonly ranges: Ranges }
  /** So much content is journalled: another try does not send it again. */
  | { readonly type: 'durable'; readonly bytes: number }
  /** This link was not made. */
  | { readonly type: 'left-out'; readonly id: number; readonly reason: string }
  | { readonly type: 'committed'; readonly files: number; readonly bytes: number }
  | { readonly type: 'abort'; readonly wire: number; readonly message: string };

const count = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(Number.MAX_SAFE_INTEGER));
const text = v.pipe(v.string(), v.maxLength(transferDefaults.maxPathBytes));
const nanoseconds = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(999_999_999));
/** Its last record's place is still exact, and so is all arithmetic with it. */
const fileSize = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(2 ** 52));
/** What 64 bits of nanoseconds hold: the years 1698 to 2242. */
export const mostSeconds = 2 ** 33;
const seconds = v.pipe(v.number(), v.integer(), v.minValue(-mostSeconds), v.maxValue(mostSeconds));
const pair = v.strictTuple([count, count]);
const ranges = (mostRanges: number) => v.pipe(v.array(pair), v.maxLength(mostRanges));
/** Bytes of an entry's token. */
export const tokenBytes = 8;
/** Bytes of a transfer's key. */
export const transferKeyBytes = 16;
/** Ranges that are told of one file. */
export const mostHaveRanges = 64;

const mode = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0o777));
const kind = v.picklist([entryKind.file, entryKind.directory, entryKind.link]);
const token = v.pipe(
  v.instance(Uint8Array),
  v.check((value) => value.length === 0 || value.length === tokenBytes),
);

/** Compact on the wire: id, kind, path, size, mode, mtime seconds, mtime nanoseconds, link's target, token. */
const entry = v.pipe(
  v.strictTuple([count, kind, text, fileSize, mode, seconds, nanoseconds, text, token]),
  v.transform(
    ([id, kind, path, size, mode, mtimeSeconds, mtimeNanoseconds, target, token]): ManifestEntry => ({
      id,
      kind,
      path,
      size,
      mode,
      mtimeSeconds,
      mtimeNanoseconds,
      target,
      token,
    }),
  ),
);

const most = transferDefaults.manifestBatchEntries;
const message = v.variant('type', [
  v.object({ type: v.literal('begin'), key: exactBytes(transferKeyBytes), resume: v.boolean() }),
  v.object({
    type: v.literal('manifest'),
    entries: v.pipe(v.array(entry), v.minLength(1), v.maxLength(most)),
  }),
  v.object({ type: v.literal('finished'), ids: v.pipe(v.array(count), v.maxLength(most)) }),
  v.object({ type: v.literal('failed'), id: count }),
  v.object({
    type: v.literal('end'),
    entries: count,
    files: count,
    bytes: count,
    records: count,
  }),
  v.object({ type: v.literal('holes'), id: count, ranges: ranges(1024) }),
  v.object({
    type: v.literal('declared'),
    entries: count,
    skip: v.optional(v.pipe(v.array(count), v.maxLength(most))),
    have: v.optional(v.pipe(v.array(v.strictTuple([count, ranges(mostHaveRanges)])), v.maxLength(most))),
  }),
  v.object({ type: v.literal('received'), ranges: ranges(2048) }),
  v.object({ type: v.literal('again'), ranges: ranges(2048) }),
  v.object({ type: v.literal('durable'), bytes: count }),
  v.object({ type: v.literal('left-out'), id: count, reason: v.pipe(v.string(), v.maxLength(512)) }),
  v.object({ type: v.literal('committed'), files: count, bytes: count }),
  v.object({
    type: v.literal('abort'),
    wire: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0xffff)),
    message: v.pipe(v.string(), v.maxLength(2 * transferDefaults.maxPathBytes)),
  }),
]);

export function encodeTransferMessage(value: TransferMessage): Uint8Array {
  if (value.type !== 'manifest') return encodeMessage(value);
  return encodeMessage({ type: value.type, entries: value.entries.map(compact) });
}

/** Throws ERR_XFER_PROTOCOL. Unknown fields are ignored. */
export function decodeTransferMessage(bytes: Uint8Array): TransferMessage {
  return decodeMessage(message, bytes, sessionDefaults.maxControlBytes);
}

/** What an entry adds to the size of its batch, at most. */
export function entryBytes(value: Pick<ManifestEntry, 'path' | 'target'>): number {
  return 60 + 3 * (value.path.length + value.target.length);
}

const compact = (e: ManifestEntry) => [
  e.id,
  e.kind,
  e.path,
  e.size,
  e.mode,
  e.mtimeSeconds,
  e.mtimeNanoseconds,
  e.target,
  e.token,
];
