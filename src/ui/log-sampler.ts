import { TokenBucketCore } from '../transport/token-bucket-core.js';

interface Kind {
  readonly bucket: TokenBucketCore;
  suppressed: number;
}

/**
 * Keeps what strangers can bring about from filling a disk: of each kind so many lines at once, then one each interval,
 * which says how many were left out before it. Kinds are the program's own words.
 */
export class LogSampler {
  readonly #burst: number;
  readonly #intervalMs: number;
  readonly #kinds = new Map<string, Kind>();

  constructor(burst: number, intervalMs: number) {
    this.#burst = burst;
    this.#intervalMs = intervalMs;
  }

  /** How many of the kind were left out since the last line of it; undefined: this one is left out, too. */
  take(kind: string, now: number): number | undefined {
    const state = this.#kinds.get(kind) ?? this.#newKind(kind);
    if (!state.bucket.tryTake(1, now)) {
      state.suppressed++;
      return undefined;
    }
    const { suppressed } = state;
    state.suppressed = 0;
    return suppressed;
  }

  /** What was left out and not told of yet, by kind; it is told of now. */
  leftOut(): [kind: string, suppressed: number][] {
    const left: [string, number][] = [];
    for (const [kind, state] of this.#kinds) {
      if (state.suppressed > 0) left.push([kind, state.suppressed]);
      state.suppressed = 0;
    }
    return left;
  }

  #newKind(kind: string): Kind {
    const [burst, intervalMs] = [this.#burst, this.#intervalMs];
    const bucket = new TokenBucketCore({ ratePerSecond: 1000 / intervalMs, capacityAt: () => burst });
    const state = { bucket, suppressed: 0 };
    this.#kinds.set(kind, state);
    return state;
  }
}
