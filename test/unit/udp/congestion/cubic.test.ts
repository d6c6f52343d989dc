import { beforeEach, describe, expect, it } from 'vitest';
import { CubicCurve } from '../../../../plugins/udp/src/congestion/cubic-curve.js';
import { Cubic } from '../../../../plugins/udp/src/congestion/cubic.js';
import { HyStart } from '../../../../plugins/udp/src/congestion/hystart.js';
import { ack, datagramBytes, loss, options } from './samples.js';

let cubic: Cubic;
beforeEach(() => {
  cubic = new Cubic(options());
});
const packets = () => cubic.windowBytes / datagramBytes;
const inSlowStart = () => cubic.describe()['state'] === 'slow-start';

describe('cubic', () => {
  it('begins with ten packets and doubles in a round', () => {
    expect(packets()).toBe(10);
    cubic.handleAck(ack({ ackedBytes: 10 * datagramBytes }));
    expect(packets()).toBe(20);
  });

  it('keeps 0.7 of its window at a loss, once for all losses of a round', () => {
    cubic.handleAck(ack({ ackedBytes: 90 * datagramBytes, inFlightBytes: 0 }));
    const before = packets();
    cubic.handleLoss(loss({ now: 1_000, sentAt: 960 }));
    cubic.handleLoss(loss({ now: 1_010, sentAt: 980 }));
    cubic.handleLoss(loss({ now: 1_020, sentAt: 1_000 }));
    expect(packets()).toBeCloseTo(0.7 * before);
    cubic.handleLoss(loss({ now: 1_060, sentAt: 1_001 }));
    expect(packets()).toBeCloseTo(0.49 * before);
  });

  it('keeps 0.85 of it at a mark, once a round', () => {
    cubic.handleAck(ack({ now: 1_000, marked: 1, ackedBytes: 0 }));
    cubic.handleAck(ack({ now: 1_020, marked: 1, ackedBytes: 0 }));
    expect(packets()).toBeCloseTo(8.5);
    cubic.handleAck(ack({ now: 1_050, marked: 1, ackedBytes: 0 }));
    expect(packets()).toBeCloseTo(0.85 * 8.5);
  });

  it('takes a reduction back when all that was lost came after all', () => {
    cubic.handleLoss(loss({ lostBytes: 2 * datagramBytes }));
    cubic.handleSpuriousLoss(1_010, datagramBytes);
    expect(packets()).toBeCloseTo(7);
    cubic.handleSpuriousLoss(1_020, datagramBytes);
    expect(packets()).toBe(10);
    expect(inSlowStart()).toBe(true);
    cubic.handleSpuriousLoss(1_030, datagramBytes);
    expect(packets()).toBe(10);
  });

  it('does not grow by what the application does not use', () => {
    cubic.handleAck(ack({ isAppLimited: true, inFlightBytes: 0 }));
    expect(packets()).toBe(10);
  });

  it('grows after a loss to where that was, and slower there', () => {
    cubic.handleAck(ack({ ackedBytes: 10 * datagramBytes }));
    for (let round = 0; round < 4; round++) cubic.handleAck(ack({ ackedBytes: 1e9, inFlightBytes: 0 }));
    const before = packets();
    cubic.handleLoss(loss());
    const flatAfterMs = Math.cbrt((before * 0.3) / 0.4) * 1000;
    const seen: number[] = [];
    for (let at = 0; at <= 2 * flatAfterMs; at += 40) {
      cubic.handleAck(ack({ now: 1_000 + at, ackedBytes: cubic.windowBytes }));
      seen.push(packets());
    }
    const [early = 0, middle = 0, late = 0] = [seen[5], seen[Math.round(flatAfterMs / 40)], seen.at(-1)];
    expect(early).toBeGreaterThan(0.7 * before);
    expect(Math.abs(middle / before - 1)).toBeLessThan(0.02);
    expect(late).toBeGreaterThan(1.2 * before);
  });

  it('leaves a newcomer room when it loses earlier than the last time', () => {
    cubic.handleLoss(loss({ now: 1_000, sentAt: 960 }));
    expect(cubic.describe()['flatBytes']).toBe(10 * datagramBytes);
    cubic.handleLoss(loss({ now: 1_100, sentAt: 1_060 }));
    expect(cubic.describe()['flatBytes']).toBeCloseTo(7 * datagramBytes * 0.85);
  });

  it('begins anew with two packets when nothing was acknowledged for long', () => {
    cubic.handlePersistentCongestion(1_000);
    expect(packets()).toBe(2);
    expect(inSlowStart()).toBe(true);
  });

  it('paces at twice its window a round trip, and at 1.25 behind slow start', () => {
    expect(cubic.pacingRate).toBeCloseTo((2 * cubic.windowBytes) / 0.04);
    cubic.handleLoss(loss());
    expect(cubic.pacingRate).toBeCloseTo((1.25 * cubic.windowBytes) / 0.04);
  });
});

describe('the curve', () => {
  it('grows at least as Reno does', () => {
    const curve = new CubicCurve(0, 70_000, 100_000, 100_000);
    let window = 70_000;
    for (let round = 1; round <= 10; round++) window = curve.grow(round, window, window, 1, 1_000);
    // Ten rounds of 0.53 packets within 10 ms, in which the cubic does not move.
    expect(window).toBeCloseTo(70_000 + 10 * 0.529 * 1_000, -2);
  });

  it('does not count idle time', () => {
    const [idle, busy] = [70_000, 70_000].map((first) => new CubicCurve(0, first, 100_000, 100_000));
    idle?.skip(60_000);
    expect(idle?.grow(60_040, 70_000, 70_000, 40, 1_000)).toBe(busy?.grow(40, 70_000, 70_000, 40, 1_000));
  });

  it('at most grows by half in a round', () => {
    const curve = new CubicCurve(0, 70_000, 70_000, 70_000);
    expect(curve.grow(1e6, 70_000, 70_000, 40, 1_000)).toBeLessThanOrEqual(1.5 * 70_000);
  });
});

describe('HyStart++', () => {
  /** Advice at the end of each round with these round trips. */
  const advice = (rtts: readonly number[]) => {
    const hyStart = new HyStart();
    let delivered = 0;
    return rtts.map((rttMs) => {
      const before = delivered;
      return Array.from({ length: 10 }, () => {
        delivered += datagramBytes;
        return hyStart.handleAck(ack({ rttMs, deliveredBytes: delivered, priorDeliveredBytes: before }));
      }).at(-1);
    });
  };

  it('goes on as long as round trips stay', () => {
    expect(advice([40, 41, 42, 43])).toEqual(['grow', 'grow', 'grow', 'grow']);
  });

  it('slows when they rise by an eighth, and ends five rounds later', () => {
    const hyStart = advice([40, 46, 46, 46, 46, 46]);
    expect(hyStart.slice(0, 6)).toEqual(['grow', ...Array.from({ length: 5 }, () => 'grow-slowly')]);
    const controller = new Cubic(options());
    let delivered = 0;
    for (let round = 0; round < 8; round++) {
      const before = delivered;
      for (let packet = 0; packet < 10; packet++) {
        delivered += datagramBytes;
        const rttMs = round === 0 ? 40 : 46;
        controller.handleAck(ack({ rttMs, deliveredBytes: delivered, priorDeliveredBytes: before }));
      }
    }
    expect(controller.describe()['state']).toBe('avoidance');
  });

  it('goes on when it was jitter', () => {
    expect(advice([40, 46, 41])).toEqual(['grow', 'grow-slowly', 'grow']);
  });
});
