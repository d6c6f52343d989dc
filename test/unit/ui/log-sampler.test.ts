import { describe, expect, it } from 'vitest';
import { LogSampler } from '../../../src/ui/log-sampler.js';

describe('a sampler of log lines', () => {
  it('lets some through at once, then one each interval that says how many are missing', () => {
    const sampler = new LogSampler(3, 10_000);
    const lines: [number, number][] = [];
    for (let ms = 0; ms < 60_000; ms += 10) {
      const suppressed = sampler.take('flood', ms);
      if (suppressed !== undefined) lines.push([ms, suppressed]);
    }
    expect(lines).toEqual([
      [0, 0],
      [10, 0],
      [20, 0],
      [10_000, 997],
      [20_000, 999],
      [30_000, 999],
      [40_000, 999],
      [50_000, 999],
    ]);
    expect(sampler.leftOut()).toEqual([['flood', 999]]);
    expect(sampler.leftOut()).toEqual([]);
  });

  it('counts each kind for itself', () => {
    const sampler = new LogSampler(1, 1000);
    expect([sampler.take('a', 0), sampler.take('a', 0), sampler.take('b', 0)]).toEqual([0, undefined, 0]);
  });
});
