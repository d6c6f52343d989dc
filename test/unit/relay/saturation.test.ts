import { describe, expect, it } from 'vitest';
import { relayDefaults } from '../../../src/config/index.js';
import { Saturation } from '../../../src/relay/saturation.js';

const tickMs = 10;
/** Ticks until it has the answer; at most two seconds. */
function ticksUntil(
  saturation: Saturation,
  isSaturated: boolean,
  bytes: number,
  load: number,
  isHolding = false,
): number {
  for (let tick = 1; tick <= 200; tick++) {
    saturation.handleTick(tickMs, bytes, load, isHolding);
    if (saturation.isSaturated === isSaturated) return tick;
  }
  return Infinity;
}

describe('saturation', () => {
  it('of the event loop is a mean of its load, not one tick', () => {
    const saturation = new Saturation(relayDefaults);
    expect(ticksUntil(saturation, true, 1_000_000, 0.94)).toBe(Infinity);
    saturation.handleTick(tickMs, 0, 0, false);
    saturation.handleTick(tickMs, 1_000_000, 1, false);
    expect(saturation.isSaturated).toBe(false);
    expect(ticksUntil(saturation, true, 1_000_000, 1)).toBeLessThan(30);
  });

  it('of the event loop lasts until the load was low for a window', () => {
    const saturation = new Saturation(relayDefaults);
    ticksUntil(saturation, true, 1_000_000, 1);
    expect(ticksUntil(saturation, false, 1_000_000, 0.9)).toBe(Infinity);
    const ticks = ticksUntil(saturation, false, 500_000, 0.5);
    expect([ticks >= 10, ticks < 20]).toEqual([true, true]);
  });

  it('of a configured rate is what was forwarded of it, and lasts while somebody is held', () => {
    const saturation = new Saturation(relayDefaults);
    saturation.setLimit(1_000_000);
    expect(ticksUntil(saturation, true, 9_000, 0.1)).toBe(Infinity);
    expect(ticksUntil(saturation, true, 10_000, 0.1)).toBeLessThan(30);
    expect(saturation.bytesPerMs).toBe(1_000);
    expect(ticksUntil(saturation, false, 100, 0.1, true)).toBe(Infinity);
    expect(ticksUntil(saturation, false, 100, 0.1)).toBe(1);
  });

  it('is of the smaller of the two where both are full', () => {
    const saturation = new Saturation(relayDefaults);
    saturation.setLimit(1_000_000_000);
    ticksUntil(saturation, true, 100_000, 1);
    for (let tick = 0; tick < 20; tick++) saturation.handleTick(tickMs, 100_000, 0.97, false);
    expect(saturation.bytesPerMs).toBeCloseTo(10_000, -2);
    saturation.setLimit(1_000_000);
    expect(saturation.bytesPerMs).toBe(1_000);
  });

  it.each([0, undefined])('is not of a rate of %s', (limit) => {
    const saturation = new Saturation(relayDefaults);
    saturation.setLimit(1_000);
    expect(ticksUntil(saturation, true, 1_000, 0)).toBe(1);
    saturation.setLimit(limit);
    expect([saturation.isSaturated, ticksUntil(saturation, true, 1e9, 0.5)]).toEqual([false, Infinity]);
  });
});
