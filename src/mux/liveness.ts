import type { MuxConfig } from './config.js';

type Limits = Pick<MuxConfig, 'keepaliveIdleMs' | 'probeIntervalMs' | 'suspectMs' | 'deadMs'>;

export type LivenessVerdict = 'alive' | 'probe' | 'dead';

/** Decides from silence: when to probe, when the link is suspect, when it is dead. Any byte is life. */
export class Liveness {
  readonly #limits: Limits;
  #heardAt: number;
  #probedAt: number;
  /** Since when something is with the other side that it has said nothing about. */
  #waitingSince: number | undefined;
  #sentSinceProbe = false;
  suspect = false;
  minRttMs = 0;
  rttMs = 0;
  /** Each round trip that was measured. */
  onRoundTrip: ((ms: number) => void) | undefined;

  constructor(limits: Limits, now: number) {
    this.#limits = limits;
    this.#heardAt = now;
    this.#probedAt = now;
  }

  /** Nothing before this counts: what was sent is under way only now. */
  begin(now: number): void {
    this.#heardAt = now;
    this.#probedAt = now;
    if (this.#waitingSince !== undefined) this.#waitingSince = now;
    this.suspect = false;
  }

  handleHeard(now: number): void {
    this.#heardAt = now;
    this.#waitingSince = undefined;
    this.suspect = false;
  }

  /** Something left that the other side will react to. */
  handleSent(now: number): void {
    this.#waitingSince ??= now;
    this.#sentSinceProbe = true;
  }

  handleProbe(now: number): void {
    this.#probedAt = now;
    this.#waitingSince ??= now;
    this.#sentSinceProbe = false;
  }

  handleRtt(ms: number): void {
    this.minRttMs = this.minRttMs === 0 ? ms : Math.min(this.minRttMs, ms);
    this.rttMs = this.rttMs === 0 ? ms : this.rttMs + (ms - this.rttMs) / 8;
    this.onRoundTrip?.(ms);
  }

  get nextTimeout(): number {
    const { keepaliveIdleMs, probeIntervalMs, suspectMs, deadMs } = this.#limits;
    if (this.#waitingSince === undefined && !this.#sentSinceProbe)
      return Math.max(this.#heardAt, this.#probedAt) + keepaliveIdleMs;
    const probe = this.#probedAt + probeIntervalMs;
    if (this.#waitingSince === undefined) return probe;
    return Math.min(probe, this.#waitingSince + (this.suspect ? deadMs : suspectMs));
  }

  handleTimeout(now: number): LivenessVerdict {
    const { keepaliveIdleMs, probeIntervalMs, suspectMs, deadMs } = this.#limits;
    // Called much later than asked for, it was this process that stood still, and what arrived meanwhile is unread yet.
    if (this.#waitingSince !== undefined && now - this.nextTimeout > probeIntervalMs)
      this.#waitingSince = now;
    if (this.#waitingSince !== undefined) {
      const silentMs = now - this.#waitingSince;
      if (silentMs >= deadMs) return 'dead';
      if (silentMs >= suspectMs) this.suspect = true;
    }
    const sinceProbe = now - this.#probedAt;
    if (this.#waitingSince !== undefined || this.#sentSinceProbe)
      return sinceProbe >= probeIntervalMs ? 'probe' : 'alive';
    return now - this.#heardAt >= keepaliveIdleMs && sinceProbe >= keepaliveIdleMs ? 'probe' : 'alive';
  }
}
