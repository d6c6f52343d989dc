import { SelectionCore } from '../../src/transport/selection-core.js';
import type { Decision, SelectionSample } from '../../src/transport/selection.js';
import type { Guess } from '../../src/transport/topology.js';

const stepMs = 10;
const sampleMs = 100;
/** First content of a connection that is under way: ten packets. */
const firstBytes = 14_600;
const segmentBytes = 1_460;
/** What TCP reaches of segment / (round trip × √loss) (Mathis et al., 1997). */
const mathis = 1.22;
const probeMs = 500;
/** A connection, and a lane's proof. */
export const dialRoundTrips = 3;

/** What a way is at some time; all rates in bytes a millisecond. */
export interface PathState {
  readonly capacity: number;
  readonly rttMs: number;
  /** Part of the packets that is lost. */
  readonly loss?: number;
  /** Nothing goes through, either way. */
  readonly isCut?: boolean;
}

export interface SimWay {
  readonly scheme: string;
  /** Ways of the same link share its capacity, which is that of the first. */
  readonly link: string;
  /** Slows down with each loss, or goes by what it measures. */
  readonly control: 'loss' | 'rate';
  /** The part of the processor that a byte a millisecond takes. */
  readonly cpu: number;
  state(now: number): PathState;
}

export interface SimCase {
  readonly bytes: number;
  /** The first is what answers first. */
  readonly ways: readonly SimWay[];
  readonly guess: Guess;
  /** Default: the same. */
  readonly farGuess?: Guess;
  readonly isFar: boolean;
}

export interface SimEnd {
  readonly ms: number;
  /** The longest time without anything acknowledged. */
  readonly stallMs: number;
  /** By scheme, what each carried. */
  readonly carried: ReadonlyMap<string, number>;
  readonly preferred: string | undefined;
  readonly decisions: readonly (Decision & { readonly at: number })[];
}

interface SimLane {
  readonly number: number;
  readonly way: SimWay;
  /** Bytes a millisecond that it asks for. */
  rate: number;
  isResting: boolean;
  received: number;
  heard: number;
  heardAt: number;
  /** Acknowledged one round trip later. */
  readonly underWay: { readonly at: number; readonly bytes: number }[];
  inFlight: number;
}

const mostMs = 600_000;

/** A transfer over ways that are fluids in virtual time. Without `chooses` it stays on the first. */
export class SelectionWorld {
  readonly #case: SimCase;
  readonly #core: SelectionCore;
  readonly #chooses: boolean;
  readonly #lanes: SimLane[] = [];
  readonly #dials: { readonly at: number; readonly way: SimWay; readonly fails: boolean }[] = [];
  readonly #decisions: (Decision & { at: number })[] = [];
  readonly #carried = new Map<string, number>();
  #now = 0;
  #received = 0;
  #lastLane = 0;

  constructor(simCase: SimCase, chooses: boolean) {
    this.#case = simCase;
    this.#chooses = chooses;
    const { guess, farGuess = guess, isFar } = simCase;
    this.#core = new SelectionCore({ guess, farGuess, isFar, mayTry: true });
    this.#core.handleCandidates(simCase.ways.map(({ scheme }) => ({ way: scheme, scheme })));
  }

