import { udpDefaults } from 'xfer/plugin';
import { AckAggregation } from './ack-aggregation.js';
import { BandwidthFilter } from './bandwidth-filter.js';
import { clampRate, clampWindow, firstWindowBytes, orMs, unknownRttMs } from './bounds.js';
import type { AckSample, CongestionController, ControllerOptions, LossSample } from './controller.js';
import { FullPipe } from './full-pipe.js';
import { InflightBound } from './inflight-bound.js';
import { LongerPath } from './longer-path.js';
import { LossJudge } from './loss-judge.js';
import { RoundCounter } from './round-counter.js';
import { RoundTripMinimum } from './round-trip-minimum.js';

type State = 'startup' | 'drain' | 'up' | 'down' | 'cruise' | 'probe-rtt';

/**
 * BBR: sends at the bandwidth that the path has shown, and keeps in flight what bandwidth and round trip explain
 * (Cardwell et al., "BBR: Congestion-Based Congestion Control", 2016; draft-cardwell-iccrg-bbr-congestion-control). Losses
 * slow it where they are a full queue's (`LossJudge`), never where they are the path's own.
 */
export class Bbr implements CongestionController {
  readonly name = 'bbr';
  protected readonly bandwidth = new BandwidthFilter();
  readonly #minimum = new RoundTripMinimum();
  readonly #longerPath = new LongerPath();
  readonly #rounds = new RoundCounter();
  readonly #aggregation = new AckAggregation();
  readonly #fullPipe = new FullPipe();
  readonly #judge = new LossJudge();
  readonly #bound = new InflightBound();
  readonly #random: () => number;
  #datagramBytes: number;
  #state: State = 'startup';
  readonly #firstWindowBytes: number;
  #windowBytes: number;
  #pacingRate: number;
  /** The window before `probe-rtt` or an idle time, to go back to. */
  #priorWindowBytes = 0;
  /** When the present phase of probing the bandwidth began, and the estimate then. */
  #phaseSince: number;
  #rateBefore = 0;
  #cruisePhases = 0;
  /** The bound was used up and the queue was not full, in this phase. */
  #wasAtBound = false;
  #metFullQueue = false;
  /** When the last one was heard of. */
  #fullQueueAt = -Infinity;
  /** `probe-rtt` ends then; undefined: more is in flight than should be. */
  #probeUntil: number | undefined;
  #probeRound = 0;
  /** The path seems to be longer: what `probe-rtt` finds is its round trip, whatever was before. */
  #isAnew = false;
  /** What is carried then, for the estimate may be of a path that is gone: bytes a second. */
  #anewRate = Infinity;
  /** What was found then was what was known: it is not looked again before. */
  #anewNotBefore = -Infinity;
  #isRestarting = false;
  #wasAppLimited = false;

  constructor({ now, datagramBytes, random, rttMs }: ControllerOptions) {
    this.#random = random;
    this.#datagramBytes = datagramBytes;
    this.#phaseSince = now;
    this.#firstWindowBytes = firstWindowBytes(udpDefaults.initialWindowPackets, datagramBytes);
    this.#windowBytes = this.#firstWindowBytes;
    this.#pacingRate = clampRate((gains.startup * this.#windowBytes * 1000) / orMs(rttMs, unknownRttMs));
  }

