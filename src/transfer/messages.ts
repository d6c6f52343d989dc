import * as v from 'valibot';
import { sessionDefaults, transferDefaults } from '../config/index.js';
import { decodeMessage, encodeMessage } from '../session/schema.js';

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
}

/** Control messages of a transfer. The sender says the first four, the receiver the others, both `abort`. */
export type TransferMessage =
  | { readonly type: 'manifest'; readonly entries: readonly ManifestEntry[] }
  /** These files were read to the end and did not change meanwhile. */
  | { readonly type: 'finished'; readonly ids: readonly number[] }
  /** This file could not be read to the end as declared: nothing of it is to be kept. */
  | { readonly type: 'failed'; readonly id: number }
  /** All that was to be sent: the only thing that ends a transfer. `lanes` gives the sender's records a lane before this one. */
  | {
      readonly type: 'end';
      readonly entries: number;
      readonly files: number;
      readonly bytes: number;
      readonly records: number;
      readonly lanes: readonly (readonly [number, number])[];
    }
  /** The names of a batch were checked and its directories stand: another batch may come. */
  | { readonly type: 'declared'; readonly entries: number }
  /** Records, as ranges [from, to), that are authenticated and written. */
  | { readonly type: 'received'; readonly ranges: readonly (readonly [number, number])[] }
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

/** Compact on the wire: id, kind, path, size, mode, mtime seconds, mtime nanoseconds, link's target. */
const entry = v.pipe(
  v.strictTuple([
    count,
    v.picklist([entryKind.file, entryKind.directory, entryKind.link]),
    text,
    fileSize,
    v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0o777)),
    seconds,
    nanoseconds,
    text,
  ]),
  v.transform(([id, kind, path, size, mode, mtimeSeconds, mtimeNanoseconds, target]): ManifestEntry => ({
    id,
    kind,
    path,
    size,
    mode,
    mtimeSeconds,
    mtimeNanoseconds,
    target,
  })),
);

const most = transferDefaults.manifestBatchEntries;
const message = v.variant('type', [
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
    lanes: v.pipe(v.array(pair), v.maxLength(64)),
  }),
  v.object({ type: v.literal('declared'), entries: count }),
  v.object({ type: v.literal('received'), ranges: v.pipe(v.array(pair), v.maxLength(2048)) }),
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
export function entryBytes(value: ManifestEntry): number {
  return 48 + 3 * (value.path.length + value.target.length);
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
];
