import { afterEach, describe, expect, it, vi } from 'vitest';
import type { ControlToSend } from '../../../../plugins/udp/src/core/contract.js';
import { PacketNumbers } from '../../../../plugins/udp/src/core/packet-numbers.js';
import { Pair } from './pair.js';

const link = { delayMs: 10 };

describe('close', () => {
  it('comes behind all that was sent, and is known to both', () => {
    const pair = new Pair({ link: { delayMs: 10, loss: 0.2 }, seed: 7 });
    const { a, b } = pair;
    a.user.send(1, 200_000);
    a.user.controlOut.push(new Uint8Array(3000));
    a.core.close(0, 0, 'bye');
    expect(pair.run(() => a.user.ends.length + b.user.ends.length === 2)).toBe(true);
    expect(b.user.ends).toEqual([{ kind: 'closed', code: 0, reason: 'bye' }]);
    expect(a.user.ends).toEqual([{ kind: 'finished' }]);
    expect([b.user.received.get(1), b.user.controlIn.length]).toEqual([200_000, 3000]);
    expect(a.user.done).toBe(a.user.pulled);
  });

  it('ends although the other side is gone', () => {
    const pair = new Pair({ link, rttMs: 20 });
    pair.passes = () => false;
    pair.a.core.close(0, 0, 'bye');
    expect(pair.run(() => pair.a.user.ends.length > 0, 2000)).toBe(true);
    expect(pair.a.user.ends).toEqual([{ kind: 'finished' }]);
    // Once and by three probe timeouts; a second packet goes with the later ones.
    expect(pair.a.sentPackets).toBeGreaterThanOrEqual(3);
    expect(pair.a.sentPackets).toBeLessThan(10);
  });

  it('is answered again where the answer was lost, for a while and not for ever', () => {
    const pair = new Pair({ link, rttMs: 20 });
    const { a, b } = pair;
    let answers = 0;
    pair.passes = (from) => from !== b || (b.user.ends.length > 0 && ++answers > 1);
    a.core.close(0, 0, '');
    expect(pair.run(() => a.user.ends.length > 0)).toBe(true);
    expect(a.user.ends).toEqual([{ kind: 'finished' }]);
    expect(answers).toBeGreaterThan(1);
    pair.run(() => false, 5000);
    expect([a.core.nextTimeout, b.core.nextTimeout]).toEqual([Infinity, Infinity]);
    expect(a.core.poll(pair.clock)).toBeUndefined();
  });

  it('is answered where the last packet came from, with three times that at most', () => {
    const pair = new Pair({ link, rttMs: 20 });
    const { b } = pair;
    const hear = (number: number, hex: string, path: number): ControlToSend => {
      const frames = Buffer.from(hex, 'hex');
      b.core.handlePacket(1, { number, frames, marked: 0, path, datagramBytes: frames.length + 23 });
      b.core.handleBatchEnd(1);
      return b.core.poll(1) as ControlToSend;
    };
    while (b.core.poll(0) !== undefined);
    const last = hear(1, '06000000', 0);
    expect([last.path, last.frames[0]]).toEqual([0, 2]);
    const moved = hear(2, '01', 5);
    expect([moved.path, moved.frames[0]]).toEqual([5, 2]);
    const wrong = new Pair({ link, rttMs: 20 }).b;
    wrong.core.handlePacket(0, {
      number: 1,
      frames: Uint8Array.of(99),
      marked: 0,
      path: 0,
      datagramBytes: 24,
    });
    const all = wrong.core.poll(0) as ControlToSend;
    expect([all.path, all.frames[0]]).toEqual([0, 6]);
    wrong.core.handlePacket(1, {
      number: 2,
      frames: Uint8Array.of(1),
      marked: 0,
      path: 6,
      datagramBytes: 24,
    });
    wrong.core.handleBatchEnd(1);
    const part = wrong.core.poll(1) as ControlToSend;
    expect([part.path, part.frames[0]]).toEqual([6, 6]);
    expect(part.frames.length + 23).toBeLessThanOrEqual(3 * 24);
  });

  it('is over for good on long round trips, too', () => {
    const pair = new Pair({ link: { delayMs: 350 }, rttMs: 700 });
    const { a, b } = pair;
    a.core.close(0, 0, '');
    expect(pair.run(() => a.user.ends.length + b.user.ends.length === 2)).toBe(true);
    pair.run(() => false, 15_000);
    expect([a.core.nextTimeout, b.core.nextTimeout]).toEqual([Infinity, Infinity]);
  });

  it('by both at once ends both', () => {
    const pair = new Pair({ link });
    pair.a.core.close(0, 0, 'a');
    pair.b.core.close(0, 0, 'b');
    expect(pair.run(() => pair.a.user.ends.length + pair.b.user.ends.length === 2)).toBe(true);
    expect(pair.a.user.ends).toEqual([{ kind: 'closed', code: 0, reason: 'b' }]);
    expect(pair.b.user.ends).toEqual([{ kind: 'closed', code: 0, reason: 'a' }]);
  });
});

