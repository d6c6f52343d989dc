import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sessionDefaults, transferDefaults } from '../../../src/config/index.js';
import { encodeMessage } from '../../../src/session/schema.js';
import { entryBytes, type ManifestEntry } from '../../../src/transfer/entry-codec.js';
import {
  decodeTransferMessage,
  encodeParcel,
  encodeTransferMessage,
  type TransferMessage,
} from '../../../src/transfer/messages.js';
import { failure } from './rogue-kit.js';

const { manifestBatchEntries: mostEntries, maxPathBytes } = transferDefaults;
const largest = Number.MAX_SAFE_INTEGER;
const largestFile = 2 ** 52;
const latest = 2 ** 33;

const decoded = (message: unknown) =>
  decodeTransferMessage(encodeMessage(message as Record<string, unknown>));
const of = (length: number, value: unknown) => Array.from({ length }, () => value);

/** An entry as it is on the wire, with one of its places changed. */
const wire = (place = 0, value: unknown = 0) =>
  [0, 0, 'a', 1, 0o644, 5, 6, '', new Uint8Array(8)].with(place, value as never);
const parcelEntry: ManifestEntry = {
  ...{ id: 0, kind: 0, path: 'a', size: 7, mode: 0o644, mtimeSeconds: 5, mtimeNanoseconds: 6 },
  ...{ target: '', token: new Uint8Array() },
};
const end = { type: 'end', entries: 0, files: 0, bytes: 0, records: 0, remove: false };

const begin = { type: 'begin', key: new Uint8Array(16), resume: false, update: 0, remove: false };
const declared = { type: 'declared', entries: 1 };
const digests = { type: 'digests', id: 0, from: 0, digests: new Uint8Array(0), isLast: true };

