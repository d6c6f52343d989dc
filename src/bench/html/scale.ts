/** A value's place on an axis, 0 to 1, and the values that are written on it. */
export interface Scale {
  at(value: number): number;
  readonly ticks: readonly number[];
}

/** From zero, so that twice as long a bar is twice as much. */
export function zeroScale(most: number): Scale {
  const end = most > 0 ? most : 1;
  const step = niceStep(end / 4);
  const ticks: number[] = [];
  for (let count = 0; count * step <= end; count++) ticks.push(count * step);
  return { at: (value) => within(value / end), ticks };
}

/**
 * Each step on the axis is as many times the one before it. Ends are whole powers of `base`, with at most `mostTicks`
 * of them written.
 */
export function logScale(values: readonly number[], base: number, mostTicks: number): Scale {
  const positive = values.filter((value) => value > 0 && Number.isFinite(value));
  const log = (value: number): number => Math.log(value) / Math.log(base);
  // Logarithms of whole powers are off by their last bit.
  const first = positive.length === 0 ? 0 : Math.floor(log(Math.min(...positive)) + 1e-9);
  const last = positive.length === 0 ? 1 : Math.max(first + 1, Math.ceil(log(Math.max(...positive)) - 1e-9));
  const every = Math.ceil((last - first + 1) / mostTicks);
  const ticks: number[] = [];
  for (let power = first; power <= last; power += every) ticks.push(base ** power);
  return { at: (value) => (value > 0 ? within((log(value) - first) / (last - first)) : 0), ticks };
}

/** 1, 2 or 5 times a power of ten, at least `least`. */
function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return ([1, 2, 5].find((factor) => factor * power >= least) ?? 10) * power;
}

const within = (share: number): number => Math.min(1, Math.max(0, share));
