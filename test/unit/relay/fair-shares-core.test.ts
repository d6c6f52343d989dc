import { describe, expect, it } from 'vitest';
import { FairSharesCore } from '../../../src/relay/fair-shares-core.js';

const tickMs = 10;
/** What a rate of 1 MB/s comes to in a tick. */
const tickBytes = 10_000;

/** One whose rate is used up by somebody who is gone again. */
function saturated(): { core: FairSharesCore; tick: (load?: number) => string[] } {
  const core = new FairSharesCore({ capacityBytesPerSecond: 1_000_000 });
  let now = 0;
  const tick = (load = 0.1) => core.handleTick((now += tickMs), load);
  tick();
  for (let count = 0; count < 60; count++) {
    core.handleForwarded('gone', tickBytes);
    tick();
  }
  expect(core.isSaturated).toBe(true);
  return { core, tick };
}

describe('fair shares', () => {
  it('hold nobody, and remember nothing of anybody, below saturation', () => {
    const core = new FairSharesCore({ capacityBytesPerSecond: 1_000_000 });
    core.enter('a', 1);
    core.enter('b');
    for (let now = 0; now < 2_000; now += tickMs) {
      core.handleForwarded('a', tickBytes / 2);
      core.handleForwarded('b', tickBytes / 4);
      expect([core.mayRead('a'), core.mayRead('b'), core.mayRead('never seen')]).toEqual([true, true, true]);
      expect(core.handleTick(now, 0.5)).toEqual([]);
    }
    core.leave('a');
    core.leave('never seen');
    expect([core.size, core.held, core.isSaturated]).toEqual([1, 0, false]);
  });

  it('hold who has had more than its share until that is paid, and name it once', () => {
    const { core, tick } = saturated();
    core.enter('a', 1);
    core.enter('b', 1);
    core.handleForwarded('b', 1);
    core.handleForwarded('a', 10 * tickBytes);
    expect([core.mayRead('a'), core.mayRead('a'), core.held]).toEqual([false, false, 1]);
    const released = Array.from({ length: 12 }, () => tick());
    const at = released.findIndex((names) => names.includes('a'));
    expect([at > 4, at < 10]).toEqual([true, true]);
    expect(released.flat()).toEqual(['a']);
    expect([core.mayRead('a'), core.held]).toEqual([true, 0]);
  });

  it('let everybody go on when the load is gone, or the limit', () => {
    for (const end of ['load', 'limit'] as const) {
      const { core, tick } = saturated();
      core.enter('a', 1);
      core.handleForwarded('a', 1_000 * tickBytes);
      expect([core.mayRead('a'), tick()]).toEqual([false, []]);
      if (end === 'limit') core.setCapacity(undefined);
      else core.leave('a');
      const released = Array.from({ length: 200 }, () => tick()).flat();
      expect(released).toEqual(end === 'limit' ? ['a'] : []);
      expect([core.held, core.mayRead('a')]).toEqual([0, true]);
    }
  });

  it('remember what one owes that leaves and comes again, and forget it when it is paid', () => {
    const { core, tick } = saturated();
    core.enter('a', 1);
    core.enter('other', 1);
    core.handleForwarded('a', 20 * tickBytes);
    core.leave('a');
    core.enter('a', 1);
    expect(core.mayRead('a')).toBe(false);
    core.leave('a');
    expect([core.size, core.held]).toEqual([2, 0]);
    for (let count = 0; count < 200; count++) {
      core.handleForwarded('other', tickBytes);
      tick();
    }
    expect(core.size).toBe(1);
  });

  it('do not forget who is held when it is listed, or no longer', () => {
    const { core, tick } = saturated();
    core.enter('a');
    core.enter('b', 1);
    for (const peer of ['a', 'b']) core.handleForwarded(peer, 10 * tickBytes);
    expect([core.mayRead('a'), core.mayRead('b')]).toEqual([false, false]);
    core.enter('a', 3);
    core.enter('b');
    expect(tick().sort()).toEqual(['a', 'b']);
  });

  it('go by a weight that has changed', () => {
    const { core, tick } = saturated();
    core.enter('a', 1);
    core.enter('b', 1);
    core.enter('a', 4);
    const read = { a: 0, b: 0 };
    for (let count = 0; count < 300; count++) {
      for (const peer of ['a', 'b'] as const)
        for (let chunk = 0; chunk < 50 && core.mayRead(peer); chunk++) {
          core.handleForwarded(peer, 500);
          read[peer] += 500;
        }
      tick();
    }
    expect(read.a / read.b).toBeGreaterThan(3.6);
    expect(read.a / read.b).toBeLessThan(4.4);
  });

  it('are those of more strangers together as the configuration says, when it is read again', () => {
    const { core, tick } = saturated();
    core.enter('listed', 1);
    for (let i = 0; i < 10; i++) core.enter(`stranger ${i}`);
    core.setStrangersWeight(4);
    const names = ['listed', ...Array.from({ length: 10 }, (_, i) => `stranger ${i}`)];
    const read = new Map<string, number>();
    for (let count = 0; count < 300; count++) {
      for (const peer of names)
        for (let chunk = 0; chunk < 200 && core.mayRead(peer); chunk++) {
          core.handleForwarded(peer, 100);
          read.set(peer, (read.get(peer) ?? 0) + 100);
        }
      tick();
    }
    const all = [...read.values()].reduce((sum, bytes) => sum + bytes, 0);
    expect((read.get('listed') ?? 0) / all).toBeGreaterThan(0.18);
    expect((read.get('listed') ?? 0) / all).toBeLessThan(0.22);
  });

  it('take loads that are none, and times that go back, for nothing', () => {
    const { core, tick } = saturated();
    core.enter('a', 1);
    core.handleForwarded('a', 100 * tickBytes);
    expect(core.mayRead('a')).toBe(false);
    for (const load of [NaN, -1, Infinity]) tick(load);
    expect([core.handleTick(-1e9, 0.5), core.handleTick(-1e9, 0.5)]).toEqual([[], []]);
    expect(core.held).toBe(1);
    const released = Array.from({ length: 300 }, () => tick()).flat();
    expect(released).toEqual(['a']);
  });

  it('keep no more than some thousands of strangers that owe and are gone', () => {
    const { core } = saturated();
    for (let i = 0; i < 20_000; i++) {
      core.enter(`stranger ${i}`);
      core.handleForwarded(`stranger ${i}`, 100_000);
      core.leave(`stranger ${i}`);
    }
    expect(core.size).toBeLessThan(10_100);
  });
});
