import { formatRate } from '../config/quantity.js';
import type { BenchLink, BenchParameters, BenchReport, BenchRow } from './report.js';

/** How much of what there is to be had a row has. */
export interface VerdictLimit {
  readonly share: number;
  /** Of what: `of the 12.5 MB/s of the link`. */
  readonly what: string;
}

/** What there is to be had: of an emulated link its rate; of this machine what its kernel gives one connection. Of latency nothing. */
export function limitOf(
  row: BenchRow,
  { rows, parameters }: Pick<BenchReport, 'rows' | 'parameters'>,
): VerdictLimit | undefined {
  if (row.pattern === 'latency') return undefined;
  const { link, target } = parameters;
  const { bytesPerSecond, isBothWays } = row;
  if (link) {
    const most = linkBytesPerSecond(link, row, parameters);
    return most === undefined
      ? undefined
      : { share: bytesPerSecond / most, what: `of the ${formatRate(most)} of the link` };
  }
  if (target !== null) return undefined;
  const reference = Math.max(
    ...rows.filter(({ kind }) => kind === 'reference').map((one) => one.bytesPerSecond),
  );
  if (!(reference > 0)) return undefined;
  return {
    share: bytesPerSecond / (isBothWays ? 2 * reference : reference),
    what: `of ${isBothWays ? 'twice ' : ''}the ${formatRate(reference)} that this machine's kernel gives one connection`,
  };
}

/**
 * Both ways together as much goes there as back, and the clock runs until both are over, so the slower direction is the measure of
 * both; but for pipes that a time ends, each of which carries what its direction does.
 */
function linkBytesPerSecond(
  { bitsPerSecond: there = Infinity, back }: BenchLink,
  { pattern, isBothWays }: BenchRow,
  { works }: BenchParameters,
): number | undefined {
  const backwards = back ? (back.bitsPerSecond ?? Infinity) : there;
  const isTimed = works.some((work) => work.pattern === pattern && 'timeMs' in work.limit);
  const bothWays = pattern === 'pipe' && isTimed ? there + backwards : 2 * Math.min(there, backwards);
  const most = (isBothWays ? bothWays : there) / 8;
  return most === Infinity ? undefined : most;
}
