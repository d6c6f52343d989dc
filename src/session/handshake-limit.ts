import { sessionDefaults } from '../config/index.js';
import { sourceKey } from '../transport/source-key.js';

/** Counts the handshakes that are under way, in all and by source (an address, or the /64 of an IPv6 one), before any work is done for them. */
export class HandshakeLimit {
  readonly #max: number;
  readonly #maxPerSource: number;
  readonly #bySource = new Map<string, number>();
  #all = 0;

  constructor(
    max: number = sessionDefaults.maxHandshakes,
    maxPerSource: number = sessionDefaults.maxHandshakesPerAddress,
  ) {
    this.#max = max;
    this.#maxPerSource = maxPerSource;
  }

  /** Undefined where there is no room; else call what it gives when the handshake is over, once. */
  enter(address: string): (() => void) | undefined {
    const source = sourceKey(address);
    const here = this.#bySource.get(source) ?? 0;
    if (this.#all >= this.#max || here >= this.#maxPerSource) return undefined;
    this.#all += 1;
    this.#bySource.set(source, here + 1);
    return () => {
      this.#all -= 1;
      const left = (this.#bySource.get(source) ?? 1) - 1;
      if (left > 0) this.#bySource.set(source, left);
      else this.#bySource.delete(source);
    };
  }
}
