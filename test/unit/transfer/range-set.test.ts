import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RangeSet } from '../../../src/transfer/range-set.js';

const range = fc
  .tuple(fc.nat(60), fc.integer({ min: 1, max: 12 }))
  .map(([from, n]) => [from, from + n] as const);
const numbersOf = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

describe('a set of ranges', () => {
  it('is what a plain set of numbers is, claim after claim', () => {
    fc.assert(
      fc.property(fc.array(range, { maxLength: 40 }), (claims) => {
        const ranges = new RangeSet();
        const model = new Set<number>();
        for (const [from, to] of claims) {
          const isFree = numbersOf(from, to).every((n) => !model.has(n));
          expect(ranges.claim(from, to)).toBe(isFree);
          if (isFree) for (const n of numbersOf(from, to)) model.add(n);
          expect(ranges.size).toBe(model.size);
        }
        for (const n of numbersOf(0, 80)) expect(ranges.has(n)).toBe(model.has(n));
        expect(ranges.ranges.flatMap(([from, to]) => numbersOf(from, to))).toEqual(
          [...model].sort((a, b) => a - b),
        );
      }),
    );
  });

  it('joins ranges that touch, so that no two do', () => {
    fc.assert(
      fc.property(fc.array(range, { maxLength: 40 }), (claims) => {
        const set = new RangeSet();
        for (const [from, to] of claims) set.claim(from, to);
        set.ranges.reduce((end, [from, to]) => {
          expect(from).toBeGreaterThan(end);
          expect(to).toBeGreaterThan(from);
          return to;
        }, -1);
      }),
    );
  });

  it('is one range for what comes in any order without a gap', () => {
    const order = fc.shuffledSubarray(numbersOf(0, 30), { minLength: 30 });
    fc.assert(
      fc.property(order, (numbers) => {
        const set = new RangeSet();
        for (const n of numbers) expect(set.claim(n * 10, n * 10 + 10)).toBe(true);
        expect(set.ranges).toEqual([[0, 300]]);
      }),
    );
  });

  it('gives all that it has and is empty then', () => {
    const set = new RangeSet();
    set.claim(5, 7);
    set.claim(1, 2);
    expect(set.take()).toEqual([
      [1, 2],
      [5, 7],
    ]);
    expect([set.size, set.ranges, set.has(5)]).toEqual([0, [], false]);
    expect(set.claim(5, 7)).toBe(true);
  });

  it('refuses what would leave more ranges than it may have, and still takes what closes a gap', () => {
    const set = new RangeSet(2);
    expect([set.claim(0, 1), set.claim(2, 3), set.claim(4, 5)]).toEqual([true, true, false]);
    expect([set.size, set.has(4)]).toEqual([2, false]);
    expect([set.claim(3, 4), set.claim(1, 2), set.claim(9, 10)]).toEqual([true, true, true]);
    expect(set.ranges).toEqual([
      [0, 4],
      [9, 10],
    ]);
  });

  it('counts to the largest exact number', () => {
    const last = Number.MAX_SAFE_INTEGER;
    const set = new RangeSet();
    expect(set.claim(last - 1, last)).toBe(true);
    expect([set.claim(last - 1, last), set.has(last - 1), set.has(last - 2)]).toEqual([false, true, false]);
  });
});
