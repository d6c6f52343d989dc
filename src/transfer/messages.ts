import * as v from 'valibot';
import { sessionDefaults, transferDefaults } from '../config/index.js';
import { cipher, type Cipher } from '../native/api.js';
import { groupEpochBytes, groupKeyBytes } from '../session/group-keys.js';
import { mostGroupRecords, recordDigestBytes } from '../session/group-lane.js';
import { boundedBytes, decodeHead, encodeMessage, exactBytes, hasMore } from '../session/schema.js';
import { blockDigestBytes, mostBlockDigests } from './block-digests.js';
import type { ReceiverWaits, SenderWaits } from './bottleneck.js';
import { encodeEntry, entrySchema, type ManifestEntry } from './entry-codec.js';

/** How the sender wants files treated that are there already. */
export const updateMode = Object.freeze({ none: 0, stamp: 1, digest: 2 });

/** Ranges [from, to). */
export type Ranges = readonly (readonly [from: number, to: number])[];

/** Control messages of a transfer: those of the sender, those of the receiver, `ungroup` and `abort` of both. */
export type TransferMessage =
  /** Comes first. `key` is the same whenever the same paths are sent; `resume`: the sender waits for what the receiver has. */
  | {
      readonly type: 'begin';
      readonly key: Uint8Array;
      readonly resume: boolean;
      readonly update: number;
      readonly remove: boolean;
    }
  | { readonly type: 'manifest'; readonly entries: readonly ManifestEntry[] }
  /** These files were read to the end and did not change meanwhile. */
  | { readonly type: 'finished'; readonly ids: readonly number[] }
  /** This file could not be read as declared: nothing of it is to be kept. */
  | { readonly type: 'failed'; readonly id: number }
  /** What follows comes sealed once for several receivers, on the lane of this number: `groupKeys` of these opens it. */
  | {
      readonly type: 'group';
      readonly lane: number;
      readonly epoch: Uint8Array;
      readonly key: Uint8Array;
      readonly cipher: Cipher;
    }
  /** SHA-256 of the group's sealed records from number `from` on, 32 bytes each: none counts without. */
  | { readonly type: 'sealed'; readonly from: number; readonly digests: Uint8Array }
  /** Of both: nothing more of the group is for this receiver. What it lacks comes in another way. */
  | { readonly type: 'ungroup'; readonly lane: number }
  /** There is nothing but zeros in these ranges of a file, and nothing of them is sent. */
  | { readonly type: 'holes'; readonly id: number; readonly ranges: Ranges }
  /** These ranges of a file that is compared are the same on both sides, and are not sent. */
  | { readonly type: 'keep'; readonly id: number; readonly ranges: Ranges }
  /** What was not kept of it is sent; `isSame`: nothing, for the file that stands there is the same. */
  | { readonly type: 'compared'; readonly id: number; readonly isSame: boolean }
  /** All that was to be sent: the only thing that ends a transfer. */
  | {
      readonly type: 'end';
      readonly entries: number;
      readonly files: number;
      readonly bytes: number;
      readonly records: number;
      /** All that there is was offered: what else stands in these directories may go. */
      readonly remove: boolean;
      /** What held the sender up, for who wants to say so. */
      readonly waits?: SenderWaits | undefined;
    }
  /** The names of a batch were checked and its directories stand. `skip`: files that are there already; `have`: what is there of others. */
  | {
      readonly type: 'declared';
      readonly entries: number;
      readonly skip?: readonly number[] | undefined;
      readonly have?: readonly (readonly [id: number, ranges: Ranges])[] | undefined;
      /** Files of which something is there that may be the same: digests follow. */
      readonly compare?: readonly (readonly [id: number, mayBeSame: boolean])[] | undefined;
    }
  /** Of the blocks from number `from` on, 16 bytes each: all zeros where there is none. */
  | {
      readonly type: 'digests';
      readonly id: number;
      readonly from: number;
      readonly digests: Uint8Array;
      readonly isLast: boolean;
    }
  /** The group's lane is there, and can be opened. */
  | { readonly type: 'grouped'; readonly lane: number }
  /** Records that are authenticated and written. */
  | { readonly type: 'received'; readonly ranges: Ranges }
  /** Records that did not verify. */
  | { readonly type: 'again'; readonly ranges: Ranges }
  /** So much content is journalled: another try does not send it again. */
  | { readonly type: 'durable'; readonly bytes: number }
  /** This link was not made. */
  | { readonly type: 'left-out'; readonly id: number; readonly reason: string }
  | {
      readonly type: 'committed';
      readonly files: number;
      readonly bytes: number;
      readonly waits?: ReceiverWaits | undefined;
    }
  /** Between two transfers: a file by itself, all of it. `isTaken`: it stands under its name; else nothing has happened. */
  | { readonly type: 'parcel'; readonly entry: ManifestEntry; readonly content: Uint8Array }
  | { readonly type: 'parcelled'; readonly isTaken: boolean }
  /** Between two transfers: whether the receiver is still there, and its answer with the same number. */
  | { readonly type: 'ping'; readonly number: number }
  | { readonly type: 'pong'; readonly number: number }
  | { readonly type: 'abort'; readonly wire: number; readonly message: string };

export interface Parcel {
  /** Of a file, with the id 0, no `/` in its path and an empty token. */
  readonly entry: ManifestEntry;
  /** As many bytes as the entry has. */
  readonly content: Uint8Array;
  /** Memory directly before that of the content, which may be written to: the message is made there, without a copy. Default: none. */
  readonly lead?: Uint8Array | undefined;
}

