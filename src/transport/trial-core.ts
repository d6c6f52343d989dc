import { perSecond, type Numbers } from './selection.js';

/** Both together must bring so much more than the better of them, or they only share what one has: then less is more. */
const leastGain = 1.15;
/** A challenger replaces what works when it is faster by this alone. */
const leastLead = 1.05;
/** Together they reach less than this part of what was: one hurts the other. */
const leastTogether = 0.9;
/** So much less, and nothing more needs to be measured. */
const clearLoss = 0.7;
/** A challenger that carries so many times what the others do needs no help. */
const clearLead = 3;
/** A challenger that carries no more than this part of all is not worth its trouble. */
const nextToNothing = 0.02;
const checkMs = 200;
/** Less than that in one of those steps says nothing: content comes in records. */
const leastCheckedBytes = 2 * 1024 * 1024;

export interface TrialTick {
  /** Acknowledged until now over all ways, and over the challenger. */
  readonly receivedBytes: number;
  readonly ownBytes: number;
}

export type TrialVerdict =
  | { readonly what: 'rest'; readonly reason: string; readonly numbers: Numbers }
  | {
      readonly what: 'end';
      readonly winner: 'challenger' | 'incumbent' | 'both';
      readonly reason: string;
      readonly numbers: Numbers;
    };

interface Mark extends TrialTick {
  readonly at: number;
}

/** How long is waited until a lane has found its pace, and then measured, at a round trip of so much. */
export const settleMsOf = (rttMs: number): number => Math.min(Math.max(4 * rttMs, 200), 1_000);
export const measureMsOf = (rttMs: number): number => Math.min(Math.max(6 * rttMs, 500), 2_000);

/**
 * One way tried beside those that work: a sans-IO core. It is judged by what all reach together, since a second transport
 * may take processor time or the same link from the first; and where it carries the more, by what it reaches alone.
 */
export class TrialCore {
  readonly #settleMs: number;
  readonly #measureMs: number;
  /** Bytes a millisecond without the challenger; undefined where there was no time to measure it. */
  readonly #before: number | undefined;
  #phase: 'beside' | 'alone' = 'beside';
  #begun: Mark | undefined;
  #settled: Mark | undefined;
  #last: Mark | undefined;
  /** All together, and what that is to be compared with. */
  #together = 0;
  #base = 0;

  constructor(before: number | undefined, rttMs: number) {
    this.#before = before;
    this.#settleMs = settleMsOf(rttMs);
    this.#measureMs = measureMsOf(rttMs);
  }

  handleTick(now: number, tick: TrialTick): TrialVerdict | undefined {
    const mark = { at: now, ...tick };
    const begun = (this.#begun ??= mark);
    if (this.#isClearLoss(mark)) {
      const numbers = { ...this.#numbers(mark, begun), afterMs: now - begun.at };
      return this.#phase === 'beside'
        ? { what: 'end', winner: 'incumbent', reason: 'it takes from the other more than it brings', numbers }
        : this.#endAlone(0, numbers);
    }
    if (now - begun.at < this.#settleMs) return undefined;
    const settled = (this.#settled ??= mark);
    if (now - settled.at < this.#measureMs) return undefined;
    const numbers = this.#numbers(mark, settled);
    const own = rateOf(settled, mark, 'ownBytes');
    if (this.#phase === 'alone') return this.#endAlone(own, numbers);
    return this.#judgeBeside(rateOf(settled, mark, 'receivedBytes'), own, numbers);
  }

  #judgeBeside(together: number, own: number, numbers: Numbers): TrialVerdict {
    const others = together - own;
    const base = this.#before ?? others;
    const end = (winner: 'challenger' | 'incumbent' | 'both', reason: string): TrialVerdict => ({
      ...{ what: 'end', winner, reason, numbers },
    });
    if (own <= nextToNothing * together) return end('incumbent', 'it carries next to nothing');
    if (together < leastTogether * base) return end('incumbent', 'together they are slower');
    if (own >= clearLead * others) return end('challenger', 'it carries nearly all');
    // What the others have gained meanwhile is not its doing.
    const adds = together >= leastGain * base && own >= (leastGain - 1) * base;
    if (own < others / 2) {
      if (adds && this.#before !== undefined) return end('both', 'together they are faster');
      return end('incumbent', 'it brings nothing that the other does not');
    }
    if (!adds && own < leastLead * others) return end('incumbent', 'it brings nothing');
    this.#phase = 'alone';
    this.#begun = undefined;
    this.#settled = undefined;
    this.#last = undefined;
    this.#together = together;
    this.#base = base;
    return { what: 'rest', reason: 'what it reaches alone is measured', numbers };
  }

  #endAlone(alone: number, numbers: Numbers): TrialVerdict {
    const all = { ...numbers, togetherBytesPerSecond: perSecond(this.#together) };
    const end = (winner: 'challenger' | 'incumbent' | 'both', reason: string): TrialVerdict => ({
      ...{ what: 'end', winner, reason, numbers: all },
    });
    if (this.#together >= leastGain * Math.max(this.#base, alone))
      return end('both', 'together they are faster');
    return alone >= leastLead * this.#base
      ? end('challenger', 'it is as fast alone')
      : end('incumbent', 'it is no faster alone');
  }

  /** Looked at in short steps, so that a trial that hurts is soon over. */
  #isClearLoss(mark: Mark): boolean {
    const last = (this.#last ??= mark);
    if (mark.at - last.at < checkMs) return false;
    const reached = rateOf(last, mark, this.#phase === 'beside' ? 'receivedBytes' : 'ownBytes');
    const isFirst = last === this.#begun;
    this.#last = mark;
    const wanted = this.#phase === 'beside' ? this.#before : this.#together;
    // Where a round trip is long a new lane is not at its pace yet, and the first step holds what was before.
    const mayTell = this.#phase === 'beside' ? !isFirst : this.#settled !== undefined;
    if (!mayTell || wanted === undefined || wanted * checkMs < leastCheckedBytes) return false;
    return reached < clearLoss * wanted;
  }

  #numbers(mark: Mark, since: Mark): Numbers {
    return {
      ...(this.#before === undefined ? {} : { beforeBytesPerSecond: perSecond(this.#before) }),
      allBytesPerSecond: perSecond(rateOf(since, mark, 'receivedBytes')),
      ownBytesPerSecond: perSecond(rateOf(since, mark, 'ownBytes')),
      measuredMs: Math.round(mark.at - since.at),
    };
  }
}

const rateOf = (from: Mark, to: Mark, of: keyof TrialTick): number =>
  (to[of] - from[of]) / Math.max(1, to.at - from.at);
