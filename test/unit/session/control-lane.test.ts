import { describe, expect, it } from 'vitest';
import { controlLane, type ControlCandidate } from '../../../src/session/control-lane.js';

const now = 10_000;
const lane = (number: number, silentMs: number, isDoubtful = false): ControlCandidate => ({
  ...{ number, heardAt: now - silentMs, isDoubtful },
});
const chosen = (current: number | undefined, lanes: readonly ControlCandidate[], isAwaiting = true) =>
  controlLane({ current, lanes, awaitingSince: isAwaiting ? now - 900 : undefined, isApart: false, now });
/** Where the other side speaks on lane 1. */
const chosenApart = (silentMs: number, awaitedMs: number | undefined) => {
  const awaitingSince = awaitedMs === undefined ? undefined : now - awaitedMs;
  return controlLane({
    ...{ current: 0, lanes: [lane(0, silentMs), lane(1, 0)] },
    ...{ awaitingSince, isApart: true, now },
  });
};

describe('the lane of control records', () => {
  it('stays while it is heard, whichever was heard last', () => {
    expect(chosen(1, [lane(0, 0), lane(1, 300), lane(2, 10)])).toBe(1);
  });

  it('is another when nothing was heard on it for long, and later on that one', () => {
    expect(chosen(2, [lane(0, 200), lane(1, 90), lane(2, 500)])).toBe(1);
    expect(chosen(2, [lane(0, 499), lane(2, 500)])).toBe(0);
  });

  it('stays where no other was heard later, or nothing is awaited', () => {
    expect(chosen(1, [lane(0, 900), lane(1, 800)])).toBe(1);
    expect(chosen(1, [lane(0, 0), lane(1, 800)], false)).toBe(1);
  });

  it('is the one of the others that was heard last where it is gone or doubtful', () => {
    expect(chosen(3, [lane(0, 0, true), lane(1, 20), lane(2, 30)])).toBe(1);
    expect(chosen(2, [lane(0, 30), lane(1, 20), lane(2, 0, true)])).toBe(1);
  });

  it('is the newest where all are doubtful, and of those that were heard at once', () => {
    expect(chosen(0, [lane(0, 0, true), lane(1, 9, true)])).toBe(1);
    expect(chosen(undefined, [lane(0, 5), lane(1, 5)])).toBe(1);
    expect(chosen(0, [])).toBeUndefined();
  });

  it('stays where the other side speaks on another one, until what was said is not confirmed for long', () => {
    expect(chosenApart(5_000, undefined)).toBe(0);
    expect(chosenApart(5_000, 900)).toBe(0);
    expect(chosenApart(900, 5_000)).toBe(0);
    expect(chosenApart(1_100, 1_100)).toBe(1);
  });
});
