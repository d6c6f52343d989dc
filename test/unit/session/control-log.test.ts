import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ControlLog } from '../../../src/session/control-log.js';

const most = 8;
const body = (number: number) => Uint8Array.of(number);
/** What one arrival gives to deliver, or what it is instead. */
const arrive = (log: ControlLog, number: number) => {
  const handled = log.handle(number, body(number));
  return handled.kind === 'deliver' ? handled.bodies.map((bytes) => bytes[0]) : handled.kind;
};

describe('control messages that arrive', () => {
  it('are delivered once and in order, in whatever order and however often they come', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.infiniteStream(fc.nat()), (count, choices) => {
        const log = new ControlLog(most, 100);
        const delivered: unknown[] = [];
        for (let step = 0; log.delivered < count; step++) {
          const [choice = 0] = choices.take(1);
          // Any that may be on its way, old ones too; now and then the one that is waited for.
          const lowest = Math.max(1, log.delivered - 2);
          const highest = Math.min(count, log.delivered + most);
          const number = step % 3 === 0 ? log.delivered + 1 : lowest + (choice % (highest - lowest + 1));
          const handled = arrive(log, number);
          if (Array.isArray(handled)) delivered.push(...handled);
        }
        expect(delivered).toEqual(Array.from({ length: count }, (_, i) => i + 1));
      }),
      { numRuns: 100 },
    );
  });

  it('wait behind a gap and come together when it is filled', () => {
    const log = new ControlLog(most, 100);
    expect([arrive(log, 3), arrive(log, 2), log.delivered]).toEqual([[], [], 0]);
    expect([arrive(log, 1), log.delivered]).toEqual([[1, 2, 3], 3]);
  });

  it('are duplicates once they came, delivered or waiting', () => {
    const log = new ControlLog(most, 100);
    arrive(log, 1);
    arrive(log, 3);
    expect([arrive(log, 1), arrive(log, 3), arrive(log, 0)]).toEqual(['duplicate', 'duplicate', 'duplicate']);
    expect(log.delivered).toBe(1);
  });

  it('may be so many ahead of the last in order, and not one more', () => {
    const log = new ControlLog(most, 100);
    arrive(log, 1);
    expect([arrive(log, 1 + most), arrive(log, 2 + most)]).toEqual([[], 'violation']);
    expect(arrive(log, Number.MAX_SAFE_INTEGER)).toBe('violation');
    arrive(log, 2);
    expect(arrive(log, 2 + most)).toEqual([]);
  });
});

describe('control messages behind a gap', () => {
  it('are so many bytes together at most, counted until they are delivered', () => {
    const log = new ControlLog(most, 100);
    const give = (number: number, bytes: number) => log.handle(number, new Uint8Array(bytes)).kind;
    for (let round = 0; round < 10; round++) {
      const base = log.delivered;
      expect([give(base + 2, 60), give(base + 3, 40), give(base + 1, 1000)]).toEqual(
        Array(3).fill('deliver'),
      );
      expect(log.delivered).toBe(base + 3);
    }
    expect([give(32, 60), give(33, 41)]).toEqual(['deliver', 'violation']);
  });
});

describe('control messages that were sent', () => {
  const filled = (count: number) => {
    const log = new ControlLog(most, 100);
    for (let number = 1; number <= count; number++)
      expect(log.append(body(number))).toEqual({ number, body: body(number) });
    return log;
  };
  const kept = (log: ControlLog) => log.unacknowledged().map(({ number }) => number);

  it('are kept in order until they are acknowledged', () => {
    const log = filled(5);
    expect(kept(log)).toEqual([1, 2, 3, 4, 5]);
    expect([log.acknowledge(2), kept(log)]).toEqual([true, [3, 4, 5]]);
    expect(log.unacknowledged()[0]).toEqual({ number: 3, body: body(3) });
    expect([log.acknowledge(5), kept(log)]).toEqual([true, []]);
  });

  it('stay acknowledged when an older acknowledgement comes later', () => {
    const log = filled(5);
    log.acknowledge(4);
    expect([log.acknowledge(2), log.acknowledge(4), log.acknowledge(0)]).toEqual([true, true, true]);
    expect(kept(log)).toEqual([5]);
  });

  it('cannot be acknowledged before they are sent, and nothing is forgotten then', () => {
    const log = filled(3);
    expect([log.acknowledge(4), log.acknowledge(Number.MAX_SAFE_INTEGER)]).toEqual([false, false]);
    expect(kept(log)).toEqual([1, 2, 3]);
    expect(new ControlLog(most, 100).acknowledge(1)).toBe(false);
  });

  it('have room up to the limit, and again with an acknowledgement', () => {
    const log = filled(most - 1);
    expect(log.hasRoom).toBe(true);
    log.append(body(most));
    expect(log.hasRoom).toBe(false);
    log.acknowledge(1);
    expect(log.hasRoom).toBe(true);
  });

  it('are a list of their own that later messages do not change', () => {
    const log = filled(2);
    const before = log.unacknowledged();
    log.append(body(3));
    log.acknowledge(1);
    expect(before.map(({ number }) => number)).toEqual([1, 2]);
  });
});