  get windowBytes(): number {
    return clampWindow(this.#boundedWindow(), leastPackets * this.#datagramBytes);
  }

  get pacingRate(): number {
    return this.#pacingRate;
  }

  get minRttMs(): number | undefined {
    return this.#minimum.ms;
  }

  handleSent(now: number, _bytes: number, inFlightBytes: number): void {
    if (inFlightBytes > 0 || !this.#wasAppLimited) return;
    // After an idle time the path is taken up at the known rate: no burst, and no probing of what is not used.
    this.#isRestarting = true;
    this.#aggregation.restart();
    if (isProbingBandwidth(this.#state)) this.#enter('cruise', now);
    this.#pace();
  }

  handleAck(sample: AckSample): void {
    const { now } = sample;
    const acked = sample.ackedBytes > 0 ? Math.min(sample.ackedBytes, maxAckedBytes) : 0;
    const hasRoundEnded = this.#rounds.handleAck(sample);
    this.#wasAppLimited = sample.isAppLimited;
    this.#judge.handleAcked(acked / this.#datagramBytes);
    this.bandwidth.update(sample.deliveryRate, sample.isAppLimited || this.#state === 'probe-rtt');
    this.#aggregation.handleAck(now, acked, this.bandwidth.rate, this.#windowBytes);
    this.#minimum.update(now, sample.rttMs);
    this.#longerPath.handleAck(sample.rttMs, sample.inFlightBytes + acked, sample.deliveryRate);
    if (sample.marked > 0) this.#handleMarked(sample, acked);
    if (hasRoundEnded) this.#handleRound(sample);
    this.#advance(sample, acked);
    this.#growWindow(acked, sample);
    this.#pace();
    if (acked > 0) this.#isRestarting = false;
  }

  handleLoss({ now, lostBytes, sentAt, inFlightThen }: LossSample): void {
    if (!(lostBytes > 0)) return;
    const packets = Math.min(lostBytes, maxAckedBytes) / this.#datagramBytes;
    this.#handleCongested(now, packets, { sentAt, inFlightThen: inFlightThen > 0 ? inFlightThen : 0 });
  }

  handlePersistentCongestion(now: number): void {
    this.bandwidth.reset();
    this.#minimum.reset();
    this.#longerPath.reset();
    this.#isAnew = false;
    this.#anewNotBefore = -Infinity;
    this.#aggregation.reset();
    this.#fullPipe.reset();
    this.#judge.reset();
    this.#bound.reset();
    this.#enter('startup', now);
    this.#windowBytes = leastPackets * this.#datagramBytes;
    this.#pacingRate = clampRate(this.#pacingRate / 2);
  }

  handleSpuriousLoss(_now: number, bytes: number): void {
    if (bytes > 0) this.#judge.handleSpurious(bytes / this.#datagramBytes);
  }

  handleDatagramBytes(bytes: number): void {
    this.#datagramBytes = bytes;
  }

  describe(): Readonly<Record<string, number | string>> {
    return {
      state: this.#state,
      bandwidth: this.bandwidth.rate,
      minRttMs: this.#minimum.ms ?? 0,
      extraBytes: this.#aggregation.extraBytes,
      boundBytes: this.#bound.bytes,
      ownLossRate: this.#judge.ownLossRate,
    };
  }

  /** Bandwidth × round trip; undefined as long as either is unknown. */
  get #productBytes(): number | undefined {
    const rate = this.bandwidth.rate;
    const rtt = this.#minimum.ms;
    return rate > 0 && rtt !== undefined ? (rate * rtt) / 1000 : undefined;
  }

  /** A mark is a queue's word: it counts as a loss does, and no noise makes one. */
  #handleMarked({ now, rttMs, marked, inFlightBytes }: AckSample, acked: number): void {
    const packets = Math.min(marked, acked / this.#datagramBytes);
    const inFlightThen = inFlightBytes > 0 ? inFlightBytes + acked : acked;
    this.#handleCongested(now, packets, { sentAt: now - (rttMs ?? 0), inFlightThen });
  }

  /** What went before the last full queue was heard of belongs to that one (RFC 9002 §7.3.2). */
  #handleCongested(now: number, packets: number, sent: { sentAt: number; inFlightThen: number }): void {
    const { sentAt, inFlightThen } = sent;
    const wasFull = this.#judge.handleLost(packets, inFlightThen / this.#datagramBytes);
    if (!wasFull || this.#state === 'probe-rtt' || (sentAt <= this.#fullQueueAt && this.#fullQueueAt <= now))
      return;
    this.#fullQueueAt = now;
    this.#metFullQueue = true;
    this.#bound.handleFullQueue(inFlightThen, this.#productBytes ?? 0);
    if (this.#state === 'startup') this.#enter('drain', now);
  }

  #handleRound({ now, isAppLimited }: AckSample): void {
    this.bandwidth.handleRound(now, this.#minimum.ms ?? 0);
    this.#aggregation.handleRound();
    this.#judge.handleRound();
    const isFull =
      !isAppLimited && this.#state === 'startup' && this.#fullPipe.handleRound(this.bandwidth.rate);
    if (isFull) this.#enter('drain', now);
    this.#lookAtPath(now);
  }

  #lookAtPath(now: number): void {
    const state = this.#state;
    const { bandwidth } = this;
    const minMs = this.#minimum.ms;
    const isLonger = this.#longerPath.handleRound({ minMs: minMs ?? Infinity, bandwidth: bandwidth.rate });
    if (!isLonger || state === 'startup' || state === 'probe-rtt' || now < this.#anewNotBefore) return;
    this.#isAnew = true;
    this.#anewRate = this.#longerPath.rate;
    this.#enter('probe-rtt', now);
  }

  #advance({ now, inFlightBytes }: AckSample, acked: number): void {
    const product = this.#productBytes;
    if (product === undefined) return;
    if (this.#minimum.isDue && this.#state !== 'probe-rtt' && !this.#isRestarting)
      this.#enter('probe-rtt', now);
    if (now < this.#phaseSince) this.#phaseSince = now;
    const phaseMs = this.#minimum.ms ?? 0;
    const phases = (now - this.#phaseSince) / Math.max(phaseMs, leastPhaseMs);
    const inFlight = inFlightBytes + acked;
    if (inFlight + 2 * this.#datagramBytes >= this.#bound.bytes) this.#wasAtBound = true;
    switch (this.#state) {
      case 'startup':
        return;
      case 'drain':
        if (inFlightBytes <= product) this.#startCycle(now);
        return;
      case 'up':
        if (this.#metFullQueue) this.#enter('down', now);
        else if (phases > 1 && (inFlight >= gains.up * product || phases > mostUpPhases)) {
          if (this.#wasAtBound) this.#bound.handleRoom(this.#datagramBytes);
          this.#enter('down', now);
        }
        return;
      case 'down':
        if (phases > 1 && (inFlightBytes <= product || phases > mostDownPhases)) this.#leaveDown(now);
        return;
      case 'cruise':
        if (phases > this.#cruisePhases) this.#enter('up', now);
        return;
      case 'probe-rtt':
        this.#probeRoundTrip(now, inFlightBytes, product);
    }
  }

  /** What probing found is known a round trip later: a path that carries much more is probed again at once. */
  #leaveDown(now: number): void {
    const hasGrown = !this.#metFullQueue && this.bandwidth.rate > this.#rateBefore * muchMore;
    this.#enter(hasGrown ? 'up' : 'cruise', now);
  }

  /** Flows that begin together shall not probe together. */
  #startCycle(now: number): void {
    this.#enter('cruise', now);
    this.#cruisePhases = Math.floor(this.#random() * mostCruisePhases);
  }

  #enter(state: State, now: number): void {
    if (state === 'probe-rtt') {
      this.#priorWindowBytes = this.#windowBytes;
      this.#probeUntil = undefined;
    }
    if (state === 'up') {
      this.#rateBefore = this.bandwidth.rate;
      this.#metFullQueue = false;
      this.#wasAtBound = false;
    }
    if (state === 'cruise') this.#cruisePhases = mostCruisePhases - 1 + Math.floor(this.#random() * 2);
    this.#state = state;
    this.#phaseSince = now;
  }

  #probeRoundTrip(now: number, inFlightBytes: number, product: number): void {
    if (this.#probeUntil === undefined) {
      if (inFlightBytes > this.#probeWindow(product)) return;
      this.#probeUntil = now + probeRttMs;
      this.#probeRound = this.#rounds.count;
      if (this.#isAnew) this.#minimum.beginAnew();
      return;
    }
    // A clock that went back must not hold the connection here.
    if (now < this.#probeUntil - probeRttMs) this.#probeUntil = now;
    if (now < this.#probeUntil || this.#rounds.count === this.#probeRound) return;
    const isLonger = this.#isAnew && this.#endAnew(now);
    this.#longerPath.reset();
    this.#windowBytes = Math.max(this.#windowBytes, this.#priorWindowBytes);
    if (isLonger) this.#startAgain(now);
    else this.#startCycle(now);
  }

  /** Whether the path was found to be longer. */
  #endAnew(now: number): boolean {
    const before = this.#minimum.ms ?? Infinity;
    this.#minimum.endAnew();
    this.#isAnew = false;
    const isLonger = (this.#minimum.ms ?? 0) >= before * anewGain;
    if (!isLonger) this.#anewNotBefore = now + anewRestMs;
    return isLonger;
  }

  /** What was learnt since the path has become longer is what little was in flight, not what it carries; nor did full queues before. */
  #startAgain(now: number): void {
    this.#bound.reset();
    this.#fullPipe.reset();
    this.#enter('startup', now);
  }

  #probeWindow(product: number): number {
    const carried = this.#isAnew ? (this.#anewRate * (this.#minimum.ms ?? 0)) / 1000 : Infinity;
    return Math.max(probeRttShare * Math.min(product, carried), leastPackets * this.#datagramBytes);
  }

  #growWindow(acked: number, { deliveredBytes }: AckSample): void {
    const product = this.#productBytes;
    if (product === undefined) {
      this.#windowBytes += acked;
      return;
    }
    const reserve = (this.bandwidth.rate * hostPauseMs) / 1000;
    const target =
      (this.#state === 'up' ? probeWindowGain : windowGain) * product +
      this.#aggregation.extraBytes +
      reserve;
    if (this.#state !== 'startup') this.#windowBytes = Math.min(this.#windowBytes + acked, target);
    else if (this.#windowBytes < target || deliveredBytes < this.#firstWindowBytes)
      this.#windowBytes += acked;
    const floor = leastPackets * this.#datagramBytes;
    this.#windowBytes = clampWindow(this.#windowBytes, floor);
  }

  #boundedWindow(): number {
    if (this.#state === 'probe-rtt')
      return Math.min(this.#windowBytes, this.#probeWindow(this.#productBytes ?? 0));
    return Math.min(this.#windowBytes, this.#state === 'up' ? this.#bound.bytes : this.#bound.cruiseBytes);
  }

  /** The estimate is a round trip behind the window, which doubles: by itself it would not let all of that go. */
  get #startupPace(): number {
    const rtt = this.#minimum.ms;
    if (this.#state !== 'startup' || rtt === undefined || this.#isRestarting) return 0;
    return (startupWindows * this.#windowBytes * 1000) / Math.max(rtt, leastPhaseMs);
  }

  #pace(): void {
    const rate = this.bandwidth.rate;
    if (rate === 0) return;
    const gain = this.#isRestarting ? 1 : gains[this.#state];
    const paced = clampRate(Math.max(gain * rate * pacingMargin, this.#startupPace));
    // Startup's first samples are of parts of the first window.
    if (this.#state !== 'startup' || paced > this.#pacingRate) this.#pacingRate = paced;
  }
}

const isProbingBandwidth = (state: State): boolean =>
  state === 'up' || state === 'down' || state === 'cruise';

/** Pacing gains. 2.77 is 4 ln 2, with which the rate doubles in a round; drain undoes what startup queued. */
const gains = Object.freeze({
  startup: 2.77,
  drain: 1 / 2.885,
  up: 1.25,
  down: 0.75,
  cruise: 1,
  'probe-rtt': 1,
} satisfies Record<State, number>);
/** Windows a round trip in startup, as TCP has it in slow start. */
const startupWindows = 2;
const windowGain = 2;
const probeWindowGain = 2.5;
/** Slightly below the estimate, so that a queue which its errors make goes away. */
const pacingMargin = 0.99;
const leastPackets = 4;
const mostCruisePhases = 4;
const mostUpPhases = 3;
const mostDownPhases = 6;
const muchMore = 1.15;
/** Shorter phases than timers can keep say nothing. */
const leastPhaseMs = 1;
const anewGain = 1.25;
const anewRestMs = 5_000;
const probeRttMs = 200;
const probeRttShare = 0.5;
/** Processes are kept from the processor for so long; what goes meanwhile is added to the window. */
const hostPauseMs = 4;
const maxAckedBytes = 2 ** 40;
