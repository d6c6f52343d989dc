import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RangeSet } from '../../../../plugins/udp/src/core/range-set.js';
import { ReceivedNumbers } from '../../../../plugins/udp/src/core/received-numbers.js';

const ranges = fc.array(fc.tuple(fc.nat(60), fc.nat(12)), { maxLength: 40 });

const listOf = (set: RangeSet): number[][] =>
  Array.from({ length: set.count }, (_, index) => [set.from(index), set.to(index)]);

function setOf(values: Iterable<number>): RangeSet {
  const set = new RangeSet();
  for (const value of values) set.add(value, value + 1);
  return set;
}

describe('a set of ranges', () => {
  it('is the set of its integers, in as few ranges as can be', () => {
    fc.assert(
      fc.property(ranges, fc.nat(70), fc.nat(12), (added, at, length) => {
        const set = new RangeSet();
        const plain = new Set<number>();
        for (const [from, count] of added) {
          const before = plain.size;
          for (let value = from; value < from + count; value++) plain.add(value);
          expect(set.add(from, from + count)).toBe(plain.size - before);
        }
        const sorted = [...plain].sort((x, y) => x - y);
        const starts = sorted.filter((value) => !plain.has(value - 1));
        const ends = sorted.filter((value) => !plain.has(value + 1));
        expect(listOf(set)).toEqual(starts.map((from, index) => [from, ends[index]! + 1]));
        const asked = Array.from({ length }, (_, index) => at + index);
        expect(set.covers(at, at + length)).toBe(asked.every((value) => plain.has(value)));
        set.remove(at, at + length);
        for (const value of asked) plain.delete(value);
        expect(listOf(set)).toEqual(listOf(setOf(plain)));
        set.removeBelow(at);
        const left = [...plain].filter((value) => value >= at).sort((x, y) => x - y);
        expect(listOf(set).reduce((sum, [from, to]) => sum + to! - from!, 0)).toBe(left.length);
        expect(set.takeFirst(3)?.from).toBe(left[0]);
      }),
      { seed: 11 },
    );
  });
});

describe('received numbers', () => {
  it('are new once, whatever their order, as long as their ranges are kept', () => {
    fc.assert(
      fc.property(ranges, (added) => {
        const numbers = new ReceivedNumbers(100);
        const plain = new Set<number>();
        for (const [from, count] of added) {
          const all = Array.from({ length: count + 1 }, (_, index) => from + 1 + index);
          expect(numbers.has(from + 1, count + 1)).toBe(all.every((value) => plain.has(value)));
          const before = plain.size;
          for (const value of all) plain.add(value);
          expect(numbers.add(from + 1, count + 1)).toBe(plain.size - before);
          expect(numbers.largest).toBe(Math.max(...plain));
          expect(numbers.last(0)).toBe(numbers.largest);
        }
      }),
      { seed: 12 },
    );
  });

  it('below the ranges that are kept count as received', () => {
    const numbers = new ReceivedNumbers(2);
    for (const number of [1, 5, 9]) numbers.add(number, 1);
    expect([numbers.ranges, numbers.has(3, 1), numbers.has(4, 1), numbers.has(6, 1)]).toEqual([
      2,
      false,
      false,
      false,
    ]);
    expect([numbers.has(1, 1), numbers.has(2, 1)]).toEqual([true, false]);
    expect(numbers.add(13, 1)).toBe(1);
    expect([numbers.has(5, 1), numbers.has(2, 4), numbers.has(6, 1)]).toEqual([true, true, false]);
    numbers.forget(13);
    expect([numbers.ranges, numbers.first(0), numbers.last(0), numbers.has(12, 1)]).toEqual([
      1,
      13,
      13,
      true,
    ]);
  });
});
