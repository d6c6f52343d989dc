import { describe, expect, it, vi } from 'vitest';
import { LimitShares } from '../../../src/app/limit-shares.js';
import { RateLimit } from '../../../src/app/rate-limit.js';

describe('one limit for several transfers', () => {
  it('is shared equally, and follows its changes', () => {
    const limit = new RateLimit(900);
    const shares = new LimitShares(limit, 3);
    const [one, two] = [shares.share(), shares.share()];
    expect([one.bytesPerSecond, two.bytesPerSecond]).toEqual([300, 300]);
    const changed = vi.fn();
    const leave = one.onChange(changed);
    limit.set(600);
    expect([one.bytesPerSecond, changed.mock.calls.length]).toEqual([200, 1]);
    leave();
    limit.set(undefined);
    expect([one.bytesPerSecond, changed.mock.calls.length]).toEqual([undefined, 1]);
  });

  it('is measured by what all of them have sent', () => {
    const limit = new RateLimit();
    const shares = new LimitShares(limit, 2);
    const [one, two] = [shares.share(), shares.share()];
    one.handleSent(0, 0);
    two.handleSent(500_000, 400);
    one.handleSent(500_000, 1000);
    limit.lower();
    // A million bytes in a second, and a quarter slower than that.
    expect(limit.bytesPerSecond).toBe(800_000);
  });
});
