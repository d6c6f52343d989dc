import type { LaneSample } from './selection.js';

/**
 * With content under way a living peer is heard of within the pause between two of a transport's probes
 * (muxDefaults.probeIntervalMs) and a round trip. A second one is for what queues up on the way.
 */
const patienceMs = 700;
const roundTrips = 2;
/** Behind that the transport says so itself (muxDefaults.suspectMs); a path that is never faster needs longer all the same. */
const mostPatienceMs = 1_400;

/** Whether a lane that carries content is heard of: sooner than its transport would say, since others can help. Pure. */
export class LaneSilence {
  #heardBytes = -1;
  /** Since when something is awaited; undefined where nothing is. */
  #waitingSince: number | undefined;
  /** Since when it has been silent for longer than is healthy. */
  silentSince: number | undefined;

  /** `stoodStillMs`: how long this process did nothing; what came meanwhile is unread. */
  handleSample(now: number, sample: LaneSample, stoodStillMs: number): void {
    const isHeard = sample.heardBytes !== this.#heardBytes;
    this.#heardBytes = sample.heardBytes;
    if (isHeard && !sample.isSuspect) {
      this.#waitingSince = undefined;
      this.silentSince = undefined;
    }
    if (sample.isSuspect) this.silentSince ??= now;
    if (this.silentSince !== undefined) return;
    if (sample.inFlightBytes === 0) this.#waitingSince = undefined;
    else this.#waitingSince = Math.min(now, (this.#waitingSince ?? now) + stoodStillMs);
    const { rttMs, minRttMs } = sample;
    const most = Math.max(mostPatienceMs, patienceMs + roundTrips * minRttMs);
    const patience = Math.min(patienceMs + roundTrips * rttMs, most);
    if (this.#waitingSince !== undefined && now - this.#waitingSince > patience) this.silentSince = now;
  }
}
