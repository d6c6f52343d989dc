import { describe, expect, it } from 'vitest';
import { LossJudge } from '../../../../plugins/udp/src/congestion/loss-judge.js';
import { FuzzRandom } from '../../../support/fuzz-random.js';

/** Verdicts of rounds of `packets`, each lost with the rate that `rateOf` says. */
function verdicts(
  judge: LossJudge,
  seed: number,
  rounds: number,
  packets: number,
  rateOf: (round: number) => number,
) {
  const random = new FuzzRandom(seed);
  let full = 0;
  for (let round = 0; round < rounds; round++) {
    for (let packet = 0; packet < packets; packet++)
      if (random.word() / 2 ** 32 >= rateOf(round)) judge.handleAcked(1);
      else if (judge.handleLost(1, packets)) full++;
    judge.handleRound();
  }
  return full;
}

describe('the judge of losses', () => {
  it.each([0.001, 0.01, 0.02, 0.05, 0.1])('takes %d of random loss for the path’s own', (rate) => {
    let full = 0;
    for (let seed = 1; seed <= 20; seed++) full += verdicts(new LossJudge(), seed, 100, 200, () => rate);
    // Of 2000 rounds; those that err are less than one in a hundred.
    expect(full).toBeLessThan(20);
  });

  it('finds the queue’s in a single round of them', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const judge = new LossJudge();
      expect(verdicts(judge, seed, 10, 400, () => 0.02)).toBeLessThanOrEqual(1);
      expect(verdicts(judge, seed, 1, 400, () => 0.15)).toBe(1);
    }
  });

  it('judges once a round', () => {
    const judge = new LossJudge();
    verdicts(judge, 1, 3, 100, () => 0);
    const judged = Array.from({ length: 50 }, () => judge.handleLost(1, 100));
    expect(judged.filter(Boolean)).toHaveLength(1);
  });

  it('learns that a path has become noisy', () => {
    const judge = new LossJudge();
    verdicts(judge, 1, 20, 400, () => 0);
    verdicts(judge, 2, 25, 400, () => 0.05);
    expect(verdicts(judge, 3, 20, 400, () => 0.05)).toBe(0);
  });

  it('knows nothing before the first round', () => {
    const judge = new LossJudge();
    expect(judge.ownLossRate).toBe(1);
    expect(judge.handleLost(90, 100)).toBe(false);
  });

  it('does not count what came after all', () => {
    const judge = new LossJudge();
    verdicts(judge, 1, 3, 100, () => 0);
    judge.handleLost(3, 100);
    judge.handleSpurious(3);
    expect(judge.handleLost(3, 100)).toBe(false);
  });
});