describe('a connection ends in order', () => {
  afterEach(() => void vi.restoreAllMocks());
  const endInOrder = ({ a, b }: Pair): void => {
    expect([a.user.ends, a.user.done]).toEqual([[{ kind: 'finished' }], a.user.pulled]);
    expect(b.user.ends).toMatchObject([{ kind: 'closed', code: 0 }]);
  };

  it('where packet numbers run out', () => {
    const pair = new Pair({ link: { delayMs: 10, loss: 0.05 } });
    const { a, b } = pair;
    a.user.send(1, 100_000_000);
    pair.run(() => (b.user.received.get(1) ?? 0) > 500_000);
    // Of the one that sends, not of the other.
    const last = a.core.stats().packetsSent;
    vi.spyOn(PacketNumbers.prototype, 'areLow', 'get').mockImplementation(function (this: PacketNumbers) {
      return this.next > last;
    });
    pair.run(() => a.user.ends.length + b.user.ends.length === 2);
    endInOrder(pair);
    // All that was pulled has arrived.
    expect(b.user.received.get(1)).toBe(a.user.outgoing[0]!.offset);
  });

  it('where none is left at all, and sends nothing more', () => {
    const { a } = new Pair({ link });
    a.user.send(1, 100_000);
    vi.spyOn(PacketNumbers.prototype, 'areSpent', 'get').mockReturnValue(true);
    expect(a.core.poll(0)).toBeUndefined();
    expect(a.user.ends).toEqual([{ kind: 'finished' }]);
    expect(a.core.poll(0)).toBeUndefined();
  });

  it('where offsets of a stream run out', () => {
    const pair = new Pair({ link });
    const { a, b } = pair;
    a.user.outgoing.push({ streamId: 1, bytes: 2 ** 49, offset: 2 ** 48 - 100_000, finSent: false });
    pair.run(() => a.user.ends.length + b.user.ends.length === 2);
    endInOrder(pair);
  });
});

describe('abort', () => {
  it('says CLOSE once, gives all content back and then nothing more', () => {
    const pair = new Pair({ link });
    const { a, b } = pair;
    a.user.send(1, 100_000_000);
    pair.run(() => (b.user.received.get(1) ?? 0) > 100_000);
    pair.forgetUnderWay();
    a.core.abort(pair.clock, 5, 'enough');
    expect([a.user.done, a.user.doneTwice]).toEqual([a.user.pulled, 0]);
    const last = a.core.poll(pair.clock) as ControlToSend;
    expect(Buffer.from(last.frames.subarray(0, 10)).toString('hex')).toBe('06000506656e6f756768');
    expect(a.core.poll(pair.clock)).toBeUndefined();
    expect(a.core.nextTimeout).toBe(Infinity);
    expect(a.user.ends).toEqual([]);
    b.core.handlePacket(pair.clock, {
      number: last.number,
      frames: last.frames,
      marked: 0,
      path: 0,
      datagramBytes: 60,
    });
    expect(b.user.ends).toEqual([{ kind: 'closed', code: 5, reason: 'enough' }]);
  });

  it('within a handler ends at once what is being given out', () => {
    const pair = new Pair({ link });
    const { a, b } = pair;
    a.user.send(1, 50_000);
    let given = 0;
    b.user.handleContent = () => {
      given += 1;
      b.core.abort(pair.clock, 9, '');
    };
    pair.run(() => a.user.ends.length > 0, 5000);
    expect(given).toBe(1);
    expect(a.user.ends).toEqual([{ kind: 'closed', code: 9, reason: '' }]);
  });
});

