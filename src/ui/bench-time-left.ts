import { median } from './bench-figures.js';

export interface RunTimes {
  /** Seconds that runs took, by contestant. */
  readonly took: ReadonlyMap<string, readonly number[]>;
  /** Contestants that still run. */
  readonly ids: readonly string[];
  readonly rounds: number;
  /** Works that have not begun; each is taken to last as long as this one. */
  readonly worksBehind: number;
  /** So long the present run has been under way. */
  readonly runningSeconds: number;
}

/**
 * Seconds until the last run ends, by the median of each contestant's runs: who has not run yet is taken for the median of the
 * others. undefined before the first run has ended.
 */
export function timeLeft({ took, ids, rounds, worksBehind, runningSeconds }: RunTimes): number | undefined {
  const all = [...took.values()].flat();
  if (all.length === 0) return undefined;
  const usual = median(all);
  let left = 0;
  let round = 0;
  for (const id of ids) {
    const runs = took.get(id) ?? [];
    const one = runs.length > 0 ? median(runs) : usual;
    left += one * Math.max(0, rounds - runs.length);
    round += one;
  }
  return Math.max(0, left - Math.min(runningSeconds, left > 0 ? usual : 0)) + round * rounds * worksBehind;
}
