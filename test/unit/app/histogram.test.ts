import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Histogram } from '../../../src/app/histogram.js';

const of = (values: readonly number[]): Histogram => {
  const histogram = new Histogram();
  for (const value of values) histogram.add(value);
  return histogram;
};

describe('a histogram of times', () => {
  it('has the exact least, most and average, and quantiles within 0.8 %', () => {
    const times = fc.array(fc.double({ min: 0.01, max: 6e7, noNaN: true }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(times, fc.double({ min: 0, max: 1, noNaN: true }), (values, share) => {
        const histogram = of(values);
        const sorted = [...values].sort((one, other) => one - other);
        expect(histogram.count).toBe(values.length);
        expect(histogram.leastUs).toBe(sorted[0]);
        expect(histogram.mostUs).toBe(sorted.at(-1));
        expect(histogram.averageUs).toBeCloseTo(values.reduce((sum, one) => sum + one, 0) / values.length, 3);
        const exact = sorted[Math.max(1, Math.ceil(share * sorted.length)) - 1]!;
        expect(Math.abs(histogram.quantileUs(share) - exact)).toBeLessThanOrEqual(0.008 * exact);
      }),
    );
  });

  it('of several together is that of all their times', () => {
    const both = of([1, 5, 1000]);
    both.addAll(of([0.2, 7]));
    const one = of([1, 5, 1000, 0.2, 7]);
    for (const share of [0, 0.2, 0.5, 0.99, 1]) expect(both.quantileUs(share)).toBe(one.quantileUs(share));
    expect([both.count, both.leastUs, both.mostUs]).toEqual([5, 0.2, 1000]);
  });

  it('says 0 of nothing, and takes what no time can be as the shortest', () => {
    const none = new Histogram();
    expect([none.count, none.leastUs, none.averageUs, none.quantileUs(0.5)]).toEqual([0, 0, 0, 0]);
    expect(of([0]).quantileUs(0.5)).toBe(0);
  });
});
