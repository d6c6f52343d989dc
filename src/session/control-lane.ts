/** A lane on which control records may go. */
export interface ControlCandidate {
  readonly number: number;
  /** When a byte last came on it, or when it joined. */
  readonly heardAt: number;
  /** Its transport hears nothing of the other side, or a sign of life is overdue. */
  readonly isDoubtful: boolean;
}

export interface ControlLaneQuestion {
  /** The lane that control records go on until now. */
  readonly current: number | undefined;
  /** From the oldest to the newest. */
  readonly lanes: readonly ControlCandidate[];
  /** Since when the other side has not confirmed what was said on the lane that control records go on; undefined: it has all. */
  readonly awaitingSince: number | undefined;
  /** The other side speaks on another lane than this one, so that it is heard seldom on this one. */
  readonly isApart: boolean;
  readonly now: number;
}

/** So long nothing may be heard on the lane of control records while another one is heard. */
const controlPatienceMs = 400;
/** So long it may take to confirm what was said, where nothing else tells of the lane. */
const confirmPatienceMs = 1_000;

/**
 * The lane that control records go on from now on. It stays while it is heard, for a move says again all that is not
 * confirmed. A path that dies tells nobody: the lane that was heard last is the likeliest to be alive, and where the other
 * side finds a lane dead before us, it says so by being heard on another one.
 */
export function controlLane(question: ControlLaneQuestion): number | undefined {
  const { current, lanes, awaitingSince, isApart, now } = question;
  const healthy = lanes.filter(({ isDoubtful }) => !isDoubtful);
  const [first, ...others] = healthy;
  if (!first) return lanes.at(-1)?.number;
  const heardLast = others.reduce((best, lane) => (lane.heardAt >= best.heardAt ? lane : best), first);
  const kept = healthy.find(({ number }) => number === current);
  if (!kept) return heardLast.number;
  if (awaitingSince === undefined || heardLast.heardAt <= kept.heardAt) return kept.number;
  const isSilent = isApart
    ? now - Math.max(awaitingSince, kept.heardAt) > confirmPatienceMs
    : now - kept.heardAt > controlPatienceMs;
  return isSilent ? heardLast.number : kept.number;
}
