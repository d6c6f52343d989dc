import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TokenBucketCore } from '../../../src/transport/token-bucket-core.js';

describe('a token bucket', () => {
  it('starts full, with a tenth of a second and 8192 at least', () => {
    const large = new TokenBucketCore({ ratePerSecond: 1_000_000 });
    expect([large.reserve(100_000, 0), large.reserve(1_000, 0)]).toEqual([0, 1]);
    const small = new TokenBucketCore({ ratePerSecond: 1_000 });
    expect([small.reserve(8192, 0), small.reserve(1, 0)]).toEqual([0, 1]);
  });

  it('goes into debt at once and says how long it takes to pay', () => {
    const bucket = new TokenBucketCore({ ratePerSecond: 100_000 });
    expect(bucket.reserve(1_010_000, 0)).toBe(10_000);
    expect(bucket.waitMs(4_000)).toBe(6_000);
    expect(bucket.reserve(100_000, 4_000)).toBe(7_000);
    expect(bucket.waitMs(11_000)).toBe(0);
  });

  it('fills by fractions, and never past its capacity', () => {
    const bucket = new TokenBucketCore({ ratePerSecond: 1, capacityAt: () => 2 });
    bucket.reserve(2, 0);
    for (let now = 1; now < 1000; now++) expect(bucket.has(1, now)).toBe(false);
    expect(bucket.has(1, 1001)).toBe(true);
    expect(bucket.isFull(1999)).toBe(false);
    expect(bucket.isFull(60_000)).toBe(true);
    expect(bucket.has(2.01, 60_000)).toBe(false);
  });

  it.each([undefined, 0])('is without a limit at a rate of %s', (ratePerSecond) => {
    const bucket = new TokenBucketCore({ ratePerSecond });
    expect([bucket.reserve(1e15, 0), bucket.tryTake(1e15, 0), bucket.waitMs(0)]).toEqual([0, true, 0]);
    expect([bucket.isFull(0), bucket.ratePerSecond]).toEqual([true, undefined]);
  });

  it('takes nothing of what is not all there', () => {
    const bucket = new TokenBucketCore({ ratePerSecond: 1, capacityAt: () => 3 });
    expect([bucket.tryTake(4, 0), bucket.tryTake(3, 0), bucket.tryTake(1, 0)]).toEqual([false, true, false]);
    expect(bucket.waitMs(0)).toBe(0);
  });

  it('changes its rate while debts are open', () => {
    const bucket = new TokenBucketCore({ ratePerSecond: 1_000_000, startsFull: false });
    bucket.reserve(100_000, 0);
    bucket.setRate(500_000, 50);
    expect(bucket.waitMs(50)).toBe(100);
    bucket.setRate(0, 50);
    expect(bucket.waitMs(50)).toBe(0);
    bucket.setRate(1_000, 60);
    expect([bucket.waitMs(60), bucket.has(1, 60)]).toEqual([0, false]);
  });

  it('is not filled by a clock that goes back and forth', () => {
    const bucket = new TokenBucketCore({ ratePerSecond: 1_000, startsFull: false });
    bucket.reserve(1_000, 1_000);
    for (let turn = 0; turn < 10; turn++)
      expect([bucket.waitMs(0), bucket.waitMs(1_000)]).toEqual([1_000, 1_000]);
  });

  it('lets through its rate and one capacity, and with patience no less than its rate', () => {
    const pieces = fc.array(fc.integer({ min: 1, max: 2 ** 20 }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(fc.integer({ min: 1024, max: 1e9 }), pieces, (ratePerSecond, sizes) => {
        const bucket = new TokenBucketCore({ ratePerSecond });
        const capacity = Math.max(ratePerSecond / 10, 8192);
        let [now, taken] = [0, 0];
        for (const tokens of sizes) {
          now += bucket.reserve(tokens, now);
          taken += tokens;
        }
        expect(now).toBeCloseTo((Math.max(0, taken - capacity) / ratePerSecond) * 1000, 3);
      }),
    );
  });
});
