import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PaceCore } from '../../../src/transfer/pace-core.js';

describe('a pace', () => {
  it('without a limit waits for nothing', () => {
    const pace = new PaceCore();
    pace.reserve(1e12, 0);
    expect([pace.waitMs(0), pace.recordBytes, pace.ratePerSecond]).toEqual([0, Infinity, undefined]);
  });

  it('lets a record go at once and makes the next one wait for it', () => {
    const pace = new PaceCore(1_000_000);
    expect(pace.waitMs(0)).toBe(0);
    pace.reserve(100_000, 0);
    expect(pace.waitMs(0)).toBe(100);
    expect(pace.waitMs(60)).toBe(40);
    expect(pace.waitMs(100)).toBe(0);
  });

  it('keeps what was not used for 50 ms, no longer', () => {
    const pace = new PaceCore(1_000_000);
    pace.waitMs(0);
    expect(pace.waitMs(60_000)).toBe(0);
    pace.reserve(50_000, 60_000);
    expect(pace.waitMs(60_000)).toBe(0);
    pace.reserve(1_000, 60_000);
    expect(pace.waitMs(60_000)).toBe(1);
  });

  it('has debts paid at the new rate, and forgives them without one', () => {
    const pace = new PaceCore(1_000_000);
    pace.reserve(100_000, 0);
    pace.setRate(500_000, 50);
    expect([pace.waitMs(50), pace.ratePerSecond]).toEqual([100, 500_000]);
    pace.setRate(undefined, 50);
    expect(pace.waitMs(50)).toBe(0);
    pace.setRate(1_000, 60);
    expect(pace.waitMs(60)).toBe(0);
  });

  it('counts nothing that went before there was a rate', () => {
    const pace = new PaceCore();
    pace.reserve(1e9, 0);
    pace.setRate(1_000, 10);
    expect(pace.waitMs(10)).toBe(0);
    pace.reserve(1_000, 10);
    expect(pace.waitMs(10)).toBe(1_000);
  });

  it('gives back what was taken too much', () => {
    const pace = new PaceCore(1_000);
    pace.reserve(1_000, 0);
    pace.reserve(-900, 0);
    expect(pace.waitMs(0)).toBe(100);
  });

  it('has records of 50 ms, and of 4 KiB at least', () => {
    expect(new PaceCore(10_000_000).recordBytes).toBe(500_000);
    expect(new PaceCore(1).recordBytes).toBe(4096);
  });

  it('gives its rate whatever the records are', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 2 ** 20 }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(fc.integer({ min: 1024, max: 1e9 }), sizes, (rate, records) => {
        const pace = new PaceCore(rate);
        let [now, sent] = [0, 0];
        for (const bytes of records) {
          now += pace.waitMs(now);
          pace.reserve(bytes, now);
          sent += bytes;
        }
        const ms = now + pace.waitMs(now);
        expect(ms).toBeCloseTo((sent / rate) * 1000, 3);
      }),
    );
  });
});
