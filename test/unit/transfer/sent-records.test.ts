import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { transferDefaults } from '../../../src/config/index.js';
import { SentRecords } from '../../../src/transfer/sent-records.js';

const { windowBytes } = transferDefaults;

describe('the window of a session', () => {
  it('is full with so many bytes, and has room again when some are received', () => {
    const records = new SentRecords();
    records.add(windowBytes - 1);
    expect(records.hasRoom).toBe(true);
    records.add(1);
    expect(records.hasRoom).toBe(false);
    expect(records.handleReceived(1, 2)).toBe(true);
    expect([records.hasRoom, records.receivedBytes]).toEqual([true, 1]);
  });

  it('is full with so many records, however small', () => {
    const records = new SentRecords();
    for (let n = 0; n < 1024; n++) {
      expect(records.hasRoom).toBe(true);
      expect(records.add(0)).toBe(n);
    }
    expect(records.hasRoom).toBe(false);
    records.handleReceived(0, 1);
    expect(records.hasRoom).toBe(true);
  });

  it('gives back what a record turned out not to hold', () => {
    const records = new SentRecords();
    const number = records.add(windowBytes);
    records.shorten(number, 10);
    expect(records.hasRoom).toBe(true);
    records.handleReceived(number, number + 1);
    expect(records.receivedBytes).toBe(10);
    records.shorten(number, 5);
    expect(records.receivedBytes).toBe(10);
  });

  it('knows no record that was never sent, and no empty or turned range', () => {
    const records = new SentRecords();
    records.add(7);
    records.add(7);
    const refused = [
      [2, 3],
      [0, 3],
      [1, 1],
      [1, 0],
      [0, Number.MAX_SAFE_INTEGER],
    ] as const;
    for (const [from, to] of refused) expect(records.handleReceived(from, to)).toBe(false);
    expect(records.receivedBytes).toBe(0);
  });

  it('counts each record once, whatever ranges are named', () => {
    const pair = fc.tuple(fc.nat(60), fc.nat(60));
    const sizes = fc.array(fc.nat(1000), { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(sizes, fc.array(pair, { maxLength: 20 }), (bodies, pairs) => {
        const records = new SentRecords();
        for (const bytes of bodies) records.add(bytes);
        const received = new Set<number>();
        for (const [from, to] of pairs) {
          const isKnown = from < to && to <= bodies.length;
          expect(records.handleReceived(from, to)).toBe(isKnown);
          if (isKnown) for (let n = from; n < to; n++) received.add(n);
        }
        const sum = [...received].reduce((total, n) => total + (bodies[n] ?? 0), 0);
        expect([records.count, records.receivedBytes]).toEqual([bodies.length, sum]);
      }),
    );
  });
});
