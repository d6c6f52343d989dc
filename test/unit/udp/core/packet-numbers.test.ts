import { describe, expect, it } from 'vitest';
import { PacketNumbers } from '../../../../plugins/udp/src/core/packet-numbers.js';
import { ReceivedAck } from '../../../../plugins/udp/src/core/received-ack.js';
import { Pair, seeded } from './pair.js';

/** Uses so many, one by one. The numbers that were not used. */
function skippedOf(numbers: PacketNumbers, count: number): number[] {
  const skipped: number[] = [];
  for (let index = 0; index < count; index++) {
    const { next } = numbers;
    numbers.use(1);
    for (let number = next + 1; number < numbers.next; number++) skipped.push(number);
  }
  return skipped;
}

/** Of one range. */
function ackOf(first: number, last: number): ReceivedAck {
  const frames = Buffer.alloc(25);
  frames.writeUIntBE(last, 1, 6);
  frames.writeUInt16BE(1, 19);
  frames.writeUInt32BE(last - first + 1, 21);
  const ack = new ReceivedAck();
  expect(ack.read(frames, 0)).toBeUndefined();
  return ack;
}

describe('packet numbers', () => {
  it('leave one out now and then, first often and then seldom', () => {
    const skipped = skippedOf(new PacketNumbers(seeded(1)), 200_000);
    expect(skipped[0]).toBeLessThan(100);
    expect(skipped.filter((number) => number < 2_000).length).toBeGreaterThan(3);
    expect(skipped.length).toBeGreaterThan(15);
    expect(skipped.length).toBeLessThan(40);
  });

  it('show an ACK of one that was left out, and of one to come, but no other', () => {
    const numbers = new PacketNumbers(seeded(2));
    const skipped = skippedOf(numbers, 5_000);
    for (const number of skipped) {
      expect(numbers.isRefutedBy(ackOf(number, number))).toBe(true);
      expect(numbers.isRefutedBy(ackOf(1, number + 20))).toBe(true);
      expect(numbers.isRefutedBy(ackOf(number + 1, number + 20))).toBe(false);
      expect(numbers.isRefutedBy(ackOf(number - 1, number - 1))).toBe(false);
    }
    expect(numbers.isRefutedBy(ackOf(numbers.next, numbers.next))).toBe(true);
  });

  it('are never more than 48 bits', () => {
    const numbers = new PacketNumbers(seeded(3), 2 ** 48 - 70_000);
    expect([numbers.areLow, numbers.areSpent]).toEqual([false, false]);
    skippedOf(numbers, 5_000);
    expect([numbers.areLow, numbers.areSpent]).toEqual([true, false]);
    let last = 0;
    for (let index = 0; index < 10_000 && !numbers.areSpent; index++) {
      last = numbers.next + 43;
      numbers.use(44);
    }
    expect(numbers.areSpent).toBe(true);
    expect(last).toBeLessThanOrEqual(2 ** 48 - 1);
  });
});

it('who acknowledges what it did not get is found out', () => {
  const pair = new Pair({ link: { delayMs: 10 } });
  const { a, b } = pair;
  a.user.send(1, 10_000_000);
  pair.run(() => b.user.finished.has(1) || a.user.pulled > 40);
  const largest = a.core.stats().packetsSent;
  const ack = Buffer.alloc(25);
  ack[0] = 2;
  ack.writeUIntBE(largest, 1, 6);
  ack.writeUInt16BE(1, 19);
  ack.writeUInt32BE(largest, 21);
  a.core.handlePacket(pair.clock, { number: 9_999, frames: ack, marked: 0, path: 0, datagramBytes: 48 });
  expect(a.user.ends).toEqual([{ kind: 'violation', reason: 'an ACK of a packet that was never sent' }]);
});
