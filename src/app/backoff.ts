import { setTimeout as wait } from 'node:timers/promises';

const firstMs = 100;
const mostMs = 5_000;

/** Waiting times of tries that fail one after the other: doubled up to 5 s, each between a half and the whole of that, so that many do not come at once. */
export class Backoff {
  #nextMs = 0;

  /** Waits before the next try; not at all before the first. Rejects when the signal says so. */
  async wait(signal: AbortSignal): Promise<void> {
    const ms = this.#nextMs;
    this.#nextMs = Math.min(mostMs, Math.max(firstMs, 2 * ms));
    if (ms > 0) await wait(ms * (0.5 + Math.random() / 2), undefined, { signal });
  }
}
