export interface Demand {
  readonly wanted: number;
  readonly weight: number;
}

/** Each pass settles who gets all it wants; more than this many different sizes of wants come never, and cost little. */
const mostPasses = 64;

/**
 * Weighted max-min fairness (Bertsekas and Gallager, Data Networks, §6.5.2): the level, so much for each weight, at which
 * `pool` is used up when nobody gets more than it wants. Infinity where all get what they want.
 */
export function waterLevel(pool: number, demands: Iterable<Demand>): number {
  let level = -1;
  for (let pass = 0; pass < mostPasses; pass++) {
    let [left, weights] = [pool, 0];
    for (const { wanted, weight } of demands) {
      if (wanted <= weight * level) left -= wanted;
      else weights += weight;
    }
    if (weights === 0) return Infinity;
    const next = left / weights;
    if (next <= level) break;
    level = next;
  }
  return level;
}
