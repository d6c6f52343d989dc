import { describe, expect, it } from 'vitest';
import type { RunToSend, Transmit } from '../../../../plugins/udp/src/core/contract.js';
import { End, Pair, seeded } from './pair.js';

const link = { delayMs: 10 };

describe('the pace', () => {
  it.each([
    [100_000, 1],
    [1_000_000, 1],
    [25_000_000, 1],
    [200_000_000, 1],
  ])('of %d bytes a second is kept although timers are late by %d ms', (pacingRate, lateMs) => {
    const mebi64 = 64 * 1024 * 1024;
    const pair = new Pair(
      { link, pacingRate, windowBytes: mebi64, config: { pinnedDatagramBytes: 1472 } },
      { peer: { maxDatagramBytes: 1472, receiveBufferBytes: mebi64, creditBytes: mebi64 } },
    );
    pair.timersLateMs = lateMs;
    const bytes = Math.min(pacingRate, 5_000_000);
    pair.a.user.send(1, bytes);
    expect(pair.run(() => pair.b.user.finished.has(1), 5000)).toBe(true);
    // Two milliseconds, two datagrams at least, may go at once.
    const burst = Math.max((pacingRate / 1000) * 2, 2 * 1472);
    const rate = (pair.a.controller.sentBytes - burst) / ((pair.now - 10) / 1000);
    expect(rate / pacingRate).toBeGreaterThan(0.93);
    expect(rate / pacingRate).toBeLessThan(1.03);
  });

  it('lets no more go at once than a quarter of the receiver buffer', () => {
    const pair = new Pair(
      { link, pacingRate: 500_000_000, windowBytes: 64 * 1024 * 1024 },
      { peer: { maxDatagramBytes: 1472, receiveBufferBytes: 400_000, creditBytes: 64 * 1024 * 1024 } },
    );
    const { a } = pair;
    a.user.send(1, 10_000_000);
    let burst = 0;
    for (let sent = a.core.poll(0); sent !== undefined; sent = a.core.poll(0))
      if (sent.kind === 'run') burst += sent.bytes + sent.packets * 33;
    expect(burst).toBeGreaterThan(45_000);
    expect(burst).toBeLessThanOrEqual(100_000);
  });

  it('spreads the first window over a third of the first round trip', () => {
    const pair = new Pair({
      link: { delayMs: 50 },
      windowBytes: 64 * 1232,
      rttMs: 100,
      config: { pinnedDatagramBytes: 1232 },
    });
    pair.a.user.send(1, 1_000_000);
    pair.run(() => false, 18);
    expect(pair.a.controller.sentBytes / 1232).toBeGreaterThan(28);
    expect(pair.a.controller.sentBytes / 1232).toBeLessThan(40);
  });
});

it('the window is kept to, and full but for less than a datagram', () => {
  const pair = new Pair({ link, windowBytes: 100_000, config: { pinnedDatagramBytes: 1472 } });
  pair.a.user.send(1, 10_000_000);
  pair.run(() => false, 5);
  expect(pair.a.core.stats().inFlightBytes).toBeGreaterThan(100_000 - 1472);
  expect(pair.a.core.stats().inFlightBytes).toBeLessThanOrEqual(100_000);
});

