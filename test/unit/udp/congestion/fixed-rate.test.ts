import { describe, expect, it } from 'vitest';
import { FixedRate } from '../../../../plugins/udp/src/congestion/fixed-rate.js';
import { ack, options } from './samples.js';

describe('a fixed rate', () => {
  it('has a window of twice what the rate brings into flight', () => {
    const fixed = new FixedRate(10e6, options({ rttMs: 100 }));
    expect(fixed.windowBytes).toBeGreaterThanOrEqual(2e6);
    expect(fixed.windowBytes).toBeLessThan(2.2e6);
    fixed.handleAck(ack({ smoothedRttMs: 200 }));
    expect(fixed.windowBytes).toBeGreaterThanOrEqual(4e6);
  });

  it('stays whatever is lost', () => {
    const fixed = new FixedRate(10e6, options());
    const before = fixed.windowBytes;
    fixed.handleLoss();
    fixed.handlePersistentCongestion();
    expect([fixed.pacingRate, fixed.windowBytes]).toEqual([10e6, before]);
  });

  it('has room for packets of any size on a path of microseconds', () => {
    const fixed = new FixedRate(1e6, options({ rttMs: 0.05 }));
    fixed.handleDatagramBytes(65_507);
    expect(fixed.windowBytes).toBeGreaterThan(4 * 65_507);
  });
});
