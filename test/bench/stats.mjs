/** Median, least and most of a list of numbers that is not empty. */
export function spread(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  return { median, min: sorted[0], max: sorted.at(-1), runs: sorted.length };
}

/** The ratio of the medians, and beside it the spread of the ratios of the single rounds. */
export function ratioOf(over, under) {
  return {
    ratio: spread(over).median / spread(under).median,
    rounds: spread(over.map((value, round) => value / under[round])),
  };
}

/** `128MiB`, `1GiB` or plain bytes; undefined for anything else. */
export function parseSize(text) {
  const found = /^(\d{1,12})(KiB|MiB|GiB)?$/.exec(text);
  if (!found) return undefined;
  const unit = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 }[found[2]] ?? 1;
  return Number(found[1]) * unit;
}

const units = {
  s: (value) => `${value.toFixed(3)} s`,
  'GB/s': (value) => `${value.toFixed(3)} GB/s`,
  ms: (value) => `${value.toFixed(0)} ms`,
  's/GiB': (value) => `${value.toFixed(2)} s/GiB`,
  ms2: (value) => `${value.toFixed(2)} ms`,
  us: (value) => `${value.toFixed(1)} us`,
  '%': (value) => `${value.toFixed(1)} %`,
  'k/s': (value) => `${value.toFixed(0)} k/s`,
  KiB: (value) => `${value.toFixed(1)} KiB`,
  MB: (value) => `${value.toFixed(0)} MB`,
};

/** `1.234 s (1.200–1.300, 5 runs)` */
export function formatSpread({ median, min, max, runs }, unit) {
  const show = units[unit];
  const bare = (value) => show(value).split(' ')[0];
  return `${show(median)} (${bare(min)}–${bare(max)}, ${runs} run${runs === 1 ? '' : 's'})`;
}
