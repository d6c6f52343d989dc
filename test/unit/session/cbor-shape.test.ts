import { encode } from 'cborg';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shapeEnd } from '../../../src/session/cbor-shape.js';

const maxDepth = 16;
const refusal = (why: string) =>
  expect.objectContaining({ code: 'ERR_XFER_PROTOCOL', message: `a control message ${why}` }) as Error;
const check = (hex: string) => () => shapeEnd(Buffer.from(hex, 'hex'), maxDepth);
/** So many arrays inside each other. */
const nested = (depth: number) => `${'81'.repeat(depth)}00`;

const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.uint8Array({ maxLength: 300 }), fc.constant(null)),
    fc.array(tie('tree'), { maxLength: 5 }),
    fc.dictionary(fc.string({ maxLength: 30 }), tie('tree'), { maxKeys: 5 }),
  ),
}));

describe('the shape of a control message', () => {
  it('ends where whatever is encoded does, and is wrong for every beginning of it', () => {
    fc.assert(
      fc.property(tree, fc.nat(), (value, cut) => {
        const bytes = encode(value);
        expect(shapeEnd(bytes, maxDepth)).toBe(bytes.length);
        expect(() => shapeEnd(bytes.subarray(0, cut % bytes.length), maxDepth)).toThrow(/^a control message/);
        expect(shapeEnd(Buffer.concat([bytes, Uint8Array.of(0)]), maxDepth)).toBe(bytes.length);
      }),
    );
  });

  it.each([
    ['a tag', 'c000', 'has a tag'],
    ['a tag of eight bytes', 'db000000000000000100', 'has a tag'],
    ['a tag inside a map', 'a16161c100', 'has a tag'],
    ['text of no end', '7f6161ff', 'has an indefinite or reserved length'],
    ['an array of no end', '9f00ff', 'has an indefinite or reserved length'],
    ['a length of the reserved kind', '1c', 'has an indefinite or reserved length'],
    ['more bytes than there are', '4200', 'claims more bytes than it has'],
    ['2^32 bytes', '5affffffff', 'claims more bytes than it has'],
    ['2^64 bytes', '5bffffffffffffffff', 'claims more bytes than it has'],
    ['2^64 items', '9bffffffffffffffff', 'claims more items than it has bytes'],
    ['2^63 pairs', 'bb8000000000000000', 'claims more items than it has bytes'],
    ['half a pair', 'a100', 'claims more items than it has bytes'],
    ['half a length', '1900', 'ends too early'],
    ['nothing', '', 'ends too early'],
  ])('is refused with %s', (_, hex, why) => {
    expect(check(hex)).toThrow(refusal(why));
  });

  it('may be so deep and no deeper, and not a million levels either', () => {
    expect(check(nested(maxDepth))).not.toThrow();
    expect(check(nested(maxDepth + 1))).toThrow(refusal('is nested too deep'));
    expect(check(nested(1_000_000))).toThrow(refusal('is nested too deep'));
  });
});
