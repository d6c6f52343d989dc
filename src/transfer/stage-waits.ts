/** What a sender waits for. */
export const sendStages = ['source', 'seal', 'network', 'window', 'limit'] as const;
export type SendStage = (typeof sendStages)[number];

/** Adds up how long was waited for what, in milliseconds. Pure. */
export class StageWaits {
  readonly #ms: Record<SendStage, number> = { source: 0, seal: 0, network: 0, window: 0, limit: 0 };
  #reason: SendStage | undefined;
  #since = 0;

  /** From now on `reason` is waited for; undefined: for nothing. */
  handle(reason: SendStage | undefined, now: number): void {
    if (this.#reason) this.#ms[this.#reason] += now - this.#since;
    this.#reason = reason;
    this.#since = now;
  }

  /** Up to the last `handle`. */
  get ms(): Readonly<Record<SendStage, number>> {
    return { ...this.#ms };
  }
}
