import type { BenchKept, KeptThing } from './contract.js';

/** Makes each thing once, by name, and ends all of them in the end. */
export class Kept implements BenchKept {
  readonly #things = new Map<string, Promise<KeptThing>>();

  get<Thing extends KeptThing>(name: string, make: () => Promise<Thing>): Promise<Thing> {
    // Whoever gives one name to two kinds of things is wrong; each source begins its names with its own.
    const there = this.#things.get(name) as Promise<Thing> | undefined;
    if (there) return there;
    const made = make();
    this.#things.set(name, made);
    made.catch(() => this.#things.delete(name));
    return made;
  }

  /** The last one first. */
  async close(): Promise<void> {
    const all = [...this.#things.values()].reverse();
    this.#things.clear();
    for (const thing of all)
      await thing.then(
        (made) => made.close(),
        () => undefined,
      );
  }
}
