/** A map of at most so many entries: past it the one that was used longest ago is forgotten. Everything O(1). */
export class LruMap<Key, Value> {
  readonly #most: number;
  /** In the order of use. */
  readonly #entries = new Map<Key, Value>();

  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Does not count as a use. */
  get(key: Key): Value | undefined {
    return this.#entries.get(key);
  }

  /** Uses the entry. */
  set(key: Key, value: Value): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size > this.#most) this.deleteOldest();
  }

  delete(key: Key): boolean {
    return this.#entries.delete(key);
  }

  deleteOldest(): void {
    for (const key of this.#entries.keys()) {
      this.#entries.delete(key);
      return;
    }
  }
}
