/**
 * The ACCEPTs that were sent not long ago, so that a HELLO that comes again (repeated, or replayed) makes no second
 * connection. A dialer's first one of another content may be a forger's who was quicker than it: a few are taken.
 */
export class AnsweredDialers {
  readonly #lifetimeMs: number;
  readonly #maxDialers: number;
  /** In the order in which they are forgotten. */
  readonly #dialers = new Map<string, Dialer>();

  constructor(lifetimeMs: number, maxDialers: number) {
    this.#lifetimeMs = lifetimeMs;
    this.#maxDialers = maxDialers;
  }

  get size(): number {
    return this.#dialers.size;
  }

  /** What was answered to the same, empty where that was nothing; 'full': nothing more is answered to this dialer for a while. */
  find(now: number, dialer: string, content: string): Uint8Array | 'full' | undefined {
    this.#forgetOld(now);
    const answers = this.#dialers.get(dialer)?.answers;
    return answers?.get(content) ?? (answers && answers.size >= maxContents ? 'full' : undefined);
  }

  add(now: number, dialer: string, content: string, answer: Uint8Array): void {
    const answers = this.#dialers.get(dialer)?.answers ?? new Map<string, Uint8Array>();
    answers.set(content, answer);
    this.#dialers.delete(dialer);
    this.#dialers.set(dialer, { answers, forgetAt: now + this.#lifetimeMs });
    for (const oldest of this.#dialers.keys()) {
      if (this.#dialers.size <= this.#maxDialers) break;
      this.#dialers.delete(oldest);
    }
  }

  #forgetOld(now: number): void {
    for (const [name, { forgetAt }] of this.#dialers) {
      // A clock that was put back makes them wait no longer than it was.
      if (forgetAt > now && forgetAt <= now + this.#lifetimeMs) break;
      this.#dialers.delete(name);
    }
  }
}

interface Dialer {
  readonly answers: Map<string, Uint8Array>;
  readonly forgetAt: number;
}

const maxContents = 4;
