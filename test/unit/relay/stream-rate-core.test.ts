import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StreamRateCore } from '../../../src/relay/stream-rate-core.js';

const rate = { streamsPerSecond: 1_000, streamWindowMs: 100 };

/** So many streams of each peer every millisecond; gives how many of each went on. */
function flood(
  core: StreamRateCore,
  perMs: Readonly<Record<string, number>>,
  fromMs: number,
  toMs: number,
): Record<string, number> {
  const gone: Record<string, number> = {};
  const add = (peer: string, count: number) => (gone[peer] = (gone[peer] ?? 0) + count);
  for (let now = fromMs; now < toMs; now++) {
    if (now % 100 === 0) for (const [peer, count] of core.handleTick(now)) add(peer, count);
    for (const [peer, count] of Object.entries(perMs))
      for (let turn = 0; turn < count; turn++) if (core.handleOpen(now, peer)) add(peer, 1);
  }
  return gone;
}

describe('the rate of streams', () => {
  it('is nobody’s concern while there is enough, bursts of a moment included', () => {
    const core = new StreamRateCore(rate);
    core.enter('one', 1);
    core.enter('two', 2);
    for (let now = 0; now < 5_000; now += 10)
      for (const peer of ['one', 'two'])
        for (let turn = 0; turn < 4; turn++) expect(core.handleOpen(now, peer)).toBe(true);
    for (let turn = 0; turn < 30; turn++) expect(core.handleOpen(5_000, 'one')).toBe(true);
    expect([core.isSaturated, core.waiting]).toEqual([false, 0]);
  });

  it('is a share by weight near saturation, and what is too much waits for its turn', () => {
    const core = new StreamRateCore(rate);
    for (const weight of [1, 2, 5]) core.enter(String(weight), weight);
    flood(core, { 1: 1, 2: 2, 5: 5 }, 0, 1_000);
    expect(core.isSaturated).toBe(true);
    expect(core.waiting).toBeGreaterThan(1_000);
    const gone = flood(core, { 1: 1, 2: 2, 5: 5 }, 1_000, 3_000);
    for (const weight of [1, 2, 5]) expect((gone[weight] ?? 0) / (2_000 * (weight / 8))).toBeCloseTo(1, 1);
  });

  it('leaves what one does not use to the others, and takes nothing from who wants little', () => {
    const core = new StreamRateCore(rate);
    core.enter('greedy', 1);
    core.enter('small', 1);
    core.enter('silent', 1_000);
    flood(core, { greedy: 5 }, 0, 1_000);
    const gone: Record<string, number> = {};
    let smallWaited = 0;
    for (let now = 1_000; now < 3_000; now++) {
      for (const [peer, count] of Object.entries(flood(core, { greedy: 5 }, now, now + 1)))
        gone[peer] = (gone[peer] ?? 0) + count;
      if (now % 20 === 0 && !core.handleOpen(now, 'small')) smallWaited++;
    }
    expect(smallWaited).toBe(0);
    // A hundred of them were those of the small one.
    expect(gone['greedy']).toBeGreaterThan(1_800);
    expect(gone['greedy']).toBeLessThan(1_960);
  });

  it('is one share for all strangers, divided evenly among them, although each has less than one turn a window', () => {
    const core = new StreamRateCore({ ...rate, strangersWeight: 1 });
    core.enter('listed', 4);
    const strangers = Array.from({ length: 50 }, (_, i) => `stranger ${i}`);
    for (const stranger of strangers) core.enter(stranger);
    const perMs = { listed: 5, ...Object.fromEntries(strangers.map((stranger) => [stranger, 1])) };
    flood(core, perMs, 0, 1_000);
    const gone = flood(core, perMs, 1_000, 6_000);
    expect((gone['listed'] ?? 0) / 4_000).toBeCloseTo(1, 1);
    const each = strangers.map((stranger) => gone[stranger] ?? 0);
    expect(each.reduce((sum, count) => sum + count, 0) / 1_000).toBeCloseTo(1, 1);
    expect(Math.max(...each) - Math.min(...each)).toBeLessThanOrEqual(2);
  });

  it('is no higher for strangers that come as others all the time', () => {
    const core = new StreamRateCore(rate);
    core.enter('listed', 3);
    flood(core, { listed: 5 }, 0, 1_000);
    let [listed, others] = [0, 0];
    for (let now = 1_000; now < 4_000; now++) {
      const name = `stranger ${now}`;
      core.enter(name);
      for (let turn = 0; turn < 5; turn++) if (core.handleOpen(now, name)) others++;
      core.leave(name);
      listed += flood(core, { listed: 5 }, now, now + 1)['listed'] ?? 0;
    }
    expect(listed / 3_000).toBeGreaterThan(0.7);
    expect(others / 3_000).toBeLessThan(0.3);
    core.handleTick(5_000);
    core.handleTick(6_000);
    expect(core.size).toBe(1);
  });

  it('lets all that waits go when the load is over, and forgets who has left', () => {
    const core = new StreamRateCore(rate);
    for (const peer of ['a', 'b']) core.enter(peer, 1);
    flood(core, { a: 3, b: 3 }, 0, 1_000);
    const waited = core.waiting;
    core.leave('b');
    expect(core.waiting).toBeLessThan(waited);
    core.handleGone('a');
    let released = 0;
    for (let now = 1_000; core.waiting > 0 && now < 10_000; now += 100)
      for (const count of core.handleTick(now).values()) released += count;
    expect(released).toBeGreaterThan(500);
    for (let now = 10_000; now < 11_000; now += 100) core.handleTick(now);
    expect([core.isSaturated, core.waiting, core.size, core.handleOpen(11_000, 'a')]).toEqual([
      ...[false, 0, 1, true],
    ]);
  });

  it('takes who is not there for nobody', () => {
    const core = new StreamRateCore(rate);
    core.leave('nobody');
    core.handleGone('nobody');
    expect([core.handleOpen(0, 'nobody'), core.handleTick(1).size, core.size]).toEqual([true, 0, 0]);
  });

  it('gives each stream one turn, no more a window than there are, and in the end one to every stream', () => {
    const act = fc.record({
      act: fc.constantFrom('open', 'open', 'open', 'enter', 'leave', 'gone', 'tick'),
      peer: fc.nat({ max: 6 }),
      count: fc.integer({ min: 1, max: 80 }),
      afterMs: fc.constantFrom(0, 0, 1, 7, 100, 450),
    });
    fc.assert(
      fc.property(fc.array(act, { maxLength: 120 }), (acts) => {
        const core = new StreamRateCore(rate);
        const waiting = new Map<string, number>();
        const add = (peer: string, count: number) => waiting.set(peer, (waiting.get(peer) ?? 0) + count);
        let now = 0;
        const tick = () => {
          for (const [peer, count] of core.handleTick(now)) add(peer, -count);
        };
        for (const { act, peer, count, afterMs } of acts) {
          now += afterMs;
          const key = String(peer);
          if (act === 'enter') {
            core.enter(key, peer % 3 === 0 ? undefined : peer);
            if (!waiting.has(key)) waiting.set(key, 0);
          } else if (act === 'leave') {
            core.leave(key);
            waiting.delete(key);
          } else if (act === 'open') {
            for (let turn = 0; turn < count; turn++) if (!core.handleOpen(now, key)) add(key, 1);
          } else if (act === 'gone' && (waiting.get(key) ?? 0) > 0) {
            core.handleGone(key);
            add(key, -1);
          } else if (act === 'tick') tick();
          for (const left of waiting.values()) expect(left).toBeGreaterThanOrEqual(0);
          expect(core.waiting).toBe([...waiting.values()].reduce((sum, left) => sum + left, 0));
        }
        for (let window = 0; window < 3_000 && core.waiting > 0; window++) {
          now += 100;
          const before = core.waiting;
          tick();
          // Each peer may have two turns from before, and so have all strangers.
          if (core.isSaturated) expect(before - core.waiting).toBeLessThanOrEqual(100 + 16);
        }
        expect(core.waiting).toBe(0);
      }),
      { numRuns: 500 },
    );
  });
});
