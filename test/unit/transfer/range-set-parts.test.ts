import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RangeSet } from '../../../src/transfer/range-set.js';

const numbersOf = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
const place = fc
  .tuple(fc.nat(60), fc.integer({ min: 1, max: 12 }))
  .map(([from, n]) => [from, from + n] as const);

/** A set of ranges, and the numbers that are in it. */
const filled = fc.array(place, { maxLength: 20 }).map((places) => {
  const set = new RangeSet();
  const model = new Set<number>();
  for (const [from, to] of places) if (set.claim(from, to)) for (const n of numbersOf(from, to)) model.add(n);
  return { set, model };
});

const contentOf = (set: RangeSet) => set.ranges.flatMap(([from, to]) => numbersOf(from, to));
const sorted = (model: Set<number>) => [...model].sort((a, b) => a - b);

describe('what is taken out of a set of ranges', () => {
  it('is out, and the rest is in, wherever it lay', () => {
    fc.assert(
      fc.property(filled, fc.nat(), fc.nat(), fc.nat(), ({ set, model }, which, left, right) => {
        fc.pre(set.ranges.length > 0);
        const [from, to] = set.ranges[which % set.ranges.length] ?? [0, 0];
        const start = from + (left % (to - from));
        const end = start + 1 + (right % (to - start));
        set.remove(start, end);
        for (const n of numbersOf(start, end)) model.delete(n);
        expect(contentOf(set)).toEqual(sorted(model));
        expect(set.size).toBe(model.size);
        expect(set.claim(start, end)).toBe(true);
      }),
    );
  });

  it.each([
    ['nothing', 3, 3],
    ['what lies before it', 0, 2],
    ['what lies over its end', 8, 11],
    ['what has a gap in it', 3, 15],
    ['what lies behind it', 30, 31],
  ])('is never %s', (_, from, to) => {
    const set = new RangeSet();
    set.claim(2, 10);
    set.claim(12, 20);
    expect(() => set.remove(from, to)).toThrow(RangeError);
    expect(set.size).toBe(16);
  });

  it('may leave more ranges than could be claimed, since it was in already', () => {
    const set = new RangeSet(1);
    set.claim(0, 10);
    set.remove(4, 5);
    expect(set.ranges).toHaveLength(2);
    expect([set.claim(20, 21), set.claim(4, 5), set.ranges]).toEqual([false, true, [[0, 10]]]);
  });
});

describe('what is missing in a set of ranges', () => {
  it('is what is not in it', () => {
    fc.assert(
      fc.property(filled, place, ({ set, model }, [from, to]) => {
        const gaps = set.missing(from, to);
        expect(gaps.flatMap(([start, end]) => numbersOf(start, end))).toEqual(
          numbersOf(from, to).filter((n) => !model.has(n)),
        );
        for (const [start, end] of gaps) expect(set.claim(start, end)).toBe(true);
        expect(set.missing(from, to)).toEqual([]);
      }),
    );
  });

  it('is all of it where the set is empty, and nothing of nothing', () => {
    expect([new RangeSet().missing(3, 9), new RangeSet().missing(3, 3)]).toEqual([[[3, 9]], []]);
  });
});

describe('the first ranges of a set', () => {
  it('are a set of their own', () => {
    const set = new RangeSet();
    for (const from of [0, 10, 20, 30]) set.claim(from, from + 5);
    const first = set.first(2);
    expect([first.size, first.ranges]).toEqual([
      10,
      [
        [0, 5],
        [10, 15],
      ],
    ]);
    first.claim(5, 10);
    expect([set.size, set.first(9).ranges]).toEqual([20, set.ranges]);
  });
});
