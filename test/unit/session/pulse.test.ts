import { describe, expect, it } from 'vitest';
import { Pulse } from '../../../src/session/pulse.js';

const limits = { heartbeatMs: 2_000, silenceMs: 8_000 };

/** Ticks once a second; `heard` and `sent` give the counts at that second. */
function verdicts(
  seconds: number,
  heard: (second: number) => number,
  sent: (second: number) => number,
): string[] {
  const pulse = new Pulse(limits, 0);
  return Array.from({ length: seconds }, (_, at) =>
    pulse.handleTick((at + 1) * 1000, heard(at + 1), sent(at + 1)),
  );
}

describe('the pulse of a session', () => {
  it('beats after two seconds in which nothing was sent, and again two seconds later', () => {
    expect(
      verdicts(
        5,
        (second) => second,
        () => 0,
      ),
    ).toEqual(['nothing', 'beat', 'nothing', 'beat', 'nothing']);
  });

  it('does not beat while records are sent', () => {
    const all = verdicts(
      20,
      (second) => second,
      (second) => second,
    );
    expect(new Set(all)).toEqual(new Set(['nothing']));
  });

  it('calls the other side dead when nothing at all came for the whole silence, not before', () => {
    const all = verdicts(
      8,
      () => 0,
      (second) => second,
    );
    expect(all.indexOf('dead')).toBe(7);
  });

  it('takes any byte for life', () => {
    const all = verdicts(
      15,
      (second) => Math.floor(second / 7),
      (second) => second,
    );
    expect(all).not.toContain('dead');
  });

  it('does not blame the other side for the time in which this process stood still', () => {
    const pulse = new Pulse(limits, 0);
    expect(pulse.handleTick(1_000, 0, 1)).toBe('nothing');
    expect(pulse.handleTick(60_000, 0, 2)).toBe('nothing');
    for (let now = 61_000; now < 68_000; now += 1_000) expect(pulse.handleTick(now, 0, now)).toBe('nothing');
    expect(pulse.handleTick(68_000, 0, 68_000)).toBe('dead');
  });

  it('calls the other side late after two signs of life that it missed, not before', () => {
    const pulse = new Pulse(limits, 500);
    expect([pulse.isLate(500), pulse.isLate(4_499), pulse.isLate(4_500)]).toEqual([false, false, true]);
  });

  it('does not call it late any more once it was heard', () => {
    const pulse = new Pulse(limits, 0);
    for (let now = 1_000; now <= 4_000; now += 1_000) pulse.handleTick(now, 0, now);
    expect(pulse.isLate(4_000)).toBe(true);
    pulse.handleTick(5_000, 1, 5_000);
    expect([pulse.isLate(5_000), pulse.isLate(8_999), pulse.isLate(9_000)]).toEqual([false, false, true]);
  });

  it('does not call it late for what this process did not hear while it stood still', () => {
    const pulse = new Pulse(limits, 0);
    pulse.handleTick(1_000, 0, 1);
    pulse.handleTick(60_000, 0, 2);
    expect([pulse.isLate(60_000), pulse.isLate(64_000)]).toEqual([false, true]);
  });
});
