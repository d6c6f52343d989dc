import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32 } from '../../../src/transfer/crc32.js';

describe('CRC-32', () => {
  it.each([
    ['', 0],
    ['a', 0xe8b7be43],
    ['123456789', 0xcbf43926],
    ['The quick brown fox jumps over the lazy dog', 0x414fa339],
  ])('of %j is what others have, too', (text, sum) => {
    expect(crc32(Buffer.from(text))).toBe(sum);
  });

  it.each([
    [0x00, 0x190a55ad],
    [0xff, 0xff6cab0b],
  ])('of 32 bytes of %i is what others have, too', (byte, sum) => {
    expect(crc32(new Uint8Array(32).fill(byte))).toBe(sum);
  });

  it('is the same however the bytes are cut', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(100), (bytes, cut) => {
        expect(crc32(bytes.subarray(0, cut), bytes.subarray(cut))).toBe(crc32(bytes));
      }),
    );
  });
});
