import { LaneSilence } from './lane-silence.js';
import { RateHistory } from './rate-history.js';
import {
  perSecond,
  type Candidate,
  type Decision,
  type LaneSample,
  type Numbers,
  type SelectionSample,
} from './selection.js';
import { guessedRate, type Guess } from './topology.js';
import { measureMsOf, TrialCore, type TrialVerdict } from './trial-core.js';
import { starvedMs, starvedMsOf, trialMsOf, whyTry, type TryReason } from './try-reason.js';

/** What is over sooner, and so many round trips, is left alone. */
const leastRemainingMs = 400;
const leastRemainingRoundTrips = 6;
/** Long round trips: a lane more takes no processor time worth the name, and finds its pace slowly. */
const longRttMs = 20;
/** Less than this is through before a second lane has found its pace. */
const leastBytes = 256 * 1024;
/** Round trips count up to this: on a slow path most of one is a queue. */
const mostRttMs = 250;
/** Who lost is tried again after this, then after three times as long. */
const firstRestMs = 10_000;
const restGrowth = 3;
const mostRestMs = 300_000;
/** Who could not be reached, the same. */
const firstAbsenceMs = 2_000;
/** Below this part of what was usual of late something has changed. */
const fallShare = 0.4;
const recoveredShare = 0.8;
const fallMs = 500;
const usualMs = 3_000;
/** What has changed is not looked at again for this long. */
const changeRestMs = 5_000;
/** Nothing was heard of a lane for so long while others were: it is ended. */
const deadMs = 5_000;
/** The peer speaks on its newest lane: one more is opened when a lane falls silent, but no more often than this. */
const replaceRestMs = 2_000;
/** An extra way that carries so little is ended. */
const uselessShare = 0.03;
const uselessMs = 3_000;

export interface SelectionOptions {
  readonly guess: Guess;
  /** In its place where round trips are long, whatever the addresses say. Default: the same. */
  readonly farGuess?: Guess;
  /** As their addresses tell it: the round trip is long, before one was measured. */
  readonly isFar: boolean;
  /** Whether others are tried although the ones in use work. */
  readonly mayTry: boolean;
}

interface Way extends Candidate {
  readonly lanes: Set<number>;
  isDialing: boolean;
  nextTryAt: number;
  losses: number;
  failures: number;
  /** What it was measured to reach, in bytes a millisecond. */
  measured: number | undefined;
  /** Acknowledged over it until now, by lanes that are gone as well. */
  receivedBytes: number;
  readonly history: RateHistory;
}

interface LaneState {
  readonly silence: LaneSilence;
  receivedBytes: number;
}

interface Trial {
  readonly way: Way;
  readonly core: TrialCore;
  readonly beganAt: number;
  readonly before: number | undefined;
}

/**
 * Over which of the ways to a peer a transfer goes: a sans-IO core. It begins on one that works, tries others beside it
 * where that can pay, keeps what measures best, and calls for another at once when nothing is heard any more. Guesses say
 * what is tried first and how soon; nothing is kept by a guess.
 *
 * Calls: `handleCandidates` once they are known, `handleLane` and `handleDialFailed` as dials end and lanes come and go,
 * `handleSample` ten times a second. Each gives what is to be done now. Times in milliseconds.
 */
export class SelectionCore {
  readonly #options: SelectionOptions;
  readonly #ways = new Map<string, Way>();
  readonly #lanes = new Map<number, LaneState>();
  readonly #history = new RateHistory();
  #sample: SelectionSample | undefined;
  #begunAt: number | undefined;
  #tickedAt: number | undefined;
  #preferred: string | undefined;
  /** Being dialled for a trial. */
  #pending: Way | undefined;
  #trial: Trial | undefined;
  #isRescuing = false;
  /** What the ways in use reach, as the last trial found. */
  #steadyRate: number | undefined;
  #triedAt = -Infinity;
  #spentMs = 0;
  #changedAt = -Infinity;
  /** What was usual before that, where a fall of the rate has told of it. */
  #usualRate: number | undefined;
  #replacedAt = -Infinity;
  #rescuedAt = -Infinity;
  #decisions: Decision[] = [];

  constructor(options: SelectionOptions) {
    this.#options = options;
  }

  /** The way that lanes are added on. */
  get preferred(): string | undefined {
    return this.#preferred;
  }

  /** Nothing is being tried: what is measured now is the preferred way's. */
  get isSettled(): boolean {
    return !this.#trial && !this.#pending && !this.#isRescuing;
  }

  handleCandidates(candidates: readonly Candidate[]): void {
    for (const candidate of candidates) this.#wayOf(candidate);
  }

