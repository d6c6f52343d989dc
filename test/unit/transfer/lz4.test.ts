import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compress, compressedLayout, decompress, hasLz4, plainLength } from '../../../src/transfer/lz4.js';
import { packedLayout } from '../../../src/transfer/pack-layout.js';

const MiB = 2 ** 20;

/** A body that declares so many bytes, and a block. */
function body(declared: number, block: Uint8Array): Buffer {
  const bytes = Buffer.alloc(4 + block.length);
  bytes.writeUInt32LE(declared, 0);
  bytes.set(block, 4);
  return bytes;
}

/** The LZ4 block format's one token for up to 14 bytes as they are. */
const literals = (text: string) => Buffer.concat([Buffer.of(text.length << 4), Buffer.from(text)]);

it('is on this machine, and its layout is not that of packs', () => {
  expect(hasLz4()).toBe(true);
  expect(compressedLayout & packedLayout).toBe(0);
});

describe('what was compressed', () => {
  it('is its length and a block, and comes out as it went in', async () => {
    for (const plain of [Buffer.alloc(MiB, 'abc'), randomBytes(100_000), Buffer.of(0), randomBytes(MiB)]) {
      const small = await compress(plain);
      expect(plainLength(small, MiB)).toBe(plain.length);
      expect(plain.equals((await decompress(small, plain.length)) ?? Buffer.alloc(0))).toBe(true);
    }
  });

  it('is what the format says, so that others can read it', async () => {
    expect(await decompress(body(5, literals('plain')), 5)).toEqual(Buffer.from('plain'));
    // Two literals, then eight bytes from two before, then the five that a block ends with (LZ4 block format, "End of block").
    const repeated = Buffer.concat([Buffer.of(0x24), Buffer.from('ab'), Buffer.of(2, 0), literals('12345')]);
    expect(await decompress(body(15, repeated), 15)).toEqual(Buffer.from('ababababab12345'));
  });

  it('is read from the middle of a larger buffer', async () => {
    const small = await compress(Buffer.alloc(5000, 'x'));
    const whole = Buffer.concat([Buffer.alloc(9, 0xff), small, Buffer.alloc(9, 0xff)]).subarray(9, -9);
    expect(plainLength(whole, MiB)).toBe(5000);
    expect(await decompress(whole, 5000)).toEqual(Buffer.alloc(5000, 'x'));
  });
});

describe('the length of a body', () => {
  it.each([
    [0, undefined],
    [1, 1],
    [MiB, MiB],
    [MiB + 1, undefined],
    [0x7fffffff, undefined],
    [0xffffffff, undefined],
  ])('that declares %d is %d', (declared, expected) => {
    expect(plainLength(body(declared, Buffer.of(0)), MiB)).toBe(expected);
  });

  it('is none where no block follows', () => {
    for (const bytes of [0, 1, 3, 4])
      expect(plainLength(new Uint8Array(bytes).fill(1), 2 ** 32)).toBeUndefined();
  });
});

describe('a body that is not what it says', () => {
  it.each<[string, Buffer, number]>([
    ['fewer bytes', body(6, literals('plain')), 6],
    ['more bytes', body(4, literals('plain')), 4],
    ['an empty block', body(5, Buffer.of(0)), 5],
    ['literals that are cut off', body(14, Buffer.of(14 << 4, 1, 2)), 14],
    ['a copy from before the beginning', body(20, Buffer.of(0x14, 65, 255, 255, 0x50, 1, 2, 3, 4, 5)), 20],
    ['a copy from nowhere', body(20, Buffer.of(0x14, 65, 0, 0, 0x50, 1, 2, 3, 4, 5)), 20],
    ['a length that never ends', body(MiB, Buffer.alloc(5000, 0xff)), MiB],
    ['nothing at all', Buffer.alloc(0), 5],
  ])('is none: %s', async (_, bytes, plainBytes) => {
    expect(await decompress(bytes, plainBytes)).toBeUndefined();
  });

  it('is none or as long as it says, whatever follows', async () => {
    const block = fc.uint8Array({ minLength: 1, maxLength: 64 });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 100 }), block, async (declared, bytes) => {
        const plain = await decompress(body(declared, bytes), declared);
        return plain === undefined || plain.length === declared;
      }),
    );
  });

  it('is none or as long as it was where a bit is changed', async () => {
    const small = await compress(
      Buffer.from('a file of some words, and of some words again, of words '.repeat(20)),
    );
    const plainBytes = small.readUInt32LE(0);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 4, max: small.length - 1 }), fc.nat(7), async (at, bit) => {
        const changed = Buffer.from(small);
        changed[at] = (changed[at] ?? 0) ^ (1 << bit);
        const plain = await decompress(changed, plainBytes);
        return plain === undefined || plain.length === plainBytes;
      }),
    );
  });
});
