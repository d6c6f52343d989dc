/** Seeded choices: the same seed makes the same ones. Not for secrets (Mulberry32 by Tommy Ettinger). */
export class FuzzRandom {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 to 2^32 − 1. */
  word(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  }

  /** From 0 to `below` − 1. */
  below(below: number): number {
    return this.word() % below;
  }

  chance(of: number): boolean {
    return this.below(of) === 0;
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)] as Item;
  }

  bytes(count: number): Buffer {
    const bytes = Buffer.allocUnsafe(count);
    for (let at = 0; at < count; at++) bytes[at] = this.word();
    return bytes;
  }

  /** A copy in which bits of one to three bytes next to each other are turned. */
  flipped(bytes: Uint8Array): Buffer {
    const altered = Buffer.from(bytes);
    const from = this.below(Math.max(1, altered.length));
    const turns = Math.min(1 + this.below(3), altered.length - from);
    for (let at = from; at < from + turns; at++) altered[at] = (altered[at] ?? 0) ^ (1 + this.below(255));
    return altered;
  }

  /** An integer such as make parsers stumble: around powers of two, limits of types, or anything small. */
  oddInteger(): number {
    const edges = [0, 1, 255, 2 ** 16, 2 ** 31, 2 ** 32, 2 ** 40, 2 ** 52, Number.MAX_SAFE_INTEGER];
    if (this.chance(3)) return this.below(70);
    return Math.max(0, Math.min(Number.MAX_SAFE_INTEGER, this.pick(edges) + this.below(5) - 2));
  }
}