  handleLane(now: number, lane: number, way: Candidate, state: 'up' | 'down'): Decision[] {
    const entry = this.#wayOf(way);
    if (state === 'up') this.#handleUp(now, lane, entry);
    else this.#handleDown(now, lane, entry);
    return this.#told();
  }

  handleDialFailed(now: number, way: string): Decision[] {
    const entry = this.#ways.get(way);
    if (!entry) return [];
    entry.isDialing = false;
    entry.nextTryAt = now + Math.min(firstAbsenceMs * restGrowth ** entry.failures++, mostRestMs);
    if (this.#pending === entry) this.#pending = undefined;
    this.#tell('keep', entry, 'it could not be reached', { againMs: entry.nextTryAt - now });
    return this.#told();
  }

  handleSample(now: number, sample: SelectionSample): Decision[] {
    const stoodStillMs = Math.max(0, now - (this.#tickedAt ?? now) - stallMs);
    const before = this.#sample;
    this.#begunAt ??= now;
    this.#tickedAt = now;
    this.#sample = sample;
    this.#history.add(now, sample.receivedBytes, sample.networkMs);
    this.#count(sample.lanes);
    for (const way of this.#ways.values())
      if (way.lanes.size > 0) way.history.add(now, way.receivedBytes, sample.networkMs);
    if (before && (sample.moves ?? 0) > (before.moves ?? 0)) this.#handleChange(now, true);
    this.#listen(now, sample.lanes, stoodStillMs);
    if (this.#trial) this.#continueTrial(now, this.#trial);
    else this.#look(now);
    return this.#told();
  }

  #handleUp(now: number, lane: number, way: Way): void {
    way.isDialing = false;
    way.failures = 0;
    const isNew = way.lanes.size === 0;
    way.lanes.add(lane);
    this.#lanes.set(lane, { silence: new LaneSilence(), receivedBytes: 0 });
    const wasPending = this.#pending === way;
    if (wasPending) this.#pending = undefined;
    if (this.#isRescuing || this.#preferred === undefined || this.#heardWays().every((one) => one === way)) {
      this.#isRescuing = false;
      if (this.#trial?.way !== way) this.#dropTrial('another answers');
      return this.#prefer(way, this.#preferred === undefined ? 'it answered first' : 'it answers');
    }
    if (!isNew || this.#trial?.way === way) return;
    if (this.#trial) return this.#close(way, 'another is being tried');
    this.#beginTrial(now, way);
  }

  #handleDown(now: number, lane: number, way: Way): void {
    way.lanes.delete(lane);
    this.#lanes.delete(lane);
    if (way.lanes.size > 0) return;
    way.nextTryAt = Math.max(way.nextTryAt, now + firstAbsenceMs);
    if (this.#trial?.way === way) this.#endTrial(now, 'incumbent', 'it was lost', {});
    const others = [...this.#ways.values()].filter((other) => other.lanes.size > 0);
    if (this.#preferred !== way.way || others.length === 0) return;
    const trial = this.#trial;
    if (trial && others.every((other) => other === trial.way))
      return this.#endTrial(now, 'challenger', 'the other was lost', this.#ratesOf(trial.way));
    const [best] = others.sort((a, b) => (b.history.rate(fallMs) ?? 0) - (a.history.rate(fallMs) ?? 0));
    if (best) this.#prefer(best, 'the other was lost');
    this.#handleChange(now, false);
  }

  /** Finds lanes that are silent, and has others take over. */
  #listen(now: number, lanes: readonly LaneSample[], stoodStillMs: number): void {
    let fallen = false;
    for (const sample of lanes) {
      const silence = this.#lanes.get(sample.lane)?.silence;
      const way = this.#ways.get(sample.way);
      if (!silence || !way) continue;
      const wasSilent = silence.silentSince !== undefined;
      silence.handleSample(now, sample, stoodStillMs);
      const isSilent = silence.silentSince !== undefined;
      if (isSilent === wasSilent) continue;
      fallen ||= isSilent;
      const numbers = { rttMs: Math.round(sample.rttMs), inFlightBytes: sample.inFlightBytes };
      if (isSilent) this.#tell('silent', way, 'nothing is heard on it', numbers, [sample.lane]);
      else this.#handleHeard(now, way, sample.lane);
    }
    const heard = this.#heardWays();
    if (heard.length === 0) return lanes.length > 0 ? this.#rescue(now) : undefined;
    this.#isRescuing = false;
    if (fallen) this.#handleFallen(now, heard);
    for (const way of this.#ways.values()) {
      const dead = [...way.lanes].filter(
        (lane) => now - (this.#lanes.get(lane)?.silence.silentSince ?? now) > deadMs,
      );
      if (dead.length > 0 && heard.length > 0) {
        this.#tell('close', way, 'nothing was heard on it for long', { silentMs: deadMs }, dead);
        for (const lane of dead) this.#handleDown(now, lane, way);
      }
    }
  }

  #handleHeard(now: number, way: Way, lane: number): void {
    this.#tell('heard', way, 'it is heard again', {}, [lane]);
    if (this.#preferred !== way.way && !this.#trial && !this.#pending) this.#beginTrial(now, way);
  }

  /** Some lanes are silent, and others are not. */
  #handleFallen(now: number, heard: readonly Way[]): void {
    const trial = this.#trial;
    if (trial && !heard.includes(trial.way)) {
      this.#endTrial(now, 'incumbent', 'nothing is heard on it', {});
    } else if (trial && heard.every((way) => way === trial.way)) {
      this.#endTrial(now, 'challenger', 'the other is silent', this.#ratesOf(trial.way));
    } else if (!heard.some(({ way }) => way === this.#preferred) && heard[0])
      this.#prefer(heard[0], 'the other is silent', this.#ratesOf(heard[0]));
    this.#handleChange(now, false);
    const preferred = this.#ways.get(this.#preferred ?? '');
    if (!preferred || preferred.isDialing || now - this.#replacedAt < replaceRestMs) return;
    this.#replacedAt = now;
    this.#dial(preferred, 'the peer speaks on the newest lane, which may be silent', {});
  }

  /** Nothing is heard at all: whatever answers first goes on. */
  #rescue(now: number): void {
    this.#dropTrial('nothing is heard on any lane');
    this.#pending = undefined;
    if (now - this.#rescuedAt < replaceRestMs) return;
    this.#rescuedAt = now;
    this.#isRescuing = true;
    for (const way of this.#ways.values())
      if (!way.isDialing) this.#dial(way, 'nothing is heard on any lane', {});
    this.#handleChange(now, false);
  }

  /** Something about the path is new: who lost before may win now. */
  #handleChange(now: number, isSure: boolean): void {
    if (now - this.#changedAt < changeRestMs && !isSure) return;
    this.#changedAt = now;
    this.#usualRate = undefined;
    for (const way of this.#ways.values()) {
      way.losses = 0;
      way.measured = undefined;
      way.nextTryAt = Math.min(way.nextTryAt, now + (way.failures > 0 ? firstAbsenceMs : 0));
    }
  }

  /** Whether another way should be tried now, and which. */
  #look(now: number): void {
    const sample = this.#sample;
    if (!this.#options.mayTry || !sample || !this.isSettled || sample.lanes.length === 0) return;
    this.#dropUseless();
    const rate = this.#history.rate(usualMs) ?? this.#history.rate(this.#starvedMs);
    this.#lookForFall(now);
    const remainingMs = rate ? sample.remainingBytes / rate : Infinity;
    const leastMs = leastRemainingMs + leastRemainingRoundTrips * this.#rttMs;
    if (remainingMs < leastMs || sample.remainingBytes < leastBytes) return;
    const idle = [...this.#ways.values()]
      .filter((way) => way.lanes.size === 0 && !way.isDialing && now >= way.nextTryAt)
      .sort((a, b) => this.#expected(b) - this.#expected(a));
    for (const way of idle) {
      const why = this.#whyTry(now, way, rate, remainingMs);
      if (!why) continue;
      this.#pending = way;
      const numbers = rate === undefined ? {} : { rateBytesPerSecond: perSecond(rate) };
      return this.#dial(way, why.reason, { ...numbers, ...why.numbers });
    }
  }

  #whyTry(now: number, way: Way, rate: number | undefined, remainingMs: number): TryReason | undefined {
    const preferred = this.#ways.get(this.#preferred ?? '');
    const promises = preferred !== undefined && this.#promises(way, preferred);
    const hasChanged = now - this.#changedAt < changeRestMs && !this.#hasRecovered;
    return whyTry(
      {
        ...{ promises, isOffloaded: way.isOffloaded === true },
        ...{ hasLost: way.losses > 0, wasMeasured: way.measured !== undefined },
      },
      {
        ...{ rate, remainingMs, rttMs: this.#rttMs, isLong: this.#isLong },
        ...{ guessedRate: this.#guess.usualRate, spentMs: this.#spentMs },
        ...{ lastedMs: now - (this.#begunAt ?? now), sinceTrialMs: this.#sinceTrialMs(now) },
        isNetworkBound: this.#history.networkShare(starvedMs) >= 0.5,
        change: hasChanged ? { usualRate: this.#usualRate } : undefined,
      },
    );
  }

  /** Whether much less is carried than was usual, or than the last trial found, before which nothing is compared. */
  #lookForFall(now: number): void {
    const fast = this.#history.rate(fallMs) ?? this.#history.rate(this.#starvedMs);
    if (fast === undefined || this.#history.networkShare(this.#starvedMs) < 0.5) return;
    const found = this.#sinceTrialMs(now) >= this.#starvedMs ? this.#steadyRate : undefined;
    const usual = this.#history.rate(usualMs, fallMs) ?? found;
    if (usual === undefined || fast >= fallShare * usual || now - this.#changedAt < changeRestMs) return;
    this.#handleChange(now, true);
    this.#usualRate = usual;
  }

  /** Behind a trial the way that has won finds its pace first. */
  #sinceTrialMs(now: number): number {
    return Math.min(now - (this.#begunAt ?? now), now - this.#triedAt);
  }

  /** As much is carried again as before the fall: whatever that was, it is over. */
  get #hasRecovered(): boolean {
    return (this.#history.rate(fallMs) ?? 0) >= recoveredShare * (this.#usualRate ?? Infinity);
  }

  /** A way beside the preferred one that has come to carry nothing. */
  #dropUseless(): void {
    const all = this.#history.rate(uselessMs);
    if (!all || this.#history.spanMs < uselessMs) return;
    for (const way of this.#heardWays()) {
      const own = way.history.rate(uselessMs);
      if (way.way === this.#preferred || own === undefined || way.history.spanMs < uselessMs) continue;
      if (own < uselessShare * all)
        this.#close(way, 'it carries next to nothing', { ownBytesPerSecond: perSecond(own) });
    }
  }

  #beginTrial(now: number, way: Way): void {
    // While a path finds its pace, what was is no measure.
    const isEarly = now - (this.#begunAt ?? now) < this.#trialMs;
    const measured = isEarly ? undefined : this.#history.rate(measureMsOf(this.#rttMs));
    const before = measured ?? this.#steadyRate;
    this.#trial = { way, core: new TrialCore(before, this.#rttMs), beganAt: now, before };
    this.#tell('keep', way, 'it is measured beside the other', rateNumbers('before', before));
  }

  #continueTrial(now: number, { way, core }: Trial): void {
    const receivedBytes = this.#sample?.receivedBytes ?? 0;
    const verdict = core.handleTick(now, { receivedBytes, ownBytes: way.receivedBytes });
    if (!verdict) return;
    const numbers = { ...verdict.numbers, ...this.#laneNumbers(way) };
    if (verdict.what === 'end') return this.#endTrial(now, verdict.winner, verdict.reason, numbers);
    this.#restOthers(way, verdict.reason, numbers);
  }

  #restOthers(challenger: Way, reason: string, numbers: Numbers): void {
    for (const way of this.#ways.values())
      if (way !== challenger && way.lanes.size > 0) this.#tell('rest', way, reason, numbers);
  }

  #endTrial(
    now: number,
    winner: Extract<TrialVerdict, { what: 'end' }>['winner'],
    reason: string,
    numbers: Numbers,
  ): void {
    const trial = this.#trial;
    if (!trial) return;
    this.#trial = undefined;
    const { way, before, beganAt } = trial;
    const all = this.#history.rate(now - beganAt);
    if (before && all !== undefined) this.#spentMs += Math.max(0, 1 - all / before) * (now - beganAt);
    const own = numbers['ownBytesPerSecond'];
    if (own !== undefined) way.measured = own / 1000;
    const together = numbers['togetherBytesPerSecond'] ?? numbers['allBytesPerSecond'];
    const togetherRate = together && together / 1000;
    this.#steadyRate = winner === 'incumbent' ? (before ?? togetherRate) : togetherRate;
    this.#triedAt = now;
    const others = [...this.#ways.values()].filter((other) => other !== way && other.lanes.size > 0);
    if (winner === 'challenger') {
      for (const other of others) this.#lose(now, other, `${way.scheme} won: ${reason}`, numbers, before);
      this.#prefer(way, reason, numbers);
    } else {
      for (const other of others) this.#tell('resume', other, reason, numbers);
      if (winner === 'incumbent') this.#lose(now, way, reason, numbers, way.measured);
      else this.#tell('keep', way, reason, numbers);
    }
    this.#history.restart();
  }

  /** Nothing follows from it; who rested for it goes on. */
  #dropTrial(reason: string): void {
    const trial = this.#trial;
    this.#trial = undefined;
    for (const way of this.#ways.values())
      if (trial && way !== trial.way && way.lanes.size > 0) this.#tell('resume', way, reason, {});
  }

  #lose(now: number, way: Way, reason: string, numbers: Numbers, measured: number | undefined): void {
    way.measured = measured;
    way.nextTryAt = now + Math.min(firstRestMs * restGrowth ** way.losses++, mostRestMs);
    this.#close(way, reason, numbers);
  }

  #close(way: Way, reason: string, numbers: Numbers = {}): void {
    this.#tell('close', way, reason, numbers);
    for (const lane of way.lanes) this.#lanes.delete(lane);
    way.lanes.clear();
    way.history.restart();
  }

  #prefer(way: Way, reason: string, numbers: Numbers = {}): void {
    if (this.#preferred === way.way) return;
    this.#preferred = way.way;
    this.#tell('prefer', way, reason, numbers);
  }

  #dial(way: Way, reason: string, numbers: Numbers): void {
    way.isDialing = true;
    this.#tell('dial', way, reason, numbers, []);
  }

  #tell(
    what: Decision['what'],
    { way, lanes }: Way,
    reason: string,
    numbers: Numbers,
    about: readonly number[] = [...lanes],
  ): void {
    this.#decisions.push({ what, way, lanes: about, reason, numbers });
  }

  #told(): Decision[] {
    return this.#decisions.splice(0);
  }

  #wayOf(candidate: Candidate): Way {
    const known = this.#ways.get(candidate.way);
    if (known) return known;
    const fresh: Way = {
      ...candidate,
      ...{ lanes: new Set<number>(), isDialing: false, nextTryAt: -Infinity },
      ...{ losses: 0, failures: 0, measured: undefined, receivedBytes: 0, history: new RateHistory() },
    };
    this.#ways.set(candidate.way, fresh);
    return fresh;
  }

  #heardWays(): Way[] {
    const isHeard = (lane: number) => this.#lanes.get(lane)?.silence.silentSince === undefined;
    return [...this.#ways.values()].filter(({ lanes }) => [...lanes].some(isHeard));
  }

  #expected({ scheme, measured }: Way): number {
    return measured ?? guessedRate(this.#guess, scheme);
  }

  /** What was measured is compared with what was measured, guesses with guesses: who reaches less than guessed shows what the path is. */
  #promises(way: Way, preferred: Way): boolean {
    if (way.measured !== undefined) return way.measured > this.#expected(preferred);
    const { scheme } = preferred;
    return guessedRate(this.#guess, way.scheme) > guessedRate(this.#guess, scheme);
  }

  #count(samples: readonly LaneSample[]): void {
    for (const { lane, way, receivedBytes } of samples) {
      const state = this.#lanes.get(lane);
      const entry = this.#ways.get(way);
      if (!state || !entry) continue;
      entry.receivedBytes += receivedBytes - state.receivedBytes;
      state.receivedBytes = receivedBytes;
    }
  }

  #ratesOf({ history }: Way): Numbers {
    return { ...rateNumbers('own', history.rate(fallMs)), ...rateNumbers('all', this.#history.rate(fallMs)) };
  }

  #laneNumbers({ lanes }: Way): Numbers {
    const sample = this.#sample?.lanes.find(({ lane }) => lanes.has(lane));
    return sample ? { rttMs: Math.round(sample.rttMs), lost: sample.lost } : {};
  }

  /** The longest of the lanes in use; 0 while it is not known. */
  get #rttMs(): number {
    const all = this.#sample?.lanes.map(({ minRttMs, rttMs }) => (minRttMs > 0 ? minRttMs : rttMs)) ?? [];
    return Math.min(mostRttMs, Math.max(0, ...all));
  }

  get #isLong(): boolean {
    const rttMs = this.#rttMs;
    return rttMs > 0 ? rttMs >= longRttMs : this.#options.isFar;
  }

  get #starvedMs(): number {
    return starvedMsOf(this.#rttMs);
  }

  get #guess(): Guess {
    const { guess, farGuess = guess } = this.#options;
    return this.#isLong ? farGuess : guess;
  }

  get #trialMs(): number {
    return trialMsOf(this.#rttMs);
  }
}

/** A sample that comes so much late tells of this process, not of the lanes. */
const stallMs = 300;

const rateNumbers = (name: string, rate: number | undefined): Numbers =>
  rate === undefined ? {} : { [`${name}BytesPerSecond`]: perSecond(rate) };
