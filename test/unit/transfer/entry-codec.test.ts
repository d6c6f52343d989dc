import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import {
  encodeEntry,
  entrySchema,
  mostAttributeBytes,
  type ManifestEntry,
} from '../../../src/transfer/entry-codec.js';
import { decodeTransferMessage, encodeTransferMessage } from '../../../src/transfer/messages.js';
import { entry } from './transfer-kit.js';

const plain: readonly unknown[] = [0, 0, 'a', 1, 0o644, 5, 6, '', new Uint8Array(8)];
const read = (raw: unknown) => v.safeParse(entrySchema, raw);
const taken = (more: unknown) => read([...plain, more]).success;
const attribute = (name: string, bytes = 0): [string, Uint8Array] => [name, new Uint8Array(bytes)];

/** As it comes out at the other side. */
function overTheWire(sent: ManifestEntry): ManifestEntry | undefined {
  const message = decodeTransferMessage(encodeTransferMessage({ type: 'manifest', entries: [sent] }));
  return message.type === 'manifest' ? message.entries[0] : undefined;
}

describe('an entry on the wire', () => {
  it('has nine places where there is nothing more to say, and ten otherwise', () => {
    const bare = entry(3, 'a/b', { size: 7 });
    expect(encodeEntry(bare)).toHaveLength(9);
    expect(encodeEntry({ ...bare, allocatedBytes: 0 })).toHaveLength(10);
    expect(encodeEntry({ ...bare, owner: { uid: 0, gid: 0 } })).toHaveLength(10);
    expect(encodeEntry({ ...bare, attributes: [] })).toHaveLength(10);
  });

  it.each<[string, Partial<ManifestEntry>]>([
    ['nothing more', {}],
    ['less on disk than it is long', { size: 100, allocatedBytes: 0 }],
    ['an owner', { owner: { uid: 0, gid: 0xfffffffe } }],
    [
      'attributes',
      {
        attributes: [
          ['user.a', Uint8Array.of(1, 2)],
          ['user.b', new Uint8Array()],
        ],
      },
    ],
    ['all of it', { allocatedBytes: 5, owner: { uid: 1, gid: 2 }, attributes: [attribute('user.é', 3)] }],
  ])('comes out with what went in: %s', (_, more) => {
    const sent = entry(1, 'ä', more);
    expect(overTheWire(sent)).toEqual(sent);
    expect(Object.keys(overTheWire(sent) ?? {}).toSorted()).toEqual(Object.keys(sent).toSorted());
  });

  it('may have a tenth place that says nothing, or what nobody knows yet', () => {
    for (const more of [{}, { later: 1 }, { owner: undefined }])
      expect(read([...plain, more])).toMatchObject({ success: true, output: { path: 'a' } });
    const found = read([...plain, { later: 1 }]);
    expect(found.success && Object.keys(found.output)).toEqual(Object.keys(entry(0, 'a')));
  });

  it.each<[string, unknown]>([
    ['eight places', plain.slice(0, 8)],
    ['eleven', [...plain, {}, {}]],
    ['a number for its tenth', [...plain, 1]],
    ['nothing for its tenth', [...plain, null]],
    ['a token of seven bytes', plain.with(8, new Uint8Array(7))],
    ['a token of nine bytes', plain.with(8, new Uint8Array(9))],
    ['a token that is a text', plain.with(8, '12345678')],
    ['a kind that is a text', plain.with(1, '1')],
    ['a kind that is a name', plain.with(1, 'file')],
    ['a size that is a bigint', plain.with(3, 1n)],
    ['a size that is no number', plain.with(3, NaN)],
    ['a time without an end', plain.with(5, Infinity)],
  ])('is refused with %s', (_, raw) => {
    expect(read(raw).success).toBe(false);
  });

  it.each([0, 1, 2, 3])('may be of kind %d, with a token or without', (kind) => {
    expect(read(plain.with(1, kind)).success).toBe(true);
    expect(read(plain.with(1, kind).with(8, new Uint8Array())).success).toBe(true);
  });
});

describe('what few entries have', () => {
  it.each<[string, readonly unknown[], readonly unknown[]]>([
    ['allocated', [0, 2 ** 52], [-1, 2 ** 52 + 1, 0.5, NaN, '1', null]],
    [
      'owner',
      [[0, 0xfffffffe]],
      [[0, 0xffffffff], [0xffffffff, 0], [-1, 0], [0, 0.5], [0], [0, 0, 0], null, 0],
    ],
  ])('has bounds: %s', (name, right, wrong) => {
    for (const value of right) expect(taken({ [name]: value }), String(value)).toBe(true);
    for (const value of wrong) expect(taken({ [name]: value }), String(value)).toBe(false);
  });

  it.each<[string, readonly unknown[], boolean]>([
    ['256 of them', Array.from({ length: 256 }, (_, i) => attribute(`user.${i}`)), true],
    ['257 of them', Array.from({ length: 257 }, (_, i) => attribute(`user.${i}`)), false],
    ['a name of 255 characters', [attribute('user.'.padEnd(255, 'n'))], true],
    ['a name of 256 characters', [attribute('user.'.padEnd(256, 'n'))], false],
    ['a name that is its namespace alone', [attribute('user.')], false],
    ['another namespace', [attribute('user.a'), attribute('security.capability')], false],
    ['a namespace that begins like it', [attribute('users.a')], false],
    ['64 KiB with their names', [attribute('user.a', mostAttributeBytes - 6)], true],
    ['a byte more', [attribute('user.a', mostAttributeBytes - 5)], false],
    ['64 KiB and a byte in two', [attribute('user.a', 32_768), attribute('user.b', 32_757)], false],
    ['a name alone', [['user.a']], false],
    ['a name, a value and more', [[...attribute('user.a'), 0]], false],
    ['a value that is a text', [['user.a', 'text']], false],
    ['a name that is none', [[5, new Uint8Array()]], false],
  ])('has bounds: attributes, %s', (_, attributes, isTaken) => {
    expect(taken({ attributes })).toBe(isTaken);
  });

  it('is refused as a map of attributes', () => {
    expect(taken({ attributes: { 'user.a': new Uint8Array() } })).toBe(false);
  });
});
