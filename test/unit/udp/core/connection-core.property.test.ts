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

/** The receiver has no room for what is behind a gap, and the queue under way drops the end of each burst, in which the gap once always was. */
const gapAtTheEndOfEachBurst = {
  seed: -1_309_230_426,
  there: {
    delayMs: 4.321785310048201,
    jitterMs: 0,
    loss: 0,
    duplication: 0,
    rate: Infinity,
    queueBytes: 636_606,
    mtuBytes: 1232,
  },
  back: {
    delayMs: 0.5580132400233982,
    jitterMs: 50,
    loss: 0,
    duplication: 0,
    rate: 19_518_750,
    queueBytes: 20_002,
    mtuBytes: 1232,
  },
  forth: [12_265, 8168, 14, 42_190, 9487] as number[],
  answers: [27_032, 8257, 56_906] as number[],
  pieceBytes: 50,
  windowBytes: 122_193,
  creditBytes: 51_200,
  lateMs: 0,
  jumpMs: -5000,
} as const;

const streams = fc.array(fc.integer({ min: 0, max: 60_000 }), { minLength: 1, maxLength: 6 });

/** Runs until `isOver`; false: a minute went by in which no content arrived at either end. */
function keepsGoing(pair: Pair, isOver: () => boolean): boolean {
  const arrived = (): number =>
    [pair.a, pair.b].reduce((sum, { user }) => sum + user.finished.size + total(user.received), 0);
  for (let before = -1; arrived() > before;) {
    before = arrived();
    if (pair.run(isOver, 60_000)) return true;
  }
  return false;
}

const total = (received: ReadonlyMap<number, number>): number =>
  [...received.values()].reduce((sum, bytes) => sum + bytes, 0);

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
          expect(keepsGoing(pair, half)).toBe(true);
          pair.skewMs += given.jumpMs;
          const isAll = (): boolean =>
            b.user.finished.size === given.forth.length && a.user.finished.size === given.answers.length;
          expect(keepsGoing(pair, isAll)).toBe(true);
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
      { numRuns: 60, endOnFailure: true, examples: [[gapAtTheEndOfEachBurst]] },
    );
  }, 60_000);
});
