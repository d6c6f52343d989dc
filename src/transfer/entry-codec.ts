import * as v from 'valibot';
import { transferDefaults } from '../config/index.js';

/** Kinds of entries of a manifest; the numbers go on the wire. */
export const entryKind = Object.freeze({ file: 0, directory: 1, link: 2, hardLink: 3 });
export type EntryKindNumber = (typeof entryKind)[keyof typeof entryKind];

/** Name, in namespace `user.`, and value. */
export type Attribute = readonly [name: string, value: Uint8Array];

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
  /** What a link says; of a hard link the path of the entry that it is another name of; else empty. */
  readonly target: string;
  /** 8 bytes that are others when the sender's file is not what it was, else empty. They mean nothing to anybody else. */
  readonly token: Uint8Array;
  /** Bytes that the file takes on the sender's disk, where they are fewer than its size. */
  readonly allocatedBytes?: number | undefined;
  /** Who it belongs to, where the sender tells. */
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined;
  readonly attributes?: readonly Attribute[] | undefined;
}

/** Bytes of an entry's token. */
export const tokenBytes = 8;
/** What 64 bits of nanoseconds hold: the years 1698 to 2242. */
export const mostSeconds = 2 ** 33;
/** Its last record's place is still exact, and so is all arithmetic with it. */
const mostFileBytes = 2 ** 52;
/** Extended attributes of one entry, and bytes of them all. */
const mostAttributes = 256;
export const mostAttributeBytes = 64 * 1024;

/** Whether a receiver takes so many attributes of one entry, and so much in them. */
export const isTellable = (attributes: readonly (readonly [name: string, value: Uint8Array])[]): boolean =>
  attributes.length <= mostAttributes &&
  attributes.reduce((sum, [name, value]) => sum + name.length + value.length, 0) <= mostAttributeBytes;

const mostId = 0xfffffffe;
const more = v.object({
  allocated: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(mostFileBytes))),
  owner: v.optional(v.strictTuple([ownerId(), ownerId()])),
  attributes: v.optional(
    v.pipe(
      v.array(v.strictTuple([v.pipe(v.string(), v.minLength(6), v.maxLength(255)), v.instance(Uint8Array)])),
      v.check((all) => all.every(([name]) => name.startsWith('user.'))),
      v.check((all) => isTellable(all)),
    ),
  ),
});

/** id, kind, path, size, mode, mtime seconds, mtime nanoseconds, target, token, and what few entries have. */
export const entrySchema = v.pipe(
  v.array(v.unknown()),
  v.rawTransform(({ dataset, addIssue, NEVER }): ManifestEntry => {
    const found = toEntry(dataset.value);
    if (found) return found;
    addIssue({ message: 'no entry' });
    return NEVER;
  }),
);

export function encodeEntry(e: ManifestEntry): readonly unknown[] {
  const plain = [e.id, e.kind, e.path, e.size, e.mode, e.mtimeSeconds, e.mtimeNanoseconds, e.target, e.token];
  if (e.allocatedBytes === undefined && !e.owner && !e.attributes) return plain;
  const owner = e.owner && [e.owner.uid, e.owner.gid];
  return [...plain, { allocated: e.allocatedBytes, owner, attributes: e.attributes }];
}

/** What an entry adds to the size of its batch, at most. */
export function entryBytes(e: Pick<ManifestEntry, 'path' | 'target' | 'attributes'>): number {
  let bytes = 96 + 3 * (e.path.length + e.target.length);
  for (const [name, value] of e.attributes ?? []) bytes += 16 + 3 * name.length + value.length;
  return bytes;
}

/** By hand, for there may be a million of them. */
function toEntry(raw: readonly unknown[]): ManifestEntry | undefined {
  if (raw.length !== 9 && raw.length !== 10) return undefined;
  const [id, kind, path, size, mode, mtimeSeconds, mtimeNanoseconds, target, token] = raw;
  const isEntry =
    isCount(id, Number.MAX_SAFE_INTEGER) &&
    isKind(kind) &&
    isText(path) &&
    isCount(size, mostFileBytes) &&
    isCount(mode, 0o777) &&
    typeof mtimeSeconds === 'number' &&
    Number.isInteger(mtimeSeconds) &&
    Math.abs(mtimeSeconds) <= mostSeconds &&
    isCount(mtimeNanoseconds, 999_999_999) &&
    isText(target) &&
    token instanceof Uint8Array &&
    (token.length === 0 || token.length === tokenBytes);
  if (!isEntry) return undefined;
  const plain = { id, kind, path, size, mode, mtimeSeconds, mtimeNanoseconds, target, token };
  if (raw.length === 9) return plain;
  const parsed = v.safeParse(more, raw[9], { abortEarly: true });
  if (!parsed.success) return undefined;
  const { allocated, owner, attributes } = parsed.output;
  return {
    ...plain,
    ...(allocated === undefined ? {} : { allocatedBytes: allocated }),
    ...(owner === undefined ? {} : { owner: { uid: owner[0], gid: owner[1] } }),
    ...(attributes === undefined ? {} : { attributes }),
  };
}

function ownerId() {
  return v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(mostId));
}

function isCount(value: unknown, most: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= transferDefaults.maxPathBytes;
}

function isKind(value: unknown): value is EntryKindNumber {
  return (Object.values(entryKind) as unknown[]).includes(value);
}
