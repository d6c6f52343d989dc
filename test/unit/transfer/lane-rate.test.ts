import { describe, expect, it } from 'vitest';
import { LaneRate, type Sending } from '../../../src/transfer/lane-rate.js';

/** A lane that carries `rate` bytes a millisecond, with so many records under way, from `from` to `to`. */
function steady(
  lane: LaneRate,
  options: { rate: number; from: number; to: number; underWay?: number },
): void {
  const { rate, from, to, underWay = 4 } = options;
  const bytes = 10 * rate;
  const sent: Sending[] = [];
  for (let at = from; at <= to; at += 10) {
    if (sent.length >= underWay) {
      const first = sent.shift();
      if (first) lane.handleDelivered(bytes, first, at);
    }
    while (sent.length < underWay) sent.push(lane.handleSent(at, sent.length === 0));
  }
}

describe('what a lane is measured to be', () => {
  it('is nothing before anything is acknowledged', () => {
    const lane = new LaneRate();
    lane.handleSent(0, true);
    expect([lane.bytesPerMs, lane.delayMs]).toEqual([undefined, undefined]);
  });

  it('is the bytes and the time of the first record', () => {
    const lane = new LaneRate();
    lane.handleDelivered(5_000, lane.handleSent(100, true), 150);
    expect([lane.bytesPerMs, lane.delayMs]).toEqual([100, 50]);
  });

  it('is its rate, with however many records under way', () => {
    for (const underWay of [1, 2, 8]) {
      const lane = new LaneRate();
      steady(lane, { rate: 700, from: 0, to: 5_000, underWay });
      expect(lane.bytesPerMs).toBeGreaterThan(700 * 0.8);
      expect(lane.bytesPerMs).toBeLessThan(700 * 1.2);
    }
  });

  it('does not suffer from a pause in which there was nothing to send', () => {
    const lane = new LaneRate();
    lane.handleDelivered(10_000, lane.handleSent(0, true), 100);
    lane.handleDelivered(10_000, lane.handleSent(9_000, true), 9_100);
    expect(lane.bytesPerMs).toBe(100);
  });

  it('is less within a few seconds when the lane got slower, and more at once when it got faster', () => {
    const lane = new LaneRate();
    steady(lane, { rate: 1_000, from: 0, to: 3_000 });
    steady(lane, { rate: 100, from: 3_000, to: 7_000 });
    expect(lane.bytesPerMs).toBeLessThan(130);
    steady(lane, { rate: 1_000, from: 7_000, to: 7_300 });
    expect(lane.bytesPerMs).toBeGreaterThan(800);
  });

  it('is the shortest delay of the last seconds, so that a queue does not count as one', () => {
    const lane = new LaneRate();
    for (const [at, delay] of [
      [0, 80],
      [100, 20],
      [200, 300],
    ] as const)
      lane.handleDelivered(1_000, lane.handleSent(at, true), at + delay);
    expect(lane.delayMs).toBe(20);
    for (let at = 1_000; at < 40_000; at += 1_000)
      lane.handleDelivered(1_000, lane.handleSent(at, true), at + 50);
    expect(lane.delayMs).toBe(50);
  });

  it('is never infinite, also where the clock stands still', () => {
    const lane = new LaneRate();
    lane.handleDelivered(1_000_000, lane.handleSent(5, true), 5);
    expect(Number.isFinite(lane.bytesPerMs)).toBe(true);
    expect(lane.delayMs).toBeGreaterThan(0);
  });
});