describe('credit', () => {
  it('of the other side is what may be sent and not be known to be delivered', () => {
    const creditBytes = 50_000;
    const peer = { maxDatagramBytes: 1472, receiveBufferBytes: 8_000_000, creditBytes };
    const pair = new Pair({ link, config: { creditBytes } }, { peer });
    const { a, b } = pair;
    a.user.send(1, 400_000);
    a.user.send(2, 400_000);
    let most = 0;
    pair.passes = (from) => {
      if (from !== a) return true;
      const sent = a.user.outgoing.reduce((sum, { offset }) => sum + offset, 0);
      const got = [1, 2].reduce((sum, id) => sum + (b.user.received.get(id) ?? 0), 0);
      most = Math.max(most, sent - got);
      return pair.random() > 0.05;
    };
    expect(pair.run(() => b.user.finished.size === 2)).toBe(true);
    expect(most).toBeLessThanOrEqual(creditBytes);
    expect(most).toBeGreaterThan(creditBytes / 2);
  });

  it('is believed up to our own', () => {
    const peer = { maxDatagramBytes: 1472, receiveBufferBytes: 8_000_000, creditBytes: 2 ** 42 };
    const pair = new Pair({ link, windowBytes: 2 ** 24, config: { creditBytes: 50_000 } }, { peer });
    pair.a.user.send(1, 1_000_000);
    pair.passes = () => false;
    pair.run(() => false, 5);
    expect(pair.a.user.outgoing[0]!.offset).toBe(50_000);
    // Packet 1, with a credit of 4 TiB.
    const frames = Buffer.from(
      '02000000000001000000' + '00ffffffff' + '00000000' + '0001' + '00000001',
      'hex',
    );
    pair.a.core.handlePacket(pair.clock, { number: 1, frames, marked: 0, path: 0, datagramBytes: 50 });
    pair.run(() => false, 5);
    expect(pair.a.user.ends).toEqual([]);
    expect(pair.a.user.outgoing[0]!.offset).toBeLessThan(110_000);
  });

  it('of less than a datagram is used by more than a piece at a time', () => {
    const creditBytes = 16_384;
    const peer = { maxDatagramBytes: 65_507, receiveBufferBytes: 8_000_000, creditBytes };
    const config = { creditBytes, pinnedDatagramBytes: 50_000 };
    const { a } = new Pair({ link, windowBytes: 2 ** 24, config }, { peer });
    a.user.pieceBytes = 50;
    a.user.send(1, 100_000);
    while (a.core.poll(0) !== undefined);
    expect(a.user.outgoing[0]!.offset).toBeGreaterThan(creditBytes / 2 - 50);
    expect(a.user.outgoing[0]!.offset).toBeLessThanOrEqual(creditBytes);
  });

  it('of a stream that is forgotten is free again, and its content is given back once', () => {
    const creditBytes = 50_000;
    const peer = { maxDatagramBytes: 1472, receiveBufferBytes: 8_000_000, creditBytes };
    const pair = new Pair({ link, config: { creditBytes } }, { peer });
    const { a, b } = pair;
    pair.passes = (from) => from !== a;
    a.user.send(1, 1_000_000);
    pair.run(() => false, 50);
    expect(a.user.outgoing[0]!.offset).toBeGreaterThan(40_000);
    a.user.outgoing[0]!.finSent = true;
    a.core.forget(1);
    expect([a.user.done, a.user.doneTwice]).toEqual([a.user.pulled, 0]);
    pair.passes = () => true;
    a.user.send(2, 100_000);
    a.core.ready();
    expect(pair.run(() => b.user.finished.has(2), 5000)).toBe(true);
    expect(a.user.doneTwice).toBe(0);
  });
});