describe('a message of a transfer', () => {
  const count = fc.maxSafeNat();
  const text = fc.string({ maxLength: 40, unit: 'grapheme' });
  const pairs = fc.array(fc.tuple(count, count), { maxLength: 8 });
  const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
  const plain = {
    id: count,
    kind: fc.constantFrom(0, 1, 2, 3),
    path: text,
    size: fc.nat({ max: 2 ** 31 - 1 }).map((n) => n * 2 ** 21),
    mode: fc.integer({ min: 0, max: 0o777 }),
    mtimeSeconds: fc.integer({ min: -latest, max: latest }),
    mtimeNanoseconds: fc.integer({ min: 0, max: 999_999_999 }),
    target: text,
    token: fc.constantFrom(0, 8).chain((length) => bytes(length)),
  };
  const keys = Object.keys(plain) as (keyof typeof plain)[];
  const entry = fc.record(
    {
      ...plain,
      allocatedBytes: fc.nat(),
      owner: fc.record({ uid: fc.nat(0xfffffffe), gid: fc.nat(0xfffffffe) }),
      attributes: fc.array(
        fc.tuple(
          text.map((name) => `user.${name}x`),
          fc.uint8Array({ maxLength: 40 }),
        ),
        { maxLength: 3 },
      ),
    },
    { requiredKeys: keys },
  ) as fc.Arbitrary<ManifestEntry>;
  const type = <Type extends TransferMessage['type']>(name: Type) => fc.constant(name);
  const message: fc.Arbitrary<TransferMessage> = fc.oneof(
    fc.record({ type: type('manifest'), entries: fc.array(entry, { minLength: 1, maxLength: 5 }) }),
    fc.record({ type: type('finished'), ids: fc.array(count) }),
    fc.record({ type: type('failed'), id: count }),
    fc.record({
      type: type('end'),
      entries: count,
      files: count,
      bytes: count,
      records: count,
      remove: fc.boolean(),
    }),
    fc.record({
      type: type('begin'),
      key: bytes(16),
      resume: fc.boolean(),
      update: fc.constantFrom(0, 1, 2),
      remove: fc.boolean(),
    }),
    fc.record({ type: type('holes'), id: count, ranges: pairs }),
    fc.record({ type: type('keep'), id: count, ranges: pairs }),
    fc.record({ type: type('compared'), id: count, isSame: fc.boolean() }),
    fc.record({
      type: type('digests'),
      id: count,
      from: count,
      digests: fc.uint8Array({ maxLength: 64 }),
      isLast: fc.boolean(),
    }),
    fc.record({ type: type('declared'), entries: count }),
    fc.record({
      type: type('declared'),
      entries: count,
      skip: fc.array(count, { maxLength: 4 }),
      have: fc.array(fc.tuple(count, pairs), { maxLength: 4 }),
      compare: fc.array(fc.tuple(count, fc.boolean()), { maxLength: 4 }),
    }),
    fc.record({ type: type('again'), ranges: pairs }),
    fc.record({ type: type('durable'), bytes: count }),
    fc.record({ type: type('received'), ranges: pairs }),
    fc.record({ type: type('left-out'), id: count, reason: text }),
    fc.record({ type: type('committed'), files: count, bytes: count }),
    fc.record({
      type: type('parcel'),
      entry,
      content: fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)),
    }),
    fc.record({ type: type('parcelled'), isTaken: fc.boolean() }),
    fc.record({ type: type('abort'), wire: fc.nat(0xffff), message: text }),
  );

  it('is read as it was written', () => {
    fc.assert(
      fc.property(message, (said) => {
        expect(decodeTransferMessage(encodeTransferMessage(said))).toEqual(said);
      }),
    );
  });

  it('of a parcel has the content behind it, where it stands and without a copy', () => {
    const content = Buffer.from('content');
    const said = { type: 'parcel', entry: parcelEntry, content } as const;
    const bytes = encodeTransferMessage(said);
    expect(Buffer.from(bytes).subarray(-content.length)).toEqual(content);
    const read = decodeTransferMessage(bytes);
    if (read.type !== 'parcel') throw new Error('it is another message');
    expect([read.content.buffer === bytes.buffer, read.entry]).toEqual([true, parcelEntry]);
    const memory = Buffer.alloc(600 + content.length);
    content.copy(memory, 600);
    const [lead, placed] = [memory.subarray(0, 600), memory.subarray(600)];
    const there = encodeParcel({ ...said, content: placed, lead });
    expect(there.buffer === memory.buffer).toBe(true);
    expect(Buffer.from(there).equals(bytes)).toBe(true);
    const short = encodeParcel({ ...said, content: placed, lead: memory.subarray(590, 600) });
    expect(Buffer.from(short).equals(bytes)).toBe(true);
    expect(placed.equals(content)).toBe(true);
  });

  it('of a parcel has 128 KiB behind it at most, any other nothing', () => {
    const most = { type: 'parcel', entry: parcelEntry, content: new Uint8Array(128 * 1024) } as const;
    const more = { ...most, content: new Uint8Array(128 * 1024 + 1) };
    expect(decodeTransferMessage(encodeTransferMessage(most))).toMatchObject({ type: 'parcel' });
    expect(() => decodeTransferMessage(encodeTransferMessage(more))).toThrow(failure('ERR_XFER_PROTOCOL'));
    const other = Buffer.concat([encodeTransferMessage({ type: 'pong', number: 1 }), Buffer.from('x')]);
    expect(() => decodeTransferMessage(other)).toThrow('bytes behind its end');
  });

  it('is read without the fields of a later version', () => {
    expect(decoded({ type: 'failed', id: 1, why: 'later', more: [1] })).toEqual({ type: 'failed', id: 1 });
    expect(decoded({ ...end, digest: 'later' })).toEqual(end);
  });

  it('adds to its batch no more than is counted for each entry', () => {
    fc.assert(
      fc.property(fc.array(entry, { minLength: 1, maxLength: 20 }), (entries) => {
        const bytes = encodeTransferMessage({ type: 'manifest', entries }).length;
        const counted = entries.reduce((sum, value) => sum + entryBytes(value), 0);
        expect(bytes).toBeLessThanOrEqual(32 + counted);
      }),
    );
  });

  it('is refused by its size before anything of it is read', () => {
    const tooLarge = new Uint8Array(sessionDefaults.maxControlBytes + 1);
    expect(() => decodeTransferMessage(tooLarge)).toThrow(failure('ERR_XFER_PROTOCOL'));
    expect(() => decodeTransferMessage(tooLarge)).toThrow('more than');
  });
});

