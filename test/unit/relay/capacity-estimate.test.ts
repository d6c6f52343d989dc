import { describe, expect, it } from 'vitest';
import { CapacityEstimate } from '../../../src/relay/capacity-estimate.js';

const loop = 100_000;

/** A loop that forwards what is allowed and wanted, for so many windows under saturation; what is allowed in each. */
function windows(estimate: CapacityEstimate, count: number, wanted = Infinity, besides = 0): number[] {
  return Array.from({ length: count }, () => {
    const through = Math.min(estimate.bytesPerMs, wanted, loop * (1 - besides));
    estimate.handleWindow(through, besides + through / loop, true);
    return estimate.bytesPerMs;
  });
}

describe('the estimate of a capacity', () => {
  it('is what went through when load comes', () => {
    const estimate = new CapacityEstimate();
    estimate.handleWindow(50_000, 0.5, false);
    expect(estimate.bytesPerMs).toBeCloseTo(48_500);
    estimate.handleWindow(loop, 1, true);
    expect(estimate.bytesPerMs).toBeCloseTo(97_000);
  });

  it('leaves the loop a little time, from below and from above', () => {
    for (const first of [20_000, loop]) {
      const estimate = new CapacityEstimate();
      estimate.handleWindow(first, 1, true);
      expect(
        windows(estimate, 60)
          .slice(-40)
          .every((bytes) => bytes > 0.94 * loop && bytes < 0.985 * loop),
      ).toBe(true);
    }
  });

  it('is raised by a tenth a window at most, where the loop is not busy', () => {
    const estimate = new CapacityEstimate();
    estimate.handleWindow(20_000, 0.9, true);
    const [first = 0, second = 0] = windows(estimate, 2);
    expect(first / (20_000 * 0.97)).toBeCloseTo(1.1);
    expect(second / first).toBeCloseTo(1.1);
  });

  it('makes room for other work that has its measure', () => {
    const estimate = new CapacityEstimate();
    estimate.handleWindow(loop, 1, true);
    const last = windows(estimate, 60, Infinity, 0.5).at(-1) ?? 0;
    expect(last / loop).toBeGreaterThan(0.4);
    expect(last / loop).toBeLessThan(0.5);
  });

  it('finds by trying what goes through a loop that never rests, and never gives up', () => {
    const estimate = new CapacityEstimate();
    estimate.handleWindow(0, 1, true);
    const real = 40_000;
    let through = 0;
    for (let window = 0; window < 400; window++) {
      const now = Math.min(estimate.bytesPerMs, real);
      if (window >= 200) through += now;
      estimate.handleWindow(now, 1, true);
    }
    expect(through / 200 / real).toBeGreaterThan(0.9);
  });

  it('is never less than 4 MiB/s', () => {
    const estimate = new CapacityEstimate();
    for (let window = 0; window < 100; window++) estimate.handleWindow(0, window % 2, true);
    expect(estimate.bytesPerMs * 1000).toBeGreaterThan(4_000_000);
  });
});