  run(): SimEnd {
    const { bytes, ways } = this.#case;
    if (ways[0]) this.#open(ways[0]);
    let stallMs = 0;
    let movedAt = 0;
    while (this.#received < bytes - 1 && this.#now < mostMs) {
      if (this.#now % sampleMs === 0 && this.#chooses)
        this.#do(this.#core.handleSample(this.#now, this.#sample()));
      const before = this.#received;
      this.#step();
      this.#now += stepMs;
      if (this.#received > before) movedAt = this.#now;
      stallMs = Math.max(stallMs, this.#now - movedAt);
    }
    const { preferred } = this.#core;
    return { ms: this.#now, stallMs, carried: this.#carried, preferred, decisions: this.#decisions };
  }

  #step(): void {
    for (const dial of this.#dials.splice(0)) {
      if (dial.at > this.#now) this.#dials.push(dial);
      else if (dial.fails) this.#do(this.#core.handleDialFailed(this.#now, dial.way.scheme));
      else this.#open(dial.way);
    }
    const wanting = this.#lanes.filter(({ isResting, way }) => !isResting && !way.state(this.#now).isCut);
    const given = this.#shares(wanting);
    const left =
      this.#case.bytes - this.#received - this.#lanes.reduce((sum, { inFlight }) => sum + inFlight, 0);
    const wanted = [...given.values()].reduce((sum, rate) => sum + rate * stepMs, 0);
    const scale = wanted > 0 ? Math.min(1, Math.max(0, left) / wanted) : 0;
    for (const [lane, rate] of given) {
      const { rttMs } = lane.way.state(this.#now);
      const bytes = rate * stepMs * scale;
      if (bytes > 0) lane.underWay.push({ at: this.#now + rttMs, bytes });
      lane.inFlight += bytes;
    }
    for (const lane of this.#lanes) this.#acknowledge(lane);
  }

  #acknowledge(lane: SimLane): void {
    if (lane.way.state(this.#now).isCut) return;
    while ((lane.underWay[0]?.at ?? Infinity) <= this.#now) {
      const bytes = lane.underWay.shift()?.bytes ?? 0;
      lane.inFlight -= bytes;
      lane.received += bytes;
      lane.heard += 1;
      lane.heardAt = this.#now;
      this.#received += bytes;
      const { scheme } = lane.way;
      this.#carried.set(scheme, (this.#carried.get(scheme) ?? 0) + bytes);
    }
    if (this.#now - lane.heardAt < probeMs) return;
    lane.heard += 1;
    lane.heardAt = this.#now;
  }

  /** What each lane gets: its wish, within the fair share of its link and of the processor. */
  #shares(lanes: readonly SimLane[]): Map<SimLane, number> {
    const given = new Map<SimLane, number>();
    for (const link of new Set(lanes.map(({ way }) => way.link))) {
      const sharing = lanes.filter(({ way }) => way.link === link);
      let left = Math.max(...sharing.map(({ way }) => way.state(this.#now).capacity));
      const byWish = sharing
        .map((lane) => ({ lane, wish: Math.min(lane.rate, lane.way.state(this.#now).capacity) }))
        .sort((a, b) => a.wish - b.wish);
      byWish.forEach(({ lane, wish }, index) => {
        const rate = Math.min(wish, left / (byWish.length - index));
        given.set(lane, rate);
        left -= rate;
      });
    }
    const busy = [...given].reduce((sum, [{ way }, rate]) => sum + way.cpu * rate, 0);
    for (const [lane, rate] of given) {
      const fair = busy > 1 ? rate / busy : rate;
      given.set(lane, fair);
      this.#grow(lane, fair);
    }
    return given;
  }

  /** Doubles each round trip until something holds it: its share, or loss. */
  #grow(lane: SimLane, given: number): void {
    const { rttMs, loss = 0 } = lane.way.state(this.#now);
    const most =
      lane.way.control === 'loss' && loss > 0
        ? (mathis * segmentBytes) / (rttMs * Math.sqrt(loss))
        : Infinity;
    const isHeld = given < 0.9 * lane.rate;
    const next = isHeld ? Math.max(given * 1.1, 1) : lane.rate * 2 ** (stepMs / Math.max(rttMs, 1));
    lane.rate = Math.min(next, most, 10_000_000);
  }

  #open(way: SimWay): void {
    const { rttMs } = way.state(this.#now);
    const number = this.#lastLane++;
    this.#lanes.push({
      ...{ number, way, rate: firstBytes / Math.max(1, rttMs), isResting: false, received: 0 },
      ...{ heard: 1, heardAt: this.#now, underWay: [], inFlight: 0 },
    });
    const { scheme } = way;
    this.#do(this.#core.handleLane(this.#now, number, { way: scheme, scheme }, 'up'));
  }

  #do(decisions: readonly Decision[]): void {
    for (const decision of decisions) {
      this.#decisions.push({ ...decision, at: this.#now });
      const { what, lanes } = decision;
      const about = this.#lanes.filter(({ number }) => lanes.includes(number));
      if (what === 'rest' || what === 'resume') for (const lane of about) lane.isResting = what === 'rest';
      // What was under way goes again on the others.
      if (what === 'silent') for (const lane of about) this.#requeue(lane);
      if (what === 'close') for (const lane of about) this.#close(lane);
      if (what === 'dial') this.#dial(decision.way);
    }
  }

  #dial(scheme: string): void {
    const way = this.#case.ways.find((one) => one.scheme === scheme);
    if (!way) return;
    const { isCut = false, rttMs } = way.state(this.#now);
    this.#dials.push({ at: this.#now + (isCut ? 3_000 : dialRoundTrips * rttMs + 10), way, fails: isCut });
  }

  #requeue(lane: SimLane): void {
    lane.underWay.splice(0);
    lane.inFlight = 0;
  }

  #close(lane: SimLane): void {
    this.#requeue(lane);
    this.#lanes.splice(this.#lanes.indexOf(lane), 1);
    const { scheme } = lane.way;
    this.#do(this.#core.handleLane(this.#now, lane.number, { way: scheme, scheme }, 'down'));
  }

  #sample(): SelectionSample {
    return {
      receivedBytes: this.#received,
      remainingBytes: this.#case.bytes - this.#received,
      networkMs: this.#now,
      lanes: this.#lanes.map(({ number, way, received, inFlight, heard }) => {
        const { rttMs } = way.state(this.#now);
        const about = { lane: number, way: way.scheme, receivedBytes: received, inFlightBytes: inFlight };
        // No round trip is known before there was one.
        const known = received > 0 ? rttMs : 0;
        return { ...about, heardBytes: heard, rttMs: known, minRttMs: known, lost: 0, isSuspect: false };
      }),
    };
  }
}
