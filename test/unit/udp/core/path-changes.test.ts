import { describe, expect, it } from 'vitest';
import type { ControlToSend } from '../../../../plugins/udp/src/core/contract.js';
import { Pair } from './pair.js';

const link = { delayMs: 10 };

describe('the largest datagram', () => {
  it.each([
    [1500, 1472],
    [1454, 1452],
    [9000, 8952],
    [65_535, 65_507],
  ])('on a path that takes %d bytes is found: %d', (mtuBytes, found) => {
    const pair = new Pair({ link: { delayMs: 10, mtuBytes } });
    const { a, b } = pair;
    a.user.send(1, 30_000_000);
    expect(pair.run(() => b.user.finished.has(1))).toBe(true);
    expect(a.core.stats().datagramBytes).toBeGreaterThanOrEqual(found);
    expect(a.core.stats().datagramBytes).toBeLessThanOrEqual(mtuBytes);
    expect(a.controller.datagramBytes).toBe(a.core.stats().datagramBytes);
    // Probes that are lost are no losses.
    expect([a.core.stats().packetsLost, a.controller.losses]).toEqual([0, []]);
  });

  it('on loopback is found within a few round trips', () => {
    const pair = new Pair({ link: { delayMs: 0.05 } });
    pair.a.user.send(1, 100_000_000);
    pair.run(() => pair.a.core.stats().datagramBytes === 65_507, 5);
    expect(pair.a.core.stats().datagramBytes).toBe(65_507);
  });

  it('that a slow path cannot probe does not wake an idle connection', () => {
    const pair = new Pair({ link, pacingRate: 100_000 });
    let turns = 0;
    pair.run(() => pair.a.core.stats().datagramBytes === 1472, 3_000);
    expect(pair.a.core.stats().datagramBytes).toBe(1472);
    pair.run(() => (turns++, false), 30_000);
    // Both have their heartbeat.
    expect(turns).toBeLessThan(60);
  });

  it('stays what it is pinned to', () => {
    const pair = new Pair({ link, config: { pinnedDatagramBytes: 1472 } });
    pair.a.keepsSent = true;
    pair.a.user.send(1, 1_000_000);
    pair.run(() => pair.b.user.finished.has(1));
    expect(pair.a.core.stats().datagramBytes).toBe(1472);
    expect(pair.a.sent.filter((sent) => 'datagramBytes' in sent)).toEqual([]);
  });

  it('goes back to the base where large ones are not carried any more', () => {
    const pair = new Pair({ link: { delayMs: 10, mtuBytes: 9000 } });
    const { a, b } = pair;
    a.user.send(1, 60_000_000);
    expect(pair.run(() => a.core.stats().datagramBytes === 8952, 2000)).toBe(true);
    a.link = { delayMs: 10, mtuBytes: 1400 };
    expect(pair.run(() => b.user.finished.has(1))).toBe(true);
    expect(a.core.stats().datagramBytes).toBeLessThanOrEqual(1400);
    expect(b.user.wrong).toEqual([]);
  });
});

