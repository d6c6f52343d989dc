import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { waterLevel, type Demand } from '../../../src/relay/water-level.js';

const sum = (demands: readonly Demand[], level: number) =>
  demands.reduce((all, { wanted, weight }) => all + Math.min(wanted, weight * level), 0);

describe('the level of weighted max-min shares', () => {
  it('is there for all by weight, and what one leaves goes to the others', () => {
    const greedy = { wanted: 1e9, weight: 1 };
    expect(waterLevel(100, [greedy, greedy, { wanted: 1e9, weight: 2 }])).toBe(25);
    expect(waterLevel(100, [greedy, greedy, { wanted: 20, weight: 2 }])).toBe(40);
    expect(
      waterLevel(100, [
        { wanted: 50, weight: 1 },
        { wanted: 49, weight: 3 },
      ]),
    ).toBe(Infinity);
    expect([waterLevel(0, [greedy]), waterLevel(7, [])]).toEqual([0, Infinity]);
  });

  it('uses the pool up, or gives all what they want', () => {
    const demand = fc.record({
      wanted: fc.double({ min: 0, max: 1e9, noNaN: true }),
      weight: fc.double({ min: 0.01, max: 1000, noNaN: true }),
    });
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1e9, noNaN: true }),
        fc.array(demand, { maxLength: 40 }),
        (pool, demands) => {
          const level = waterLevel(pool, demands);
          const wanted = demands.reduce((all, one) => all + one.wanted, 0);
          if (level === Infinity) expect(wanted).toBeLessThanOrEqual(pool * (1 + 1e-9));
          else expect(Math.abs(sum(demands, level) - pool)).toBeLessThanOrEqual(1e-6 * pool + 1e-6);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('is found where every want is of another size', () => {
    const demands = Array.from({ length: 4000 }, (_, i) => ({ wanted: 1.01 ** (i / 2), weight: 1 }));
    const pool = sum(demands, 1e6);
    expect(waterLevel(pool, demands)).toBeCloseTo(1e6, 3);
    const steep = Array.from({ length: 60 }, (_, i) => ({ wanted: 4 ** i, weight: 1 }));
    expect(waterLevel(sum(steep, 4 ** 58), steep) / 4 ** 58).toBeCloseTo(1, 6);
  });
});
