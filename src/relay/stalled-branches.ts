import type { Stream } from '../transport/contract.js';

interface Held {
  /** Given to the branch and not taken yet. */
  bytes: number;
  /** When it took something last, or got something after it had nothing. */
  at: number;
}

/** Which branches of a fork keep the others waiting: one that takes nothing holds back what all of them get. */
export class StalledBranches {
  readonly #patienceMs: number;
  readonly #onStalled: (branch: Stream) => void;
  readonly #held = new Map<Stream, Held>();
  readonly #timer: NodeJS.Timeout;

  constructor(patienceMs: number, onStalled: (branch: Stream) => void) {
    this.#patienceMs = patienceMs;
    this.#onStalled = onStalled;
    this.#timer = setInterval(() => this.#look(), patienceMs / 5).unref();
  }

  /** `release`, told here that the branch has taken the bytes. */
  watch(branch: Stream, bytes: number, release: () => void): () => void {
    let held = this.#held.get(branch);
    if (!held) this.#held.set(branch, (held = { bytes: 0, at: 0 }));
    if (held.bytes === 0) held.at = performance.now();
    held.bytes += bytes;
    const own = held;
    return () => {
      own.bytes -= bytes;
      own.at = performance.now();
      release();
    };
  }

  forget(branch: Stream): void {
    this.#held.delete(branch);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** Where none gets on it is not the branches' doing. */
  #look(): void {
    const since = performance.now() - this.#patienceMs;
    const stalled = [...this.#held].filter(([, { bytes, at }]) => bytes > 0 && at <= since);
    if (stalled.length === this.#held.size) return;
    for (const [branch] of stalled) this.#onStalled(branch);
  }
}