describe('losses', () => {
  it('of the tail are found by a probe', () => {
    const pair = new Pair({ link });
    const { a, b } = pair;
    a.user.send(1, 20_000);
    let dropped = 0;
    pair.passes = (from, { bytes }) => from !== a || bytes.length === 0 || dropped++ >= 17;
    expect(pair.run(() => b.user.finished.has(1), 3000)).toBe(true);
    expect(dropped).toBeGreaterThan(17);
  });

  it('of what the receiver had no room for are found, too', () => {
    const creditBytes = 3072;
    const peer = { maxDatagramBytes: 1472, receiveBufferBytes: 400_000, creditBytes };
    const pair = new Pair({ link: { delayMs: 5, loss: 0.4 }, config: { creditBytes } }, { peer });
    const { a, b } = pair;
    // Pieces cost the receiver more than their bytes.
    a.user.pieceBytes = 50;
    for (const streamId of [1, 2, 3]) a.user.send(streamId, 20_000);
    expect(pair.run(() => b.user.finished.size === 3, 120_000)).toBe(true);
  });

  it('that came after all are not sent again by a probe, for their content was given back', () => {
    const { core, user } = new End(
      { link, windowBytes: 10_000, rttMs: 20, config: { pinnedDatagramBytes: 1232 } },
      seeded(1),
    );
    user.send(1, 1199);
    user.send(2, 1199);
    let now = 0;
    let heard = 0;
    const drain = (): Transmit[] => {
      const sent: Transmit[] = [];
      for (let one = core.poll(now); one !== undefined; one = core.poll(now)) sent.push(one);
      return sent;
    };
    const acked = (number: number): void => {
      const hex = `02${number.toString(16).padStart(12, '0')}000000000000ffff00000000000100000001`;
      const frames = Buffer.from(hex, 'hex');
      core.handlePacket(now, { number: ++heard, frames, marked: 0, path: 0, datagramBytes: 50 });
    };
    const numbers: number[] = [];
    for (; now < 20; now++) for (const { number } of drain()) numbers.push(number);
    expect(numbers).toEqual([1, 2]);
    acked(2);
    // The first is found lost, and sent again …
    for (; now < 40 && numbers.length < 3; now++) {
      if (core.nextTimeout <= now) core.handleTimeout(now);
      for (const { number } of drain()) numbers.push(number);
    }
    expect(numbers).toEqual([1, 2, 3]);
    // … and has come, while the ACK of the third is lost.
    acked(1);
    expect(user.done).toBe(2);
    const later: Transmit[] = [];
    for (; now < 2_000; now++) {
      if (core.nextTimeout <= now) core.handleTimeout(now);
      later.push(...drain());
    }
    expect(later.length).toBeGreaterThan(0);
    expect(later.filter(({ kind }) => kind === 'run')).toEqual([]);
  });

  it('that were none are told, and widen the reordering window until they stop', () => {
    const pair = new Pair({ link: { delayMs: 20, jitterMs: 30 }, windowBytes: 60_000, seed: 3 });
    const { a, b } = pair;
    a.user.send(1, 3_000_000);
    pair.run(() => (b.user.received.get(1) ?? 0) > 1_000_000);
    const first = a.core.stats().spuriousLosses;
    expect(first).toBeGreaterThan(0);
    expect(a.controller.spuriousBytes).toBeGreaterThan(0);
    expect(pair.run(() => b.user.finished.has(1))).toBe(true);
    expect(a.core.stats().spuriousLosses - first).toBeLessThan(first);
    expect(b.user.wrong).toEqual([]);
  });

  it('of all packets for several probe timeouts void what was known, once', () => {
    const pair = new Pair({ link });
    const { a, b } = pair;
    a.user.send(1, 50_000_000);
    pair.run(() => (b.user.received.get(1) ?? 0) > 100_000);
    pair.passes = () => false;
    pair.run(() => false, 4000);
    expect(a.controller.persistent).toBe(1);
    pair.passes = () => true;
    expect(pair.run(() => b.user.finished.has(1))).toBe(true);
  });

  it('are told with when the packets were sent and what was in flight then', () => {
    const pair = new Pair({ link, config: { pinnedDatagramBytes: 1472 } });
    const { a, b } = pair;
    let count = 0;
    pair.passes = (from, { bytes }) => from !== a || bytes.length === 0 || ++count !== 50;
    a.user.send(1, 1_000_000);
    pair.run(() => b.user.finished.has(1));
    expect(a.controller.losses.length).toBe(1);
    const [loss] = a.controller.losses;
    expect(loss).toMatchObject({ lostBytes: 1472, sentAt: 0 });
    expect(loss!.inFlightThen).toBeGreaterThan(49 * 1472);
    expect(a.core.stats()).toMatchObject({ packetsLost: 1, spuriousLosses: 0 });
  });
});

