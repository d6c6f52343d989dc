import { isDue } from './steady-clock.js';
import type { ReceivedAck } from './received-ack.js';
import type { RttEstimator } from './rtt-estimator.js';
import { SentList } from './sent-list.js';
import type { SentRun } from './sent-run.js';

/** What becomes of what was sent. */
export interface FateHandler {
  handleAcked(run: SentRun): void;
  handleLost(run: SentRun): void;
  /** Found lost before, and acknowledged now. */
  handleSpurious(run: SentRun): void;
}

export interface LossDetectorOptions {
  readonly leastProbeTimeoutMs: number;
  readonly fates: FateHandler;
}

/** RFC 9002 §6.1.2: nothing is lost sooner than timers can tell. */
const granularityMs = 1;
/** RFC 8985 §6.2: a reordering window that was widened is narrowed after so many round trips without need for it. */
const quietRoundTrips = 16;
const widest = 4;
/** The doubling of probe timeouts ends here, so that a path that is back is found soon. */
const longestProbeTimeoutMs = 2_000;
/** Lost runs that are remembered, to know them when they are acknowledged after all; and for how many probe timeouts. */
const maxRemembered = 4096;
const rememberedTimeouts = 3;

/**
 * What is in flight, and when it counts as lost: by time since sending, once something sent later was acknowledged (RACK,
 * RFC 8985), else a probe timeout asks (RFC 9002 §6.2).
 */
export class LossDetector {
  readonly #options: LossDetectorOptions;
  readonly #inFlight = new SentList();
  readonly #lost = new SentList();
  #rtt: RttEstimator;
  /** The newest that was acknowledged. */
  #newestNumber = 0;
  #lossAt = Infinity;
  /** Reordering window in quarters of the least round trip; how long it stays so. */
  #window = 1;
  #narrowAt = Infinity;
  #widenAt = 0;
  #lastSentAt = 0;
  #timeouts = 0;

  constructor(options: LossDetectorOptions, rtt: RttEstimator) {
    this.#options = options;
    this.#rtt = rtt;
  }

  get oldest(): SentRun | undefined {
    return this.#inFlight.first;
  }

  /** Lost ones included, while they are remembered. */
  get runs(): number {
    return this.#inFlight.count + this.#lost.count;
  }

  get isEmpty(): boolean {
    return this.#inFlight.first === undefined;
  }

  /** Probe timeouts since anything was acknowledged. */
  get timeouts(): number {
    return this.#timeouts;
  }

  get probeTimeoutMs(): number {
    return Math.max(this.#rtt.probeTimeoutMs, this.#options.leastProbeTimeoutMs);
  }

  get reorderingWindowMs(): number {
    return Math.min((this.#window * this.#rtt.minMs) / 4, this.#rtt.smoothedMs);
  }

  /** When `handleTimeout` has something to do. */
  get at(): number {
    return this.#lossAt === Infinity ? this.#probeAt : this.#lossAt;
  }

  /** Another path, of which nothing is known yet. */
  handlePath(rtt: RttEstimator): void {
    this.#rtt = rtt;
    this.#window = 1;
    this.#timeouts = 0;
  }

  handleSent(run: SentRun): void {
    this.#inFlight.insert(run);
    this.#lastSentAt = run.sentAt;
  }

  /** Returns the newest run that it acknowledged for the first time, if it is newer than all before. */
  handleAck(now: number, ack: ReceivedAck): SentRun | undefined {
    this.#handleSpurious(now, ack);
    let newest: SentRun | undefined;
    let run = this.#inFlight.first;
    for (let index = 0; index < ack.count && run !== undefined; index++) {
      const first = ack.first(index);
      const last = ack.last(index);
      while (run !== undefined && run.last < first) run = run.next;
      while (run !== undefined && run.number <= last) {
        const part: SentRun = this.#inFlight.isolate(run, first, last);
        run = part.next;
        this.#inFlight.remove(part);
        newest = part;
        this.#options.fates.handleAcked(part);
      }
    }
    if (newest === undefined) return undefined;
    this.#timeouts = 0;
    if (newest.last <= this.#newestNumber) return undefined;
    this.#newestNumber = newest.last;
    return newest;
  }

  /** After each ACK and its round trip, and when the time has come: finds what is lost, oldest first. */
  detect(now: number): void {
    if (now >= this.#narrowAt) this.#narrow(now);
    const waitMs = Math.max(
      Math.max(this.#rtt.smoothedMs, this.#rtt.latestMs) + this.reorderingWindowMs,
      granularityMs,
    );
    this.#lossAt = Infinity;
    let run = this.#inFlight.first;
    while (run !== undefined && run.number < this.#newestNumber) {
      const next: SentRun | undefined = run.next;
      if (!isDue(run.sentAt + waitMs, now)) {
        this.#lossAt = run.sentAt + waitMs;
        return;
      }
      this.#inFlight.remove(run);
      this.#remember(now, run);
      this.#options.fates.handleLost(run);
      run = next;
    }
  }

  /** True: the probe timeout is over, and something has to be sent that is answered. */
  handleTimeout(now: number): boolean {
    if (this.#lossAt !== Infinity) {
      if (isDue(this.#lossAt, now)) this.detect(now);
      return false;
    }
    if (!isDue(this.#probeAt, now)) return false;
    this.#timeouts += 1;
    return true;
  }

  get #probeAt(): number {
    if (this.isEmpty) return Infinity;
    const once = this.probeTimeoutMs;
    return this.#lastSentAt + Math.min(once * 2 ** this.#timeouts, Math.max(once, longestProbeTimeoutMs));
  }

  /** Packets are reordered more than was thought; counted once a round trip, for one cause makes many of them. */
  #widen(now: number): void {
    if (now >= this.#widenAt) {
      this.#window = Math.min(this.#window * 2, widest);
      this.#widenAt = now + this.#rtt.smoothedMs;
    }
    this.#narrowAt = now + quietRoundTrips * this.#rtt.smoothedMs;
  }

  #narrow(now: number): void {
    this.#window = Math.max(1, this.#window / 2);
    this.#narrowAt = this.#window > 1 ? now + quietRoundTrips * this.#rtt.smoothedMs : Infinity;
  }

  /** From the newest down: what is below the lowest range of the ACK is not looked at. */
  #handleSpurious(now: number, ack: ReceivedAck): void {
    if ((this.#lost.first?.number ?? Infinity) > ack.largest) return;
    let run = this.#lost.last;
    for (let index = ack.count - 1; index >= 0 && run !== undefined; index--) {
      const first = ack.first(index);
      const last = ack.last(index);
      while (run !== undefined && run.number > last) run = run.previous;
      while (run !== undefined && run.last >= first) {
        const part: SentRun = this.#lost.isolate(run, first, last);
        run = part.previous;
        this.#lost.remove(part);
        this.#widen(now);
        this.#options.fates.handleSpurious(part);
      }
    }
  }

  #remember(now: number, run: SentRun): void {
    this.#lost.insert(run);
    const since = now - rememberedTimeouts * this.probeTimeoutMs;
    for (let oldest = this.#lost.first; oldest !== undefined; oldest = this.#lost.first) {
      if (oldest.sentAt >= since && this.#lost.count <= maxRemembered) return;
      this.#lost.remove(oldest);
    }
  }
}
