import { describe, expect, it } from 'vitest';
import { trialMsOf, whyTry, type TransferFacts, type TriedWay } from '../../../src/transport/try-reason.js';

const MB = 1_000;
const fresh: TriedWay = { promises: false, isOffloaded: false, hasLost: false, wasMeasured: false };
const facts: TransferFacts = {
  ...{ rttMs: 10, isLong: false, rate: 25 * MB, guessedRate: 10 * MB },
  ...{ lastedMs: 2_000, remainingMs: 4_000, sinceTrialMs: 2_000, spentMs: 0 },
  ...{ isNetworkBound: true, change: undefined },
};
const reasonOf = (way: Partial<TriedWay>, about: Partial<TransferFacts>) =>
  whyTry({ ...fresh, ...way }, { ...facts, ...about })?.reason;

describe('another way is tried', () => {
  it('by chance where that costs little of what the transfer lasts', () => {
    expect(whyTry(fresh, facts)).toEqual({
      reason: 'there is time to try it',
      numbers: { costMs: 0.05 * trialMsOf(10), remainingMs: 4_000 },
    });
    expect(reasonOf({}, { spentMs: 150 })).toBeUndefined();
    expect(reasonOf({}, { remainingMs: 100, lastedMs: 1_000, sinceTrialMs: 1_000 })).toBe(undefined);
    expect(reasonOf({}, { isNetworkBound: false })).toBeUndefined();
  });

  it('behind another trial only where there is much more time, unless it should be faster', () => {
    const behind = { sinceTrialMs: 1_500 };
    expect(reasonOf({}, behind)).toBeUndefined();
    expect(reasonOf({}, { ...behind, remainingMs: 6_000 })).toBe('there is time to try it');
    expect(reasonOf({ promises: true }, behind)).toBe('there is time to try it');
  });

  it('at once on a path that is long, has changed or carries little', () => {
    const soon = { lastedMs: 900, sinceTrialMs: 900, isLong: true, rttMs: 100 };
    expect(reasonOf({ promises: true }, soon)).toBe('the path is long, and it should be faster there');
    expect(reasonOf({}, { change: { usualRate: undefined } })).toBe('the path has changed');
    expect(reasonOf({}, { change: { usualRate: 30 * MB } })).toBe('it has become slow');
    expect(reasonOf({}, { rate: 9 * MB, remainingMs: 500 })).toBe('such a path should be faster');
  });

  it('where a path has changed not by who has lost there, nor on a long one that is nearly done', () => {
    const change = { change: { usualRate: 30 * MB }, sinceTrialMs: 100 };
    expect(reasonOf({ hasLost: true }, change)).toBeUndefined();
    expect(reasonOf({}, { ...change, isLong: true, rttMs: 100, remainingMs: 1_900 })).toBeUndefined();
    expect(reasonOf({}, { ...change, isLong: true, rttMs: 100, remainingMs: 2_100 })).toBe(
      'it has become slow',
    );
  });
});
