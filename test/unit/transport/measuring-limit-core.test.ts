import { describe, expect, it } from 'vitest';
import { MeasuringLimitCore } from '../../../src/transport/measuring-limit-core.js';

const minute = 60_000;

describe('who may measure the path to a listener', () => {
  it('is whoever comes, so many times a minute', () => {
    const core = new MeasuringLimitCore({ streamsPerMinute: 2 });
    for (const expected of [true, true, false]) {
      expect(core.enter(0, 'a')).toBe(expected);
      if (expected) core.leave('a');
    }
    expect(core.enter(minute / 2 - 1, 'a')).toBe(false);
    expect(core.enter(minute / 2 + 1, 'a')).toBe(true);
  });

  it('takes nothing from another source by coming too often', () => {
    const core = new MeasuringLimitCore({ streamsPerMinute: 1 });
    expect(core.enter(0, 'a')).toBe(true);
    expect(core.enter(0, 'a')).toBe(false);
    expect(core.enter(0, 'b')).toBe(true);
  });

  it('is so many at once, of one source and in all', () => {
    const core = new MeasuringLimitCore({ maxStreams: 3, maxStreamsPerAddress: 2 });
    expect([core.enter(0, 'a'), core.enter(0, 'a'), core.enter(0, 'a')]).toEqual([true, true, false]);
    expect([core.enter(0, 'b'), core.enter(0, 'b')]).toEqual([true, false]);
    core.leave('a');
    expect([core.enter(0, 'b'), core.enter(0, 'a')]).toEqual([true, false]);
  });

  it('is one source for all addresses that an IPv6 host may choose from', () => {
    const core = new MeasuringLimitCore({ maxStreamsPerAddress: 1 });
    expect([core.enter(0, '2001:db8::1'), core.enter(0, '2001:db8::2')]).toEqual([true, false]);
    core.leave('2001:db8::1');
    expect([core.enter(0, '2001:db8::2'), core.enter(0, '2001:db8:0:1::1')]).toEqual([true, true]);
  });

  it('counts no refused stream against its source', () => {
    const core = new MeasuringLimitCore({ maxStreams: 1, streamsPerMinute: 1 });
    expect(core.enter(0, 'a')).toBe(true);
    expect(core.enter(0, 'b')).toBe(false);
    core.leave('a');
    expect(core.enter(0, 'b')).toBe(true);
  });

  it('is remembered of so many sources, and never forgotten of one with a stream', () => {
    const core = new MeasuringLimitCore({ maxSources: 2, streamsPerMinute: 1 });
    expect(core.enter(0, 'stays')).toBe(true);
    for (const source of ['a', 'b', 'c']) {
      expect(core.enter(0, source)).toBe(true);
      core.leave(source);
    }
    // Forgotten, so it may come anew; the one with a stream may not.
    expect(core.enter(0, 'a')).toBe(true);
    expect(core.enter(0, 'stays')).toBe(false);
  });

  it('sends content one at a time', () => {
    const core = new MeasuringLimitCore();
    expect([core.beginContent(), core.beginContent()]).toEqual([true, false]);
    core.endContent();
    expect(core.beginContent()).toBe(true);
  });
});
