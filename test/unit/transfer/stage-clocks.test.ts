import { describe, expect, it, vi } from 'vitest';
import type { SealApi, StageTimes } from '../../../src/native/api.js';
import { ReceiverClock, SenderClock } from '../../../src/transfer/stage-clocks.js';

/** What the clocks say, which begin with something on them. */
const clocks = vi.hoisted(() => ({ now: 5000, active: 70 }));
vi.mock('node:perf_hooks', () => ({
  performance: {
    now: () => clocks.now,
    eventLoopUtilization: (since = { active: 0 }) => ({ active: clocks.active - since.active }),
  },
}));

const waited = { source: 0.4, seal: 1.6, network: 2.5, window: 1000, limit: 0 };

/** A pool whose times the test sets, and which has worked for others before. */
function pool() {
  const times = { readMs: 100.2, sealMs: 200, openMs: 300, writeMs: 400 };
  const seal = { stageTimes: (): StageTimes => ({ ...times }) } as SealApi;
  return { seal, times };
}

describe('what a sender tells of its time', () => {
  it('is what the pool did since the transfer began, in whole milliseconds', () => {
    const { seal, times } = pool();
    const clock = new SenderClock(seal);
    times.readMs += 5.3;
    times.sealMs += 7.5;
    times.openMs += 1000;
    const waits = clock.waits(waited);
    expect(waits).toMatchObject({
      source: 0,
      seal: 2,
      network: 3,
      window: 1000,
      limit: 0,
      readMs: 5,
      sealMs: 8,
    });
    expect(Object.keys(waits).toSorted()).toEqual(
      [...Object.keys(waited), 'totalMs', 'readMs', 'sealMs', 'loopMs'].toSorted(),
    );
  });

  it('is how long it took in all, and how long of it the loop was busy', () => {
    const clock = new SenderClock(pool().seal);
    clocks.now += 1234.4;
    clocks.active += 99.6;
    expect(clock.waits(waited)).toMatchObject({ totalMs: 1234, loopMs: 100 });
  });

  it('is never less than nothing', () => {
    const { seal, times } = pool();
    const clock = new SenderClock(seal);
    times.readMs = 0;
    const waits = clock.waits({ ...waited, source: -0.6 });
    expect([waits.readMs, waits.source]).toEqual([0, 0]);
    expect(Object.values(waits).every((ms) => Number.isSafeInteger(ms) && ms >= 0)).toBe(true);
  });
});

describe('what a receiver tells of its time', () => {
  it('is what the pool opened and wrote since the transfer began, and how long content was held', () => {
    const { seal, times } = pool();
    const clock = new ReceiverClock(seal);
    times.openMs += 20.4;
    times.writeMs += 30.6;
    times.readMs += 1000;
    clocks.active += 8;
    expect(clock.waits(12.5)).toEqual({ heldMs: 13, loopMs: 8, openMs: 20, writeMs: 31 });
  });
});
