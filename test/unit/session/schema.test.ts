import { encode } from 'cborg';
import fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { shapeEnd } from '../../../src/session/cbor-shape.js';
import {
  boundedArray,
  boundedBytes,
  boundedInteger,
  boundedText,
  decodeMessage,
  encodeMessage,
  exactBytes,
} from '../../../src/session/schema.js';

const refusal = expect.objectContaining({ code: 'ERR_XFER_PROTOCOL' }) as Error;
const schema = v.object({
  name: boundedText(8),
  key: exactBytes(4),
  blob: v.optional(boundedBytes(4)),
  size: boundedInteger(),
  list: boundedArray(boundedInteger(0, 9), 3),
});
const good = { name: 'alice', key: Uint8Array.of(1, 2, 3, 4), size: 2 ** 40, list: [1, 2, 3] };
const read = (message: unknown, maxBytes = 1024) => decodeMessage(schema, encode(message), maxBytes);
const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'));

describe('a control message', () => {
  it('comes out as it went in', () => {
    expect(decodeMessage(schema, encodeMessage({ ...good, blob: undefined }), 1024)).toEqual(good);
  });

  it('loses fields that are not known', () => {
    expect(read({ ...good, later: [{ version: 2 }] })).toEqual(good);
  });

  it.each([
    ['a text of too many bytes', { ...good, name: 'ääääé' }],
    ['bytes of another length', { ...good, key: new Uint8Array(5) }],
    ['too many bytes', { ...good, blob: new Uint8Array(5) }],
    ['a number past 2^53', { ...good, size: 2n ** 53n }],
    ['a negative number', { ...good, size: -1 }],
    ['a fraction', { ...good, size: 0.5 }],
    ['a list that is too long', { ...good, list: [1, 2, 3, 4] }],
    ['an item that is too large', { ...good, list: [10] }],
    ['a missing field', { ...good, list: undefined }],
    ['another type', { ...good, name: 7 }],
    ['a text instead of bytes', { ...good, key: 'abcd' }],
    ['no map at all', 7],
  ])('is refused with %s', (_, message) => {
    expect(() => read(message)).toThrow(refusal);
  });

  it('is refused by its size before anything is decoded', () => {
    expect(() => decodeMessage(schema, new Uint8Array(1025), 1024)).toThrow(refusal);
    expect(() => read(good, encode(good).length)).not.toThrow();
    expect(() => read(good, encode(good).length - 1)).toThrow(refusal);
  });

  it.each([
    ['bytes', '5affffffff'],
    ['bytes, 64-bit', '5bffffffffffffffff'],
    ['text', '7a7fffffff61'],
    ['an array', '9affffffff01'],
    ['an array, 64-bit', '9b001fffffffffffff01'],
    ['a map', 'ba7fffffff6161'],
    ['a map whose count doubles past its bytes', 'a46161016162'],
    ['an array of arrays', '839affffffff'],
  ])('is refused where it lies about the length of %s', (_, hex) => {
    expect(() => shapeEnd(bytes(hex), 16)).toThrow(/claims more/);
    expect(() => decodeMessage(schema, bytes(hex), 1024)).toThrow(refusal);
  });

  it.each([
    ['an indefinite array', '9f01ff'],
    ['indefinite bytes', '5f4101ff'],
    ['an indefinite map', 'bf616101ff'],
    ['a tag', 'c24101'],
    ['a reserved length', '1c'],
    ['a lone break', 'ff'],
    ['a key twice', 'a2616101616102'],
    ['a number that is not in its shortest form', 'a161611801'],
    ['undefined', 'a16161f7'],
    ['not a number', 'a16161f97e00'],
    ['a key that is no text', 'a10101'],
    ['a text that is no UTF-8', 'a1616162fffe'],
    ['a text that begins with a byte order mark', 'a1616164efbbbf61'],
    ['bytes behind its end', 'a000'],
    ['nothing', ''],
    ['an end in the middle of a length', '19ff'],
  ])('is refused with %s', (_, hex) => {
    expect(() => decodeMessage(v.record(v.string(), v.unknown()), bytes(hex), 1024)).toThrow(refusal);
  });

  it('is refused where it is nested too deep, however deep', () => {
    const nested = (depth: number) => bytes(`${'81'.repeat(depth)}01`);
    expect(() => shapeEnd(nested(16), 16)).not.toThrow();
    expect(() => shapeEnd(nested(17), 16)).toThrow(refusal);
    expect(() => decodeMessage(v.unknown(), nested(17), 1024)).toThrow(/nested too deep/);
    expect(() => decodeMessage(v.unknown(), nested(200_000), 262_144)).toThrow(refusal);
  });

  it('cannot reach the prototype of an object', () => {
    const read = decodeMessage(v.looseObject({}), bytes('a1695f5f70726f746f5f5fa1616101'), 64) as object;
    expect('a' in read).toBe(false);
  });

  it('is refused without words of the peer in the error', () => {
    const records = v.record(v.string(), v.number());
    expect(() => decodeMessage(records, encode({ '\u001b[2J\n': 'x' }), 64)).toThrow(/schema at [\w.? ]+$/);
  });

  it('of any bytes is refused with an error of ours or read', () => {
    const any = fc.oneof(
      fc.uint8Array({ maxLength: 64 }),
      fc.anything().map((value) => tryEncode(value)),
    );
    fc.assert(
      fc.property(any, fc.nat(63), fc.nat(255), (message, at, value) => {
        const changed = message.slice(0, 512);
        if (at < changed.length) changed[at] = value;
        try {
          decodeMessage(v.unknown(), changed, 1024);
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_XFER_PROTOCOL' });
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('accepts what its own encoder makes of anything plain', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.maxSafeInteger(), fc.boolean(), fc.uint8Array())),
        (message) => {
          expect(decodeMessage(v.unknown(), encodeMessage(message), 65_536)).toEqual({ ...message });
        },
      ),
    );
  });
});

function tryEncode(value: unknown): Uint8Array {
  try {
    return encode(value);
  } catch {
    return Uint8Array.of(0xa0);
  }
}
