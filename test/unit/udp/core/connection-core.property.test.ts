import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Pair, type LinkOptions } from './pair.js';

const link: fc.Arbitrary<LinkOptions> = fc.record({
  delayMs: fc.double({ min: 0.05, max: 100, noNaN: true }),
  jitterMs: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 50, noNaN: true })),
  loss: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 0.4, noNaN: true })),
  duplication: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 0.3, noNaN: true })),
  rate: fc.oneof(fc.constant(Infinity), fc.integer({ min: 100_000, max: 50_000_000 })),
  queueBytes: fc.integer({ min: 20_000, max: 1_000_000 }),
  mtuBytes: fc.constantFrom(1232, 1300, 1472, 9000, 65_535),
});

const streams = fc.array(fc.integer({ min: 0, max: 60_000 }), { minLength: 1, maxLength: 6 });

describe('whatever the path does', () => {
  it('all content arrives once and in order, is given back once, and both ends close', () => {
    fc.assert(
      fc.property(
        fc.record({
          seed: fc.integer(),
          there: link,
          back: link,
          forth: streams,
          answers: streams,
          pieceBytes: fc.constantFrom(50, 1500, 100_000),
          windowBytes: fc.integer({ min: 5_000, max: 500_000 }),
          creditBytes: fc.constantFrom(16_384, 51_200, 64 * 1024 * 1024),
          lateMs: fc.constantFrom(0, 1, 3),
          jumpMs: fc.constantFrom(0, -5_000, 700_000),
        }),
        (given) => {
          const { seed, windowBytes, creditBytes } = given;
          const peer = { maxDatagramBytes: 65_507, receiveBufferBytes: 400_000, creditBytes };
          const pair = new Pair({ seed, link: given.there, windowBytes, config: { creditBytes } }, { peer });
          const { a, b } = pair;
          b.link = given.back;
          pair.timersLateMs = given.lateMs;
          for (const { user } of [a, b]) user.pieceBytes = given.pieceBytes;
          given.forth.forEach((bytes, index) => a.user.send(index + 1, bytes));
          given.answers.forEach((bytes, index) => b.user.send(index + 101, bytes));
          a.user.controlOut.push(new Uint8Array(2000).map((_, index) => index));
          const half = (): boolean => (b.user.received.get(1) ?? 0) >= (given.forth[0] ?? 0) / 2;
          expect(pair.run(half, 600_000)).toBe(true);
          pair.skewMs += given.jumpMs;
          const isAll = (): boolean =>
            b.user.finished.size === given.forth.length && a.user.finished.size === given.answers.length;
          expect(pair.run(isAll, 600_000)).toBe(true);
          a.core.close(pair.clock, 0, '');
          expect(pair.run(() => a.user.ends.length + b.user.ends.length === 2, 200_000)).toBe(true);
          expect([a.user.wrong, b.user.wrong]).toEqual([[], []]);
          expect(b.user.controlIn.length).toBe(2000);
          given.forth.forEach((bytes, index) => expect(b.user.received.get(index + 1)).toBe(bytes));
          given.answers.forEach((bytes, index) => expect(a.user.received.get(index + 101)).toBe(bytes));
          for (const { user } of [a, b]) expect([user.done, user.doneTwice]).toEqual([user.pulled, 0]);
          // Where CLOSE is lost again and again the other end finds out by silence.
          const ends = given.there.loss === 0 ? ['closed'] : ['closed', 'silent'];
          expect(ends).toContain(b.user.ends[0]!.kind);
        },
      ),
      { numRuns: 60, endOnFailure: true },
    );
  }, 60_000);
});
