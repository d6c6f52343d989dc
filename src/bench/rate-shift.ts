/** By how much runs now differ from runs then. */
export interface RateShift {
  /** Now by then: 0.8 is a fifth less. */
  readonly ratio: number;
  /** Of all pairs of a run then and one now, the share in which now was less; of equal ones half. */
  readonly lessShare: number;
  /** What `lessShare` must reach before it is likely to be more than chance; 1 where there are few runs. */
  readonly lessShareWanted: number;
}

/** One sided, about 7 of 100: what two fair sets of five reach if of their 25 pairs 20 have the same one ahead. */
const normalQuantile = 1.5;

/**
 * `ratio` is the median of the ratios of all pairs (Hodges and Lehmann 1963): for noise as that of runs it is nearly as exact as
 * a mean, and one slow run of five moves it little. `lessShare` is the statistic of Mann and Whitney (1947), which needs no
 * assumption of how runs are spread; wanted of it is its mean and 1.5 standard deviations for as many runs. Neither list is empty,
 * and all values are above 0.
 */
export function rateShift(then: readonly number[], now: readonly number[]): RateShift {
  const ratios = then.flatMap((old) => now.map((one) => one / old)).sort((one, other) => one - other);
  const less = ratios.reduce((sum, ratio) => sum + (ratio < 1 ? 1 : ratio === 1 ? 0.5 : 0), 0);
  const deviation = Math.sqrt((then.length + now.length + 1) / (12 * ratios.length));
  return {
    ratio: Math.exp(
      (Math.log(at(ratios, (ratios.length - 1) >> 1)) + Math.log(at(ratios, ratios.length >> 1))) / 2,
    ),
    lessShare: less / ratios.length,
    lessShareWanted: Math.min(1, 0.5 + normalQuantile * deviation),
  };
}

const at = (values: readonly number[], index: number): number => values[index] ?? NaN;
