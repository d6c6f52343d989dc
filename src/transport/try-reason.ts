import { perSecond, type Numbers } from './selection.js';
import { measureMsOf, settleMsOf } from './trial-core.js';

/** A trial takes at most this part of the time that the transfer lasts, all trials before it included. */
const trialShare = 0.03;
/** The same for a challenger that is guessed to be faster. */
const promisingShare = 0.05;
/** Until then a transfer without any sign of trouble is left alone; where trials cost next to nothing, less long. */
const firstLookMs = 1_000;
const firstCheapLookMs = 300;
/** Slower than usual from the start: so many round trips of TCP's slow start are over by then. */
export const starvedMs = 200;
const starvedRoundTrips = 4;
/** What is found out should be of use for longer than it took. */
const leastTrials = 2;
/** From so much on (bytes a millisecond) a second transport takes processor time from the first, and so does a part of it below. */
const busyRates = [
  { from: 300_000, share: 0.5 },
  { from: 150_000, share: 0.2 },
] as const;
const cheapShare = 0.05;
/**
 * Where round trips are long the link is what is short, and another flow that begins on it takes its part. So it may be where
 * one was tried already, and the one that has won rests while the next is measured alone.
 */
const dearShare = 0.3;

export const starvedMsOf = (rttMs: number): number => Math.max(starvedMs, starvedRoundTrips * rttMs);
export const trialMsOf = (rttMs: number): number => settleMsOf(rttMs) + measureMsOf(rttMs);

export interface TryReason {
  readonly reason: string;
  readonly numbers: Numbers;
}

/** A way that carries nothing now. */
export interface TriedWay {
  /** It should be faster than the preferred one. */
  readonly promises: boolean;
  readonly isOffloaded: boolean;
  readonly hasLost: boolean;
  readonly wasMeasured: boolean;
}

/** How a transfer goes. Rates in bytes a millisecond, times in milliseconds. */
export interface TransferFacts {
  readonly rttMs: number;
  readonly isLong: boolean;
  /** Of late; undefined while that is not known. */
  readonly rate: number | undefined;
  /** What such a path should reach. */
  readonly guessedRate: number;
  readonly lastedMs: number;
  readonly remainingMs: number;
  readonly sinceTrialMs: number;
  /** What all trials have cost so far. */
  readonly spentMs: number;
  readonly isNetworkBound: boolean;
  /** The path has changed of late; `usualRate`: before that, where a fall has told of it. */
  readonly change: { readonly usualRate: number | undefined } | undefined;
}

/** Why this way should be tried now; undefined: it should not. Pure. */
export function whyTry(way: TriedWay, facts: TransferFacts): TryReason | undefined {
  const { rate, guessedRate, change, remainingMs } = facts;
  const left = remainingMs === Infinity ? {} : { remainingMs: Math.round(remainingMs) };
  const because = (reason: string, numbers: Numbers = {}): TryReason => ({
    reason,
    numbers: { ...numbers, ...left },
  });
  const isFresh = !way.hasLost && !way.wasMeasured;
  if (facts.isLong && way.promises && isFresh && facts.lastedMs < firstLookMs)
    return because('the path is long, and it should be faster there');
  if (way.isOffloaded && way.promises && isFresh)
    return because('a fabric leads there, and to try it costs little');
  if (rate === undefined || !facts.isNetworkBound) return undefined;
  const trialMs = trialMsOf(facts.rttMs);
  const isTooLate = facts.isLong && remainingMs < leastTrials * trialMs;
  if (change && !way.hasLost && !isTooLate)
    return change.usualRate === undefined
      ? because('the path has changed')
      : because('it has become slow', { usualBytesPerSecond: perSecond(change.usualRate) });
  if (facts.sinceTrialMs >= starvedMsOf(facts.rttMs) && rate < guessedRate)
    return because('such a path should be faster', { usualBytesPerSecond: perSecond(guessedRate) });
  if (isTooLate) return undefined;
  const costMs = costOf(way, facts, rate);
  return costMs === undefined
    ? undefined
    : because('there is time to try it', { costMs: Math.round(costMs) });
}

/** What a trial by chance is likely to cost; undefined where that is too much, or too early. */
function costOf({ promises }: TriedWay, facts: TransferFacts, rate: number): number | undefined {
  const { isLong, rttMs, lastedMs, remainingMs } = facts;
  const isDear = !promises && (isLong || facts.sinceTrialMs < lastedMs);
  const busy = busyRates.find(({ from }) => rate >= from)?.share ?? (isDear ? dearShare : cheapShare);
  const lookMs = busy > cheapShare ? firstLookMs : Math.max(firstCheapLookMs, rttMs * starvedRoundTrips);
  const costMs = trialMsOf(rttMs) * busy;
  const mostMs = (promises ? promisingShare : trialShare) * (lastedMs + remainingMs);
  return facts.sinceTrialMs < lookMs || facts.spentMs + costMs > mostMs ? undefined : costMs;
}
