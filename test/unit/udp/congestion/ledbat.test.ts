import { beforeEach, describe, expect, it } from 'vitest';
import { Ledbat } from '../../../../plugins/udp/src/congestion/ledbat.js';
import { ack, datagramBytes, loss, options } from './samples.js';

let ledbat: Ledbat;
let now = 0;
beforeEach(() => {
  ledbat = new Ledbat(options());
  now = 0;
});
const packets = () => ledbat.windowBytes / datagramBytes;
const told = (name: string) => ledbat.describe()[name];

/** ACKs of a whole window, four of them so that the current delay is known. */
function round(rttMs: number): void {
  for (let quarter = 0; quarter < 4; quarter++) {
    now += rttMs / 4;
    ledbat.handleAck(ack({ now, ackedBytes: ledbat.windowBytes / 4, rttMs, smoothedRttMs: rttMs }));
  }
}

/** Past slow start and the first slowdown. */
function settle(): void {
  for (let turn = 0; turn < 5; turn++) round(40);
  for (let turn = 0; turn < 3; turn++) round(90);
  for (let turn = 0; turn < 20; turn++) round(40);
}

describe('ledbat', () => {
  it.each([
    [240, 1],
    [120, 1],
    [60, 1 / 2],
    [40, 1 / 3],
    [10, 1 / 12],
    [1, 1 / 16],
  ])('has of Reno’s growth, on a path of %i ms, the part %d', (rttMs, gain) => {
    round(rttMs);
    expect(told('gain')).toBeCloseTo(gain);
  });

  it('ends slow start at three quarters of the target', () => {
    for (let turn = 0; turn < 4; turn++) round(40);
    round(40 + 44);
    expect(told('state')).toBe('growing');
    round(40 + 46);
    expect(told('state')).toBe('steady');
  });

  it('slows down to two packets for two round trips soon after that, then goes back', () => {
    settle();
    ledbat = new Ledbat(options());
    now = 0;
    for (let turn = 0; turn < 5; turn++) round(40);
    round(90);
    const before = packets();
    const states: unknown[] = [];
    const windows: number[] = [];
    for (let turn = 0; turn < 40; turn++) {
      round(40);
      states.push(told('state'));
      windows.push(packets());
    }
    expect(states).toEqual(expect.arrayContaining(['steady', 'slowed', 'growing']));
    expect(Math.min(...windows)).toBe(2);
    expect(windows.at(-1)).toBeGreaterThan(0.5 * before);
  });

  it('spends about a tenth of its time in slowdowns', () => {
    settle();
    let away = 0;
    for (let turn = 0; turn < 2_000; turn++) {
      round(40 + 55);
      if (told('state') !== 'steady') away++;
    }
    expect(away / 2_000).toBeGreaterThan(0.03);
    expect(away / 2_000).toBeLessThan(0.15);
  });

  it('grows below the target, and shrinks above it by half a round at most', () => {
    settle();
    const before = packets();
    round(40 + 50);
    expect(packets() - before).toBeCloseTo(1 / 3, 1);
    const much = packets();
    round(40 + 600);
    expect(packets()).toBeLessThan(much);
    expect(packets()).toBeGreaterThanOrEqual(Math.max(2, much * 0.5));
  });

  it('halves at a loss, once a round, and aims at half of a queue that is full before the target', () => {
    for (let turn = 0; turn < 6; turn++) round(40);
    round(60);
    const before = packets();
    ledbat.handleLoss(loss({ now, sentAt: now - 60 }));
    ledbat.handleLoss(loss({ now: now + 5, sentAt: now - 10 }));
    expect(packets()).toBeCloseTo(before / 2);
    expect(told('targetMs')).toBeCloseTo(10);
  });

  it('stays at two packets when nothing was acknowledged for long, and goes on from there', () => {
    settle();
    ledbat.handlePersistentCongestion(now);
    expect(packets()).toBe(2);
    for (let turn = 0; turn < 5; turn++) round(40);
    expect(packets()).toBeGreaterThan(2);
  });

  it.each([-1e9, 1e9])('goes on slowing down and growing when the clock jumps by %d ms', (jump) => {
    settle();
    now += jump;
    const states = new Set<unknown>();
    for (let turn = 0; turn < 500; turn++) {
      round(40);
      states.add(told('state'));
    }
    expect([...states].sort()).toEqual(['growing', 'slowed', 'steady']);
    expect(packets()).toBeGreaterThan(20);
  });
});
