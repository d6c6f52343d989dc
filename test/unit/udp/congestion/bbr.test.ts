import { beforeEach, describe, expect, it } from 'vitest';
import { Bbr } from '../../../../plugins/udp/src/congestion/bbr.js';
import { ack, datagramBytes, loss, options } from './samples.js';

const rate = 1_200_000;
let now = 0;
let delivered = 0;
let bbr: Bbr;

beforeEach(() => {
  now = delivered = 0;
  bbr = new Bbr(options());
});

/** A round trip of 40 packets, acknowledged evenly. */
function round(given: Parameters<typeof ack>[0] = {}): void {
  const before = delivered;
  for (let packet = 0; packet < 40; packet++) {
    now += 1;
    delivered += datagramBytes;
    bbr.handleAck(ack({ now, deliveredBytes: delivered, priorDeliveredBytes: before, ...given }));
  }
}

const state = () => bbr.describe()['state'];

/** To where bandwidth is probed. */
function settle(): void {
  for (let turn = 0; turn < 8; turn++) round();
}

describe('bbr', () => {
  it('begins with 64 packets, paced by the gain of startup', () => {
    expect(bbr.windowBytes).toBe(64 * datagramBytes);
    expect(bbr.pacingRate).toBeCloseTo((2.77 * 64 * datagramBytes) / 0.04);
  });

  it('begins with few where datagrams are as large as can be', () => {
    const large = new Bbr(options({ datagramBytes: 65_507 }));
    expect(large.windowBytes).toBe(4 * 65_507);
  });

  it('ends startup when the rate does not grow, empties the queue and probes', () => {
    const states = new Set<unknown>();
    for (let turn = 0; turn < 30; turn++) {
      round();
      states.add(state());
    }
    expect([...states]).toEqual(expect.arrayContaining(['startup', 'up', 'down', 'cruise']));
    round();
    expect(bbr.windowBytes).toBeGreaterThanOrEqual(2 * rate * 0.04);
    expect(bbr.windowBytes).toBeLessThan(3 * rate * 0.04);
  });

  it('ends startup when the queue is full', () => {
    for (let turn = 0; turn < 5; turn++) round({ deliveryRate: rate * 2 ** turn });
    expect(state()).toBe('startup');
    bbr.handleLoss(loss({ now, lostBytes: 20 * datagramBytes, inFlightThen: 80 * datagramBytes }));
    expect(state()).toBe('drain');
    expect(bbr.describe()['boundBytes']).toBeLessThan(Infinity);
  });

  it('does not end it for losses that came from the beginning', () => {
    for (let turn = 0; turn < 5; turn++) {
      bbr.handleLoss(loss({ now, lostBytes: 3 * datagramBytes }));
      round({ deliveryRate: rate * 2 ** turn });
    }
    expect(state()).toBe('startup');
  });

  it('empties the path for 200 ms when its round trip was not seen for 5 s', () => {
    settle();
    const until = now + 5_500;
    while (now < until && state() !== 'probe-rtt') round({ rttMs: 60, smoothedRttMs: 60 });
    expect(state()).toBe('probe-rtt');
    expect(bbr.windowBytes).toBeLessThanOrEqual(rate * 0.04);
    const since = now;
    const window = bbr.windowBytes;
    while (state() === 'probe-rtt') round({ rttMs: 40, inFlightBytes: window - datagramBytes });
    expect(now - since).toBeGreaterThanOrEqual(160);
    expect(now - since).toBeLessThan(300);
    expect(bbr.windowBytes).toBeGreaterThan(2 * window);
  });

  it('sends at its rate after an idle time, and does not empty the path for it', () => {
    settle();
    round({ isAppLimited: true });
    now += 20_000;
    bbr.handleSent(now, datagramBytes, 0);
    expect(bbr.pacingRate).toBeCloseTo(0.99 * rate);
    round();
    expect(state()).not.toBe('probe-rtt');
  });

  it('does not slow for spread losses, and does for a full queue', () => {
    for (let turn = 0; turn < 12; turn++) {
      bbr.handleLoss(loss({ now, lostBytes: 2 * datagramBytes }));
      round();
    }
    const window = bbr.windowBytes;
    bbr.handleLoss(loss({ now, lostBytes: 30 * datagramBytes, inFlightThen: 80 * datagramBytes }));
    expect(bbr.windowBytes).toBeLessThan(window);
    expect(bbr.describe()['bandwidth']).toBe(rate);
  });

  it('takes all that was sent before it heard of a full queue for the same one', () => {
    settle();
    const overrun = (sentAt: number) => {
      bbr.handleLoss(loss({ now, sentAt, lostBytes: 30 * datagramBytes, inFlightThen: 80 * datagramBytes }));
      return bbr.describe()['boundBytes'];
    };
    const heardAt = now;
    const once = overrun(now - 40);
    round();
    expect(overrun(heardAt - 1)).toBe(once);
    round();
    expect(overrun(heardAt + 1)).toBeLessThan(Number(once));
  });

  it('takes marks for a full queue', () => {
    settle();
    const window = bbr.windowBytes;
    round({ marked: 1 });
    expect(bbr.windowBytes).toBeLessThan(window);
  });

  it('begins anew, with four packets, when nothing was acknowledged for long', () => {
    settle();
    bbr.handlePersistentCongestion(now);
    expect(state()).toBe('startup');
    expect(bbr.windowBytes).toBe(4 * datagramBytes);
    expect(bbr.describe()['bandwidth']).toBe(0);
    for (let turn = 0; turn < 8; turn++) round();
    expect(bbr.windowBytes).toBeGreaterThan(rate * 0.04);
  });

  it('never has a window of less than four of the datagrams that it sends', () => {
    settle();
    bbr.handleDatagramBytes(65_507);
    expect(bbr.windowBytes).toBeGreaterThanOrEqual(4 * 65_507);
  });

  it.each([-1e9, 1e9])('goes on when the clock jumps by %d ms', (jump) => {
    settle();
    now += jump;
    for (let turn = 0; turn < 30; turn++) round({ inFlightBytes: 10 * datagramBytes });
    expect(['up', 'down', 'cruise']).toContain(state());
    expect(bbr.pacingRate).toBeGreaterThan(0.7 * rate);
  });
});