const count = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(Number.MAX_SAFE_INTEGER));
const pair = v.strictTuple([count, count]);
const ranges = (mostRanges: number) => v.pipe(v.array(pair), v.maxLength(mostRanges));
/** Bytes of a transfer's key. */
export const transferKeyBytes = 16;
/** Ranges that are told of one file. */
export const mostHaveRanges = 64;

const most = transferDefaults.manifestBatchEntries;
const schemas = [
  v.object({
    type: v.literal('begin'),
    key: exactBytes(transferKeyBytes),
    resume: v.boolean(),
    update: v.picklist([0, 1, 2]),
    remove: v.boolean(),
  }),
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
    remove: v.boolean(),
    waits: v.optional(
      v.object({
        ...{ source: count, seal: count, network: count, window: count, limit: count },
        ...{ totalMs: count, readMs: count, sealMs: count, loopMs: count },
      }),
    ),
  }),
  v.object({
    type: v.literal('group'),
    lane: count,
    epoch: exactBytes(groupEpochBytes),
    key: exactBytes(groupKeyBytes),
    cipher: v.picklist(Object.values(cipher)),
  }),
  v.object({
    type: v.literal('sealed'),
    from: count,
    digests: boundedBytes(mostGroupRecords * recordDigestBytes),
  }),
  v.object({ type: v.literal('grouped'), lane: count }),
  v.object({ type: v.literal('ungroup'), lane: count }),
  v.object({ type: v.literal('holes'), id: count, ranges: ranges(1024) }),
  v.object({ type: v.literal('keep'), id: count, ranges: ranges(1024) }),
  v.object({ type: v.literal('compared'), id: count, isSame: v.boolean() }),
  v.object({
    type: v.literal('digests'),
    id: count,
    from: count,
    digests: boundedBytes(mostBlockDigests * blockDigestBytes),
    isLast: v.boolean(),
  }),
  v.object({
    type: v.literal('declared'),
    entries: count,
    skip: v.optional(v.pipe(v.array(count), v.maxLength(most))),
    compare: v.optional(v.pipe(v.array(v.strictTuple([count, v.boolean()])), v.maxLength(most))),
    have: v.optional(v.pipe(v.array(v.strictTuple([count, ranges(mostHaveRanges)])), v.maxLength(most))),
  }),
  v.object({ type: v.literal('received'), ranges: ranges(2048) }),
  v.object({ type: v.literal('again'), ranges: ranges(2048) }),
  v.object({ type: v.literal('durable'), bytes: count }),
  v.object({ type: v.literal('left-out'), id: count, reason: v.pipe(v.string(), v.maxLength(512)) }),
  v.object({
    type: v.literal('committed'),
    files: count,
    bytes: count,
    waits: v.optional(v.object({ heldMs: count, openMs: count, writeMs: count, loopMs: count })),
  }),
  v.object({ type: v.literal('parcel'), entry: entrySchema }),
  v.object({ type: v.literal('parcelled'), isTaken: v.boolean() }),
  v.object({ type: v.literal('ping'), number: count }),
  v.object({ type: v.literal('pong'), number: count }),
  v.object({
    type: v.literal('abort'),
    wire: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0xffff)),
    message: v.pipe(v.string(), v.maxLength(2 * transferDefaults.maxPathBytes)),
  }),
] as const;

const schemaOf = new Map<unknown, (typeof schemas)[number]>(
  schemas.map((schema) => [schema.entries.type.literal, schema]),
);
const unknownType = v.object({ type: v.picklist(schemas.map((schema) => schema.entries.type.literal)) });

/** As its map has it: the content of a parcel stands behind that. */
type Headed =
  | Exclude<TransferMessage, { readonly type: 'parcel' }>
  | { readonly type: 'parcel'; readonly entry: ManifestEntry };

/** By its type at once: a variant tries one schema after the other. */
const message = v.lazy((input) => {
  const type = typeof input === 'object' && input !== null && 'type' in input ? input.type : undefined;
  return schemaOf.get(type) ?? unknownType;
}) as v.GenericSchema<unknown, Headed>;

export function encodeTransferMessage(value: TransferMessage): Uint8Array {
  if (value.type === 'parcel') return encodeParcel(value);
  if (value.type !== 'manifest') return encodeMessage(value);
  return encodeMessage({ type: value.type, entries: value.entries.map(encodeEntry) });
}

/** Throws ERR_XFER_PROTOCOL. Unknown fields are ignored. The content of a parcel stands in `bytes`; nothing else does. */
export function decodeTransferMessage(bytes: Uint8Array): TransferMessage {
  const { message: head, rest } = decodeHead(message, bytes, sessionDefaults.maxControlBytes);
  if (rest.length > (head.type === 'parcel' ? transferDefaults.maxParcelBytes : 0)) throw hasMore();
  return head.type === 'parcel' ? { ...head, content: rest } : head;
}

/** A message: the map, and the content behind it. */
export function encodeParcel({ entry, content, lead }: Parcel): Uint8Array {
  const head = encodeMessage({ type: 'parcel', entry: encodeEntry(entry) });
  if (!lead || lead.length < head.length) return Buffer.concat([head, content]);
  lead.set(head, lead.length - head.length);
  return Buffer.from(content.buffer, content.byteOffset - head.length, head.length + content.length);
}
