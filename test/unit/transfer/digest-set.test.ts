import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DigestSet, digestBytes } from '../../../src/transfer/digest-set.js';

const digestOf = (n: number) => createHash('sha256').update(String(n)).digest().subarray(0, digestBytes);
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

describe('a set of digests', () => {
  it('is what a plain set is, also where digests differ in one word alone', () => {
    const word = fc.constantFrom(1, 2, 1024, 1025, 0xffffffff);
    const digest = fc.tuple(word, word, word).map((words) => {
      const bytes = Buffer.alloc(digestBytes);
      for (const [i, value] of words.entries()) bytes.writeUInt32BE(value, 4 * i);
      return bytes;
    });
    fc.assert(
      fc.property(fc.array(digest), fc.array(digest), (added, asked) => {
        const set = new DigestSet();
        const model = new Set(added.map(hex));
        set.addAll(Buffer.concat(added));
        expect(set.size).toBe(model.size);
        for (const one of [...added, ...asked]) expect(set.has(one)).toBe(model.has(hex(one)));
      }),
    );
  });

  it('keeps all of them while it grows, and no others', () => {
    const set = new DigestSet();
    for (let n = 0; n < 20_000; n += 100)
      set.addAll(Buffer.concat(Array.from({ length: 100 }, (_, i) => digestOf(n + i))));
    expect(set.size).toBe(20_000);
    const found = Array.from({ length: 40_000 }, (_, n) => set.has(digestOf(n)));
    expect(found.slice(0, 20_000).every(Boolean)).toBe(true);
    expect(found.slice(20_000).some(Boolean)).toBe(false);
  });

  it('has one that begins with zeros', () => {
    const set = new DigestSet();
    const zeros = new Uint8Array(digestBytes);
    expect(set.has(zeros)).toBe(false);
    set.addAll(zeros);
    expect([set.has(zeros), set.size]).toEqual([true, 1]);
  });

  it('takes no digest that is cut off', () => {
    const set = new DigestSet();
    set.addAll(Buffer.concat([digestOf(1), digestOf(2).subarray(1)]));
    expect([set.size, set.has(digestOf(1))]).toEqual([1, true]);
  });

  it('reads digests anywhere in a buffer', () => {
    const set = new DigestSet();
    set.addAll(Buffer.concat([Buffer.alloc(3), digestOf(7)]).subarray(3));
    expect(set.has(digestOf(7))).toBe(true);
  });
});
