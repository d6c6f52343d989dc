/** Buckets of one power of two: what is read from them is off by less than 0.8 % of itself. */
const perOctave = 128;
/** From a nanosecond to a quarter of an hour, in microseconds: what lies beyond counts as the nearest. */
const lowestExponent = -10;
const octaves = 40;

/** What a histogram is to another process: of its buckets those that are not empty, as their place and their count. */
export interface PackedHistogram {
  readonly sum: number;
  readonly least: number;
  readonly most: number;
  readonly buckets: readonly (readonly [number, number])[];
}

/** Times in microseconds, any number of them in a fixed place. Least, most and average are exact. */
export class Histogram {
  readonly #buckets = new Float64Array(perOctave * octaves);
  #count = 0;
  #sum = 0;
  #least = Infinity;
  #most = 0;

  get count(): number {
    return this.#count;
  }

  get leastUs(): number {
    return this.#count === 0 ? 0 : this.#least;
  }

  get mostUs(): number {
    return this.#most;
  }

  get averageUs(): number {
    return this.#count === 0 ? 0 : this.#sum / this.#count;
  }

  add(us: number): void {
    const at = bucketOf(us);
    this.#buckets[at] = (this.#buckets[at] ?? 0) + 1;
    this.#count++;
    this.#sum += us;
    if (us < this.#least) this.#least = us;
    if (us > this.#most) this.#most = us;
  }

  addAll(other: Histogram): void {
    for (const [at, count] of other.#buckets.entries()) this.#buckets[at] = (this.#buckets[at] ?? 0) + count;
    this.#count += other.#count;
    this.#sum += other.#sum;
    this.#least = Math.min(this.#least, other.#least);
    this.#most = Math.max(this.#most, other.#most);
  }

  packed(): PackedHistogram {
    const buckets = [...this.#buckets.entries()].filter(([, count]) => count > 0);
    return { sum: this.#sum, least: this.leastUs, most: this.#most, buckets };
  }

  addPacked({ sum, least, most, buckets }: PackedHistogram): void {
    for (const [at, count] of buckets) {
      this.#buckets[at] = (this.#buckets[at] ?? 0) + count;
      this.#count += count;
    }
    this.#sum += sum;
    if (buckets.length > 0) this.#least = Math.min(this.#least, least);
    this.#most = Math.max(this.#most, most);
  }

  /** What `share` of them (0 to 1) do not exceed; 0 where there are none. */
  quantileUs(share: number): number {
    const wanted = Math.max(1, Math.ceil(share * this.#count));
    let seen = 0;
    for (const [at, count] of this.#buckets.entries()) {
      seen += count;
      if (seen >= wanted && count > 0) return Math.min(Math.max(middleOf(at), this.#least), this.#most);
    }
    return 0;
  }
}

function bucketOf(us: number): number {
  if (!(us > 0)) return 0;
  const exponent = Math.floor(Math.log2(us));
  const within = Math.floor((us / 2 ** exponent - 1) * perOctave);
  const at = (exponent - lowestExponent) * perOctave + within;
  return Math.min(Math.max(at, 0), perOctave * octaves - 1);
}

function middleOf(at: number): number {
  const exponent = Math.floor(at / perOctave) + lowestExponent;
  return 2 ** exponent * (1 + ((at % perOctave) + 0.5) / perOctave);
}
