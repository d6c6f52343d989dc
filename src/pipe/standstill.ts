import type { PipeWriter } from './channel.js';

/** How often it is looked who goes on. */
const lookMs = 1000;

interface Watched {
  readonly writer: PipeWriter;
}

interface Seen {
  readonly takenBytes: number;
  readonly atMs: number;
}

/**
 * Finds who stands still among several writers of whom the rest is to be waited for: whose other side takes nothing for as long
 * as `limitMs` while its connection is there. A lost one is the session's, which gives it up by itself.
 */
export class Standstill<Each extends Watched> {
  readonly #limitMs: number;
  readonly #seen = new Map<Each, Seen>();

  constructor(limitMs: number) {
    this.#limitMs = limitMs;
  }

  /** Looks at those that `awaited` gives until `over` settles. */
  async until<Value>(
    over: Promise<Value>,
    awaited: () => readonly Each[],
    onStill: (one: Each) => void,
  ): Promise<Value> {
    const timer = setInterval(() => {
      for (const one of this.#look(awaited(), performance.now())) onStill(one);
    }, lookMs);
    try {
      return await over;
    } finally {
      clearInterval(timer);
      this.#seen.clear();
    }
  }

  #look(awaited: readonly Each[], nowMs: number): readonly Each[] {
    for (const one of this.#seen.keys()) if (!awaited.includes(one)) this.#seen.delete(one);
    return awaited.filter((one) => {
      const { takenBytes, isDetached } = one.writer;
      const seen = this.#seen.get(one);
      if (seen?.takenBytes === takenBytes && !isDetached) return nowMs - seen.atMs >= this.#limitMs;
      this.#seen.set(one, { takenBytes, atMs: nowMs });
      return false;
    });
  }
}
