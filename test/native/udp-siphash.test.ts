import fc from 'fast-check';
import { expect, it } from 'vitest';
import { describeUdp, udpAddon, udpTwinApi } from './udp-implementations.js';

const key = Uint8Array.from({ length: 16 }, (_, i) => i);
const firstBytes = (count: number): Uint8Array => Uint8Array.from({ length: count }, (_, i) => i);

/** The paper's appendix A has that of 15 bytes; the others are of its authors' reference implementation. */
const vectors: [number, string][] = [
  [0, '310e0edd47db6f72'],
  [1, 'fd67dc93c539f874'],
  [2, '5a4fa9d909806c0d'],
  [3, '2d7efbd796666785'],
  [4, 'b7877127e09427cf'],
  [5, '8da699cd64557618'],
  [6, 'cee3fe586e46c9cb'],
  [7, '37d1018bf50002ab'],
  [8, '6224939a79f5f593'],
  [15, 'e545be4961ca29a1'],
];

describeUdp('SipHash-2-4', ({ sipHash }) => {
  it.each(vectors)('of %i bytes is as published', (count, expected) => {
    expect(Buffer.from(sipHash(key, firstBytes(count))).toString('hex')).toBe(expected);
  });

  it('refuses a key of another length', () => {
    expect(() => sipHash(new Uint8Array(15), key)).toThrow(RangeError);
    expect(() => sipHash('0123456789abcdef' as unknown as Uint8Array, key)).toThrow(TypeError);
  });
});

it.runIf(udpAddon)('is the same in both implementations', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
      fc.uint8Array({ maxLength: 300 }),
      (k, bytes) => {
        expect(udpTwinApi.sipHash(k, bytes)).toEqual(udpAddon!.sipHash(k, bytes));
      },
    ),
  );
});