describe('what a controller is told', () => {
  it('is the rate of delivery, and whether there was more to send', () => {
    const rate = 1_000_000;
    const pair = new Pair({
      link: { delayMs: 10, rate },
      windowBytes: 60_000,
      config: { pinnedDatagramBytes: 1472 },
    });
    const { a, b } = pair;
    a.user.send(1, 2_000_000);
    pair.run(() => a.user.pulled > 0 && a.user.done === a.user.pulled && b.user.finished.has(1));
    const { acks } = a.controller;
    const middle = acks.slice(20, -40);
    expect(middle.every(({ isAppLimited }) => !isAppLimited)).toBe(true);
    const rates = middle.map(({ deliveryRate }) => deliveryRate ?? 0).filter((one) => one > 0);
    expect(Math.max(...rates)).toBeLessThan(rate * 1.1);
    expect(rates.toSorted((x, y) => x - y)[rates.length >> 1]).toBeGreaterThan(rate * 0.95);
    const total = acks.reduce((sum, { ackedBytes }) => sum + ackedBytes, 0);
    expect([total, acks.at(-1)!.deliveredBytes]).toEqual([a.controller.sentBytes, a.controller.sentBytes]);
    expect(acks.at(-1)!.inFlightBytes).toBe(0);
    // A few bytes at a time: limited by them.
    a.user.send(2, 10_000);
    a.user.pieceBytes = 100;
    a.core.ready();
    pair.run(() => b.user.finished.has(2));
    a.user.send(3, 100);
    a.core.ready();
    pair.run(() => a.user.done === a.user.pulled);
    expect(a.controller.acks.at(-1)!.isAppLimited).toBe(true);
  });

  it('is every mark, once', () => {
    const pair = new Pair({ link: { delayMs: 10, markShare: 0.2, loss: 0.05 } });
    pair.a.user.send(1, 2_000_000);
    pair.run(() => pair.a.user.done === pair.a.user.pulled && pair.b.user.finished.has(1));
    const told = pair.a.controller.acks.reduce((sum, { marked }) => sum + marked, 0);
    expect(told / pair.a.sentPackets).toBeGreaterThan(0.15);
    expect(told / pair.a.sentPackets).toBeLessThan(0.25);
  });
});

describe('a clock that jumps', () => {
  it.each([-100_000, 100_000, 3_600_000])('by %d ms does no harm', (jumpMs) => {
    const pair = new Pair({ link: { delayMs: 10, loss: 0.02 } });
    const { a, b } = pair;
    a.user.send(1, 3_000_000);
    pair.run(() => (b.user.received.get(1) ?? 0) > 500_000);
    const before = a.core.stats();
    const at = pair.now;
    pair.skewMs = jumpMs;
    pair.run(() => (b.user.received.get(1) ?? 0) > 1_000_000);
    pair.skewMs = jumpMs / 2;
    expect(pair.run(() => b.user.finished.has(1), 5000)).toBe(true);
    expect([a.user.ends, b.user.ends]).toEqual([[], []]);
    expect(a.core.stats().rttMs).toBeLessThan(before.rttMs * 2);
    expect(a.core.stats().minRttMs).toBeGreaterThan(15);
    expect(pair.now - at).toBeLessThan(2500);
  });
});

it('runs are as long as what there is, and as eight messages of the kernel take', () => {
  const pair = new Pair({ link, windowBytes: 10_000_000, config: { pinnedDatagramBytes: 1472 } });
  pair.a.keepsSent = true;
  pair.a.user.send(1, 1_000_000);
  pair.run(() => pair.b.user.finished.has(1));
  const runs = pair.a.sent.filter((sent): sent is RunToSend => sent.kind === 'run');
  // What the user gives at once are 64 KiB.
  expect(Math.max(...runs.map(({ packets }) => packets))).toBe(46);
  for (const { packets, bytes } of runs) expect(bytes + packets * 33).toBeLessThanOrEqual(8 * 65_507);
});

it('takes up what its user tells of while it is asked for content', () => {
  const { a } = new Pair({ link, rttMs: 20 });
  while (a.core.poll(0) !== undefined);
  expect(a.core.poll(0)).toBeUndefined();
  const pull = a.user.pullContent.bind(a.user);
  a.user.pullContent = () => {
    a.user.controlOut.push(new Uint8Array(10));
    a.core.ready();
    a.user.pullContent = pull;
    return undefined;
  };
  a.core.ready();
  expect(a.core.poll(0)).toBeUndefined();
  expect(a.core.poll(0)).toMatchObject({ kind: 'control' });
});
