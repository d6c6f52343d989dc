interface Place {
  readonly connection: number;
  weight: number;
  /** Streams and whatever else is in use on it. */
  uses: number;
  activeAt: number;
}

/** All connections of one weight, those without a use apart; each map in the order in which they were last active. */
interface WeightClass {
  readonly weight: number;
  readonly idle: Map<number, Place>;
  readonly busy: Map<number, Place>;
}

/** Activity is noted at most this often, as it is reported with every piece of content. */
const granularityMs = 100;

/**
 * Which connection goes when a relay is full: the lowest weight first, and in it the one that was active longest ago,
 * those in use after all others. A newcomer pushes out nobody of more weight than its own, and of its own weight only who
 * has been of no use for a while. Finding a class takes O(log n) of the weights that there are, all else O(1).
 */
export class EvictionOrder {
  readonly #places = new Map<number, Place>();
  /** By rising weight, none empty. */
  readonly #classes: WeightClass[] = [];
  readonly #leastIdleMs: number;

  constructor(leastIdleMs: number) {
    this.#leastIdleMs = leastIdleMs;
  }

  get size(): number {
    return this.#places.size;
  }

  add(now: number, connection: number, weight: number): void {
    const place = { connection, weight, uses: 0, activeAt: now };
    this.#places.set(connection, place);
    this.#enter(place);
  }

  delete(connection: number): void {
    const place = this.#places.get(connection);
    if (!place) return;
    this.#leave(place);
    this.#places.delete(connection);
  }

  /** Something is in use on it (+1), or no longer (−1). */
  use(now: number, connection: number, change: 1 | -1): void {
    const place = this.#places.get(connection);
    if (!place || place.uses + change < 0) return;
    this.#leave(place);
    place.uses += change;
    place.activeAt = now;
    this.#enter(place);
  }

  handleActive(now: number, connection: number): void {
    const place = this.#places.get(connection);
    if (!place || now - place.activeAt < granularityMs) return;
    place.activeAt = now;
    const { idle, busy } = this.#classOf(place.weight);
    const places = place.uses > 0 ? busy : idle;
    places.delete(connection);
    places.set(connection, place);
  }

  setWeight(connection: number, weight: number): void {
    const place = this.#places.get(connection);
    if (!place || place.weight === weight) return;
    this.#leave(place);
    place.weight = weight;
    this.#enter(place);
  }

  /** Who goes for a newcomer of this weight; undefined: nobody, it is refused. */
  victimFor(now: number, weight: number): number | undefined {
    const [lowest] = this.#classes;
    if (!lowest || lowest.weight > weight) return undefined;
    const [idle] = lowest.idle.values();
    if (lowest.weight < weight) {
      const [busy] = lowest.busy.values();
      return (idle ?? busy)?.connection;
    }
    return idle && now - idle.activeAt >= this.#leastIdleMs ? idle.connection : undefined;
  }

  #enter(place: Place): void {
    const { idle, busy } = this.#classOf(place.weight);
    (place.uses > 0 ? busy : idle).set(place.connection, place);
  }

  #leave({ connection, weight }: Place): void {
    const at = this.#indexOf(weight);
    const from = this.#classes[at];
    if (!from) return;
    from.idle.delete(connection);
    from.busy.delete(connection);
    if (from.idle.size + from.busy.size === 0) this.#classes.splice(at, 1);
  }

  #classOf(weight: number): WeightClass {
    const at = this.#indexOf(weight);
    const known = this.#classes[at];
    if (known?.weight === weight) return known;
    const fresh = { weight, idle: new Map<number, Place>(), busy: new Map<number, Place>() };
    this.#classes.splice(at, 0, fresh);
    return fresh;
  }

  /** Of the class, or where it belongs. */
  #indexOf(weight: number): number {
    let [low, high] = [0, this.#classes.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#classes[middle]?.weight ?? Infinity) < weight) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
