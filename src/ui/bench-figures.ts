import type { BenchEntry, BenchProgress, BenchSample } from '../bench/report.js';
import { median as medianOfRuns } from '../bench/row.js';
import type { BenchPattern } from '../bench/work.js';
import { formatRate } from '../config/quantity.js';

/** What a pattern is about: bytes a second, things a second, or the microseconds of one. */
export type Merit = 'rate' | 'count' | 'time';

export const meritOf: Readonly<Record<BenchPattern, Merit>> = {
  file: 'rate',
  memory: 'rate',
  pipe: 'rate',
  'small-files': 'count',
  streams: 'count',
  latency: 'time',
};

/** The figure by which contestants are compared: of latency the median of half round trips. */
export function figureOf(pattern: BenchPattern, sample: BenchSample): number {
  switch (meritOf[pattern]) {
    case 'rate':
      return sample.bytesPerSecond;
    case 'count':
      return sample.transfersPerSecond;
    case 'time':
      return sample.latency?.medianUs ?? sample.usPerTransfer;
  }
}

/** The same from what a run has done in some time; undefined where that tells nothing. */
export function figureSoFar(
  { pattern, bytes: each }: Pick<BenchEntry, 'pattern' | 'bytes'>,
  { bytes, seconds }: Pick<BenchProgress, 'bytes' | 'seconds'>,
): number | undefined {
  if (!(seconds > 0) || bytes < 0) return undefined;
  const things = bytes / Math.max(1, each);
  switch (meritOf[pattern]) {
    case 'rate':
      return bytes / seconds;
    case 'count':
      return things / seconds;
    case 'time':
      return things > 0 ? (seconds * 1e6) / things : undefined;
  }
}

const countUnits: Readonly<Partial<Record<BenchPattern, string>>> = {
  'small-files': 'files/s',
  streams: 'streams/s',
};

/** `1.38 GB/s`, `12.3 k files/s`, `41.2 µs`. */
export function formatFigure(pattern: BenchPattern, value: number): string {
  if (meritOf[pattern] === 'rate') return formatRate(value);
  if (meritOf[pattern] === 'time') return formatTime(value);
  const thousands = value >= 9_995 ? 'k ' : '';
  return `${significant(thousands === '' ? value : value / 1000)} ${thousands}${countUnits[pattern] ?? '/s'}`;
}

/** `1.21–1.45 GB/s`: both in the unit of the greater. */
export function formatRange(pattern: BenchPattern, least: number, most: number): string {
  if (meritOf[pattern] === 'count')
    return `${significant(least)}–${significant(most)} ${scaleOf(pattern, []).unit}`;
  const { by, unit } = scaleOf(pattern, [most]);
  return `${significant(least / by)}–${significant(most / by)} ${unit}`;
}

/** `41.2 µs`, `1.20 ms`, `2.00 s`. */
export function formatTime(us: number): string {
  const scale = timeScales.find(({ by }) => us < by * 999.5) ?? { by: 1e6, unit: 's' };
  return `${significant(us / scale.by)} ${scale.unit}`;
}

/** Three significant digits, never in powers: `1380`, `12.3`, `0.0123`; what is nothing is 0. */
export function significant(value: number): string {
  if (!(value > 0)) return '0';
  const exponent = Math.floor(Math.log10(Number(value.toPrecision(3))));
  return exponent >= 2 ? String(Number(value.toPrecision(3))) : value.toFixed(Math.min(8, 2 - exponent));
}

/** One unit for a whole column, so that its numbers can be compared: that of their middle. */
export interface Scale {
  readonly by: number;
  readonly unit: string;
}

const rateScales: readonly Scale[] = [
  { by: 1, unit: 'B/s' },
  { by: 1e3, unit: 'kB/s' },
  { by: 1e6, unit: 'MB/s' },
  { by: 1e9, unit: 'GB/s' },
];
const timeScales: readonly Scale[] = [
  { by: 1, unit: 'µs' },
  { by: 1e3, unit: 'ms' },
  { by: 1e6, unit: 's' },
];

export function scaleOf(pattern: BenchPattern, values: readonly number[]): Scale {
  const merit = meritOf[pattern];
  if (merit === 'count') return { by: 1, unit: countUnits[pattern] ?? '/s' };
  return commonScale(merit === 'rate' ? rateScales : timeScales, values);
}

export const rateScale = (values: readonly number[]): Scale => commonScale(rateScales, values);
export const timeScale = (values: readonly number[]): Scale => commonScale(timeScales, values);

function commonScale(scales: readonly Scale[], values: readonly number[]): Scale {
  const logs = values.filter((value) => value > 0).map(Math.log);
  const middle = Math.exp(logs.reduce((sum, log) => sum + log, 0) / Math.max(1, logs.length));
  return [...scales].reverse().find(({ by }) => middle >= by) ?? scales[0] ?? { by: 1, unit: '' };
}

/** `file 256 MiB`, `small-files 2000 × 4 KiB`, `memory 1 MiB both ways`. */
export function workTitle({
  pattern,
  bytes,
  count,
  isBothWays,
}: Pick<BenchEntry, 'pattern' | 'bytes' | 'count' | 'isBothWays'>): string {
  const many = count === 1 ? '' : `${count} × `;
  return `${pattern} ${many}${binarySize(bytes)}${isBothWays ? ' both ways' : ''}`;
}

/** Sizes that are asked for are powers of 1024 as a rule: `64 B`, `4 KiB`, `1.5 MiB`. */
export function binarySize(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < binaryUnits.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${Number.isInteger(value) ? value : significant(value)} ${binaryUnits[unit] ?? ''}`;
}

const binaryUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** As rows have it: of an even number the lower of both in the middle; 0 of none. */
export function median(values: readonly number[]): number {
  return values.length === 0 ? 0 : medianOfRuns(values);
}
