import * as v from 'valibot';
import { sessionDefaults, transferDefaults } from '../config/index.js';
import { decodeMessage, encodeMessage, exactBytes } from '../session/schema.js';
import { encodeEntry, entrySchema, type ManifestEntry } from './entry-codec.js';

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
const pair = v.strictTuple([count, count]);
const ranges = (mostRanges: number) => v.pipe(v.array(pair), v.maxLength(mostRanges));
/** Bytes of a transfer's key. */
export const transferKeyBytes = 16;
/** Ranges that are told of one file. */
export const mostHaveRanges = 64;

const most = transferDefaults.manifestBatchEntries;
const message = v.variant('type', [
  v.object({ type: v.literal('begin'), key: exactBytes(transferKeyBytes), resume: v.boolean() }),
  v.object({
    type: v.literal('manifest'),
    entries: v.pipe(v.array(entrySchema), v.minLength(1), v.maxLength(most)),
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
  return encodeMessage({ type: value.type, entries: value.entries.map(encodeEntry) });
}

/** Throws ERR_XFER_PROTOCOL. Unknown fields are ignored. */
export function decodeTransferMessage(bytes: Uint8Array): TransferMessage {
  return decodeMessage(message, bytes, sessionDefaults.maxControlBytes);
}