describe('a change of address', () => {
  const moved = (): Pair => {
    const pair = new Pair({ link });
    const { a, b } = pair;
    a.user.send(1, 20_000_000);
    b.user.send(2, 20_000_000);
    pair.run(() => (b.user.received.get(1) ?? 0) > 1_000_000);
    return pair;
  };

  it('is proven, followed, and costs nothing that was sent', () => {
    const pair = moved();
    const { a, b } = pair;
    // What is under way to the old address is lost.
    a.inbox = [];
    a.address = 3;
    const before = b.controllers.length;
    expect(pair.run(() => b.user.paths.length > 0, 1000)).toBe(true);
    expect(b.user.paths).toEqual([3]);
    expect(b.controllers.length).toBe(before + 1);
    // The round trip of the challenge is the new path's first.
    expect(b.core.stats().rttMs).toBeCloseTo(20, 0);
    expect(pair.run(() => b.user.finished.has(1) && a.user.finished.has(2))).toBe(true);
    expect([a.user.wrong, b.user.wrong, a.user.paths, b.user.paths]).toEqual([[], [], [], [3]]);
  });

  it('is not followed by a copy of what came already, nor by old packets', () => {
    const pair = moved();
    const { a, b } = pair;
    b.keepsSent = true;
    const number = 3;
    const bytes = new Uint8Array(10);
    b.core.handleRun(pair.clock, {
      number,
      packets: 1,
      streamId: 1,
      offset: 0,
      fin: false,
      bytes,
      marked: 0,
      path: 5,
    });
    pair.run(() => b.user.finished.has(1) && a.user.finished.has(2));
    expect(b.user.paths).toEqual([]);
    expect(b.sent.filter(({ path }) => path === 5)).toEqual([]);
  });

  it('that is not answered from there is given up, with little sent there', () => {
    const pair = moved();
    const { a, b } = pair;
    b.keepsSent = true;
    // One new packet is taken by someone and sent on from elsewhere.
    let taken: number | undefined;
    pair.passes = (from, packet) => {
      if (from !== a || taken !== undefined || packet.bytes.length === 0) return true;
      const { number, streamId, offset, fin, bytes } = packet;
      taken = bytes.length + 33;
      b.core.handleRun(pair.clock, { number, packets: 1, streamId, offset, fin, bytes, marked: 0, path: 6 });
      return false;
    };
    expect(pair.run(() => b.user.finished.has(1) && a.user.finished.has(2))).toBe(true);
    pair.run(() => false, 5000);
    const there = b.sent.filter(({ path }) => path === 6) as ControlToSend[];
    expect(b.user.paths).toEqual([]);
    expect(there.length).toBeGreaterThan(0);
    expect(there.reduce((sum, { frames }) => sum + frames.length + 23, 0)).toBeLessThanOrEqual(3 * taken!);
    expect(b.controller.losses).toEqual([]);
  });

  it('is not proven by an answer that is wrong, or from elsewhere', () => {
    const { b } = new Pair({ link });
    const ping = Buffer.from('01', 'hex');
    const from = (number: number, path: number, frames: Uint8Array): void =>
      b.core.handlePacket(0, { number, frames, marked: 0, path, datagramBytes: 100 });
    from(1, 4, ping);
    const challenge = b.core.poll(0) as ControlToSend;
    expect([challenge.path, challenge.frames[0], challenge.frames.length]).toEqual([4, 4, 9]);
    const answer = challenge.frames.slice();
    answer[0] = 5;
    from(2, 0, answer);
    from(3, 7, answer);
    const wrong = answer.slice();
    wrong[8]! ^= 1;
    from(4, 4, wrong);
    expect(b.user.paths).toEqual([]);
    from(5, 4, answer);
    expect(b.user.paths).toEqual([4]);
  });

  it('is tried for few addresses at once', () => {
    const { b } = new Pair({ link });
    for (let path = 1; path <= 50; path++)
      b.core.handlePacket(0, {
        number: path,
        frames: Buffer.from('01', 'hex'),
        marked: 0,
        path,
        datagramBytes: 100,
      });
    const tried = new Set<number>();
    for (let sent = b.core.poll(0); sent !== undefined; sent = b.core.poll(0))
      if (sent.kind === 'control' && sent.frames[0] === 4) tried.add(sent.path);
    expect(tried).toEqual(new Set([47, 48, 49, 50]));
  });
});

it('answers to challenges that are never acknowledged are not remembered', () => {
  const { b } = new Pair({ link, config: { pinnedDatagramBytes: 1232 } });
  const frames = Buffer.from('040102030405060708', 'hex');
  for (let number = 1; number <= 1000; number++) {
    b.core.handlePacket(0, { number, frames, marked: 0, path: number % 3, datagramBytes: 32 });
    while (b.core.poll(0) !== undefined);
  }
  expect(b.core.stats().packetsSent).toBeGreaterThan(300);
  expect(b.core.stats().sentRuns).toBe(0);
});

it('a challenge is answered on the path that it came on', () => {
  const { b } = new Pair({ link });
  b.core.handlePacket(0, {
    number: 1,
    frames: Buffer.from('040102030405060708', 'hex'),
    marked: 0,
    path: 9,
    datagramBytes: 32,
  });
  const answer = b.core.poll(0) as ControlToSend;
  expect([answer.path, Buffer.from(answer.frames).toString('hex')]).toEqual([9, '050102030405060708']);
});