describe('the caps of a message', () => {
  it.each<[string, unknown, unknown]>([
    [
      'entries',
      { type: 'manifest', entries: of(mostEntries, wire()) },
      { type: 'manifest', entries: of(mostEntries + 1, wire()) },
    ],
    ['no entries', { type: 'manifest', entries: [wire()] }, { type: 'manifest', entries: [] }],
    [
      'finished ids',
      { type: 'finished', ids: of(mostEntries, 1) },
      { type: 'finished', ids: of(mostEntries + 1, 1) },
    ],
    ['a key', { ...begin, key: new Uint8Array(16) }, { ...begin, key: new Uint8Array(17) }],
    ['an update', { ...begin, update: 2 }, { ...begin, update: 3 }],
    [
      'holes',
      { type: 'holes', id: 0, ranges: of(1024, [0, 1]) },
      { type: 'holes', id: 0, ranges: of(1025, [0, 1]) },
    ],
    [
      'kept ranges',
      { type: 'keep', id: 0, ranges: of(1024, [0, 1]) },
      { type: 'keep', id: 0, ranges: of(1025, [0, 1]) },
    ],
    ['again', { type: 'again', ranges: of(2048, [0, 1]) }, { type: 'again', ranges: of(2049, [0, 1]) }],
    [
      'skipped files',
      { ...declared, skip: of(mostEntries, 1) },
      { ...declared, skip: of(mostEntries + 1, 1) },
    ],
    [
      'files in part',
      { ...declared, have: of(mostEntries, [0, []]) },
      { ...declared, have: of(mostEntries + 1, [0, []]) },
    ],
    [
      'ranges of a file',
      { ...declared, have: [[0, of(64, [0, 1])]] },
      { ...declared, have: [[0, of(65, [0, 1])]] },
    ],
    [
      'compared files',
      { ...declared, compare: of(mostEntries, [0, true]) },
      { ...declared, compare: of(mostEntries + 1, [0, true]) },
    ],
    [
      'digests',
      { ...digests, digests: new Uint8Array(2048 * 16) },
      { ...digests, digests: new Uint8Array(2048 * 16 + 1) },
    ],
    [
      'ranges',
      { type: 'received', ranges: of(2048, [0, 1]) },
      { type: 'received', ranges: of(2049, [0, 1]) },
    ],
    [
      'a reason',
      { type: 'left-out', id: 0, reason: 'r'.repeat(512) },
      { type: 'left-out', id: 0, reason: 'r'.repeat(513) },
    ],
    [
      'an abort',
      { type: 'abort', wire: 0xffff, message: 'm'.repeat(2 * maxPathBytes) },
      { type: 'abort', wire: 1, message: 'm'.repeat(2 * maxPathBytes + 1) },
    ],
    [
      'a wire code',
      { type: 'abort', wire: 0xffff, message: '' },
      { type: 'abort', wire: 0x1_0000, message: '' },
    ],
  ])('hold: %s', (_, most, more) => {
    expect(() => decoded(most)).not.toThrow();
    expect(() => decoded(more)).toThrow(failure('ERR_XFER_PROTOCOL'));
  });

  const id = 0;
  const path = 2;
  const mode = 4;
  const seconds = 5;
  const nanoseconds = 6;
  const target = 7;
  it.each<[string, number, readonly unknown[], readonly unknown[]]>([
    ['id', id, [0, largest], [-1, 1.5, 'a', null, [0], 2 ** 53]],
    ['kind', 1, [0, 1, 2, 3], [4, -1, '0', null]],
    [
      'path',
      path,
      ['', 'a'.repeat(maxPathBytes)],
      ['a'.repeat(maxPathBytes + 1), 1, null, new Uint8Array(1)],
    ],
    ['size', 3, [0, largestFile], [-1, 0.5, '1', largestFile + 1]],
    ['mode', mode, [0, 0o777], [-1, 0o1000, 0o4755, '644']],
    ['seconds', seconds, [-latest, latest], [-latest - 1, latest + 1, 0.5]],
    ['nanoseconds', nanoseconds, [0, 999_999_999], [-1, 1_000_000_000, 0.5]],
    ['target', target, ['', 'a'.repeat(maxPathBytes)], ['a'.repeat(maxPathBytes + 1), 0, null]],
  ])('hold in an entry: %s', (_, place, taken, refused) => {
    for (const value of taken)
      expect(() => decoded({ type: 'manifest', entries: [wire(place, value)] })).not.toThrow();
    for (const value of refused)
      expect(
        () => decoded({ type: 'manifest', entries: [wire(place, value)] }),
        String(value).slice(0, 20),
      ).toThrow(failure('ERR_XFER_PROTOCOL'));
  });

  it.each<[string, unknown]>([
    ['an entry too short', wire().slice(0, 7)],
    ['an entry too long', [...wire(), 1]],
    ['an entry that is a map', { id: 0, kind: 0, path: 'a' }],
  ])('hold: %s', (_, value) => {
    expect(() => decoded({ type: 'manifest', entries: [value] })).toThrow(failure('ERR_XFER_PROTOCOL'));
  });
});

describe('what is no message of a transfer is refused', () => {
  it.each<[string, unknown]>([
    ['no type', {}],
    ['an unknown type', { type: 'rename' }],
    ['a type that is no text', { type: 1 }],
    ['a list', [1, 2]],
    ['a text', 'manifest'],
    ['a number', 5],
    ['nothing', null],
    ['a field left away', { type: 'committed', files: 1 }],
    ['a count that is text', { ...end, files: '1' }],
    ['a count below zero', { ...end, bytes: -1 }],
    ['a count that is a fraction', { type: 'declared', entries: 0.5 }],
    ['a pair of three', { type: 'received', ranges: [[0, 1, 2]] }],
    ['a pair of one', { type: 'received', ranges: [[0]] }],
    ['an id that is a list', { type: 'failed', id: [1] }],
    ['ids that are a number', { type: 'finished', ids: 1 }],
    ['a reason that is bytes', { type: 'left-out', id: 0, reason: new Uint8Array(2) }],
  ])('%s', (_, value) => {
    expect(() => decoded(value)).toThrow(failure('ERR_XFER_PROTOCOL'));
  });

  it('any bytes at all: it is read or refused, never another error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          decodeTransferMessage(bytes);
        } catch (error) {
          expect(error).toEqual(failure('ERR_XFER_PROTOCOL'));
        }
      }),
    );
  });
});
