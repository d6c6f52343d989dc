import { benchDefaults } from '../config/index.js';
import { XferError } from '../errors/index.js';

export const benchPatterns = ['latency', 'memory'] as const;
/** `latency`: a message there and one of its size back, by turns. `memory`: messages one way, a window of them under way. */
export type BenchPattern = (typeof benchPatterns)[number];

/** When a run is over: after so many messages (of latency: round trips), or after so long. */
export type RunLimit = { readonly iterations: number } | { readonly timeMs: number };

/** What is run of each transport. */
export interface BenchPlan {
  readonly patterns: readonly BenchPattern[];
  /** Bytes of a message. */
  readonly sizes: readonly number[];
  readonly limit: RunLimit;
  /** Runs of each size and pattern; the median one is what is told. */
  readonly repeats: number;
}

export interface PlanOptions {
  /** Default: both. */
  readonly pattern?: BenchPattern;
  /** Bytes of each. Default: every power of two up to benchDefaults.largestBytes. */
  readonly sizes?: readonly number[];
  /** Of each run; not with `iterations`. Default: benchDefaults.timeMs. */
  readonly timeMs?: number;
  readonly iterations?: number;
  readonly repeats?: number;
}

/** Throws ERR_XFER_USAGE for what is past a limit. */
export function benchPlan({ pattern, sizes, timeMs, iterations, repeats }: PlanOptions): BenchPlan {
  const { maxMessageBytes, maxSizes, runMs, maxIterations, maxRepeats } = benchDefaults;
  if (iterations !== undefined && timeMs !== undefined)
    throw new XferError('ERR_XFER_USAGE', 'a run ends by its time or by its iterations, not by both');
  if (sizes && (sizes.length === 0 || sizes.length > maxSizes))
    throw new XferError('ERR_XFER_USAGE', `from 1 to ${maxSizes} sizes, not ${sizes.length}`);
  for (const bytes of sizes ?? []) within('a size', bytes, maxMessageBytes, ' bytes');
  if (iterations !== undefined) within('the iterations', iterations, maxIterations);
  if (timeMs !== undefined) within('the time', timeMs, runMs, ' ms');
  if (repeats !== undefined) within('the runs of each size', repeats, maxRepeats);
  return {
    patterns: pattern ? [pattern] : benchPatterns,
    sizes: sizes ?? powersOfTwo(benchDefaults.largestBytes),
    limit: iterations === undefined ? { timeMs: timeMs ?? benchDefaults.timeMs } : { iterations },
    repeats: repeats ?? benchDefaults.repeats,
  };
}

export function powersOfTwo(largest: number): readonly number[] {
  const all: number[] = [];
  for (let bytes = 1; bytes <= largest; bytes *= 2) all.push(bytes);
  return all;
}

function within(what: string, value: number, most: number, unit = ''): void {
  if (Number.isInteger(value) && value >= 1 && value <= most) return;
  throw new XferError('ERR_XFER_USAGE', `${what} must be from 1 to ${most}${unit}, not ${value}`, {
    remedy: 'see xfer bench --help',
  });
}