it('a connection on which nothing is heard is over after the idle timeout', () => {
  const pair = new Pair({ link, config: { idleTimeoutMs: 20_000 } });
  const { a } = pair;
  a.user.send(1, 10_000);
  pair.run(() => a.user.done === a.user.pulled && a.user.pulled > 0);
  const heardAt = pair.now;
  pair.passes = () => false;
  expect(pair.run(() => a.user.ends.length > 0)).toBe(true);
  expect(a.user.ends).toEqual([{ kind: 'silent' }]);
  expect(pair.now - heardAt).toBeGreaterThanOrEqual(19_900);
  expect(pair.now - heardAt).toBeLessThan(20_100);
});

describe('a violation', () => {
  const violate = (hex: string): Pair => {
    const pair = new Pair({ link });
    const { a, b } = pair;
    a.user.send(1, 5000);
    pair.run(() => b.user.finished.has(1));
    const frames = Buffer.from(hex, 'hex');
    b.core.handlePacket(pair.clock, { number: 1000, frames, marked: 0, path: 0, datagramBytes: 100 });
    pair.run(() => a.user.ends.length > 0, 5000);
    return pair;
  };

  it.each([
    ['an ACK of a packet that was never sent', '0200000000ffff0000000000010000000000000001' + '00000001'],
    ['a frame of the unknown type 7', '07'],
    ['a frame that does not fit into its packet', '030000000000000005aabb'],
    [
      'a second ACK in one packet',
      ('02000000000001000000000001000000000000' + '0001' + '00000001').repeat(2),
    ],
    ['an ACK without ranges', '02000000000001000000000001000000000000' + '0000' + '00000001'],
    ['an ACK with a range that is none', '02000000000001000000000001000000000000' + '0001' + '00000002'],
    ['more control than may be under way', '03000000110000' + '0001' + 'aa'],
  ])('%s is told to both', (reason, hex) => {
    const { a, b } = violate(hex);
    expect(b.user.ends).toEqual([{ kind: 'violation', reason }]);
    expect(a.user.ends).toEqual([{ kind: 'closed', code: 1, reason }]);
  });

  const run = { packets: 1, marked: 0, path: 0 };
  it.each([
    ['past its limit', [{ offset: 9_999, length: 2, fin: false }]],
    [
      'behind its end',
      [
        { offset: 90, length: 10, fin: true },
        { offset: 100, length: 1, fin: false },
      ],
    ],
    [
      'with another end',
      [
        { offset: 90, length: 10, fin: true },
        { offset: 80, length: 10, fin: true },
      ],
    ],
    [
      'with an end before what came',
      [
        { offset: 90, length: 10, fin: false },
        { offset: 80, length: 10, fin: true },
      ],
    ],
  ])('content %s', (reason, runs) => {
    const { b } = new Pair({ link });
    b.user.limit = () => 10_000;
    let number = 1;
    for (const { offset, length, fin } of runs)
      b.core.handleRun(0, {
        ...run,
        number: number++,
        streamId: 1,
        offset,
        fin,
        bytes: new Uint8Array(length),
      });
    expect(b.user.ends).toEqual([{ kind: 'violation', reason: `content of stream 1 ${reason}` }]);
  });
});
