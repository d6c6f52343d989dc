import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bottleneckOf,
  type Bottleneck,
  type ReceiverWaits,
  type SenderWaits,
} from '../../../src/transfer/bottleneck.js';
import { StageWaits } from '../../../src/transfer/stage-waits.js';

const sender = (changes: Partial<SenderWaits>): SenderWaits => ({
  ...{ source: 0, seal: 0, network: 0, window: 0, limit: 0 },
  ...{ totalMs: 10_000, readMs: 0, sealMs: 0, loopMs: 0 },
  ...changes,
});
const receiver = (changes: Partial<ReceiverWaits> = {}): ReceiverWaits => ({
  ...{ heldMs: 0, openMs: 0, writeMs: 0, loopMs: 0 },
  ...changes,
});
const millis = fc.nat(1_000_000);

describe('what a transfer was limited by', () => {
  it.each<[Bottleneck, string, Partial<SenderWaits>, Partial<ReceiverWaits>]>([
    ['none', 'nothing was waited for', {}, {}],
    ['none', 'a wait is less than a tenth', { network: 999 }, {}],
    ['network', 'a wait is a tenth', { network: 1000 }, {}],
    ['none', 'all of it is less than is noticed', { totalMs: 49, network: 49 }, {}],
    ['network', 'a short transfer waited all the time', { totalMs: 50, network: 50 }, {}],
    ['source', 'files were waited for', { source: 5000, network: 4999 }, {}],
    ['limit', 'the limit was', { limit: 5000, network: 4999 }, {}],
    ['seal', 'the pool was, and sealed', { seal: 5000, readMs: 10, sealMs: 20 }, {}],
    ['source', 'the pool was, and read', { seal: 5000, readMs: 20, sealMs: 10 }, {}],
    [
      'source',
      'files were, and the pool that read them',
      { source: 3000, seal: 3000, readMs: 9, network: 5000 },
      {},
    ],
    [
      'network',
      'the window was, and the receiver held nothing',
      { window: 5000 },
      { heldMs: 4999, writeMs: 9 },
    ],
    [
      'disk',
      'the window was, and the receiver wrote',
      { window: 5000 },
      { heldMs: 5000, writeMs: 9, openMs: 8 },
    ],
    [
      'open',
      'the window was, and the receiver opened',
      { window: 5000 },
      { heldMs: 5000, writeMs: 8, openMs: 9 },
    ],
    ['network', 'sockets were full', { network: 5000, loopMs: 8499 }, { loopMs: 8499 }],
    ['open', 'sockets were full and the receiver had no time', { network: 5000 }, { loopMs: 8500 }],
    ['seal', 'sockets were full and the sender had no time', { network: 5000, loopMs: 8500 }, {}],
    ['open', 'sockets were full and neither had time', { network: 5000, loopMs: 9000 }, { loopMs: 8500 }],
  ])('is %s where %s', (expected, _, there, here) => {
    expect(bottleneckOf(sender(there), receiver(here))).toBe(expected);
  });

  it('is the longest wait, or nothing where that is less than a tenth', () => {
    const waits = fc.record({ source: millis, limit: millis, network: millis });
    fc.assert(
      fc.property(waits, (all) => {
        const totalMs = all.source + all.limit + all.network;
        const found = bottleneckOf(sender({ ...all, totalMs }), receiver());
        if (found === 'none') return Math.max(...Object.values(all)) < Math.max(50, totalMs / 10);
        return all[found as keyof typeof all] === Math.max(...Object.values(all));
      }),
    );
  });

  it('is said for whatever the other side claims', () => {
    const here = fc.record({ heldMs: millis, openMs: millis, writeMs: millis, loopMs: millis });
    const there = fc.record({
      ...{ source: millis, seal: millis, network: millis, window: millis, limit: millis },
      ...{ totalMs: millis, readMs: millis, sealMs: millis, loopMs: millis },
    });
    const known = ['source', 'seal', 'network', 'open', 'disk', 'limit', 'none'];
    fc.assert(fc.property(there, here, (a, b) => known.includes(bottleneckOf(a, b))));
  });
});

describe('waits of a sender', () => {
  it('are added up by what was waited for, up to the last change', () => {
    const waits = new StageWaits();
    waits.handle('source', 100);
    waits.handle('network', 130);
    waits.handle(undefined, 170);
    waits.handle('source', 1000);
    waits.handle('source', 1001);
    expect(waits.ms).toEqual({ source: 31, seal: 0, network: 40, window: 0, limit: 0 });
    waits.handle(undefined, 1011);
    expect(waits.ms.source).toBe(41);
  });

  it('are nothing before anything was waited for', () => {
    const waits = new StageWaits();
    waits.handle(undefined, 5_000);
    waits.handle('limit', 6_000);
    expect(Object.values(waits.ms)).toEqual([0, 0, 0, 0, 0]);
  });

  it('are given as a copy', () => {
    const waits = new StageWaits();
    const before = waits.ms;
    waits.handle('seal', 0);
    waits.handle('seal', 5);
    expect([before.seal, waits.ms.seal]).toEqual([0, 5]);
  });
});
