import { describe, expect, it } from 'vitest';
import { TrialCore, type TrialVerdict } from '../../../src/transport/trial-core.js';

const MB = 1_000;

interface Rates {
  readonly others: number;
  readonly own: number;
}

/** Runs a trial in steps of 100 ms: beside at some rates, then alone; gives all that it said. */
function tried(before: number | undefined, beside: Rates, alone = 0): TrialVerdict[] {
  const core = new TrialCore(before, 1);
  const said: TrialVerdict[] = [];
  let [receivedBytes, ownBytes, own, others] = [0, 0, beside.own, beside.others];
  for (let now = 0; now < 10_000; now += 100) {
    const verdict = core.handleTick(now, { receivedBytes, ownBytes });
    if (verdict) said.push(verdict);
    if (verdict?.what === 'end') return said;
    if (verdict?.what === 'rest') [own, others] = [alone, 0];
    receivedBytes += 100 * (own + others);
    ownBytes += 100 * own;
  }
  throw new Error('the trial has no end');
}

const winner = (said: readonly TrialVerdict[]) =>
  said.flatMap((verdict) => (verdict.what === 'end' ? [verdict.winner] : [verdict.what]));

describe('TrialCore', () => {
  it('who carries nearly all wins without further ado', () =>
    expect(winner(tried(2 * MB, { others: 2 * MB, own: 20 * MB }))).toEqual(['challenger']));

  it('who carries next to nothing goes', () =>
    expect(winner(tried(10 * MB, { others: 10 * MB, own: 0.1 * MB }))).toEqual(['incumbent']));

  it('two that share one link bring no more than one: the smaller part goes', () =>
    expect(winner(tried(10 * MB, { others: 6 * MB, own: 4 * MB }))).toEqual(['incumbent']));

  it('who takes the larger part must be faster alone', () => {
    expect(winner(tried(10 * MB, { others: 3.5 * MB, own: 6.5 * MB }, 10 * MB))).toEqual([
      'rest',
      'incumbent',
    ]);
    expect(winner(tried(10 * MB, { others: 4 * MB, own: 7 * MB }, 13 * MB))).toEqual(['rest', 'challenger']);
  });

  it('two that bring more together stay both', () => {
    expect(winner(tried(10 * MB, { others: 10 * MB, own: 4 * MB }))).toEqual(['both']);
    expect(winner(tried(10 * MB, { others: 10 * MB, own: 12 * MB }, 12 * MB))).toEqual(['rest', 'both']);
  });

  it('what the others have gained meanwhile is not the doing of who brings little', () =>
    expect(winner(tried(10 * MB, { others: 13 * MB, own: 0.5 * MB }))).toEqual(['incumbent']));

  it('who is as fast alone as both were needs no other', () =>
    expect(winner(tried(10 * MB, { others: 8 * MB, own: 12 * MB }, 20 * MB))).toEqual([
      'rest',
      'challenger',
    ]));

  it('two that bring hardly more than the better one do not stay both: that is the challenger alone', () =>
    expect(winner(tried(10 * MB, { others: 6 * MB, own: 8 * MB }, 13 * MB))).toEqual(['rest', 'challenger']));

  it('a clear loss ends it soon', () => {
    const [verdict] = tried(1_000 * MB, { others: 300 * MB, own: 200 * MB });
    expect(verdict).toMatchObject({ what: 'end', winner: 'incumbent' });
    expect(verdict?.numbers['afterMs']).toBeLessThanOrEqual(400);
  });

  it('on a slow path short steps say nothing, and it is measured to the end', () => {
    const [verdict] = tried(1 * MB, { others: 0.3 * MB, own: 0.3 * MB });
    expect(verdict?.numbers['measuredMs']).toBeGreaterThanOrEqual(500);
  });

  it('without a measure of what was before, it is the other in the same time', () => {
    expect(winner(tried(undefined, { others: 10 * MB, own: 4 * MB }))).toEqual(['incumbent']);
    expect(winner(tried(undefined, { others: 5 * MB, own: 5 * MB }, 10 * MB))).toEqual([
      'rest',
      'challenger',
    ]);
  });

  it('tells its numbers in bytes a second', () => {
    const [verdict] = tried(2 * MB, { others: 2 * MB, own: 20 * MB });
    expect(verdict?.numbers).toMatchObject({
      beforeBytesPerSecond: 2_000_000,
      allBytesPerSecond: 22_000_000,
      ownBytesPerSecond: 20_000_000,
    });
  });
});
