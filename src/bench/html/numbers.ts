import { formatRate, formatSize } from '../../config/quantity.js';

/** `15.3 µs`, `1.53 ms`, `2.10 s`. */
export function formatUs(us: number): string {
  if (us < 999.5) return `${threeDigits(us)} µs`;
  return us < 999_500 ? `${threeDigits(us / 1e3)} ms` : `${threeDigits(us / 1e6)} s`;
}

/** `64 KiB` where it is a whole number of them, as sizes are asked for; else as `formatSize`. */
export function formatBytes(bytes: number): string {
  const unit = bytes === 0 ? undefined : [30, 20, 10].find((power) => bytes % 2 ** power === 0);
  return unit === undefined ? formatSize(bytes) : `${bytes / 2 ** unit} ${binaryUnits[unit]}`;
}

/** `12,300`: three digits that say something. */
export function formatCount(value: number): string {
  if (value < 99.95) return threeDigits(value);
  const rounding = 10 ** Math.max(0, Math.floor(Math.log10(value)) - 2);
  return (Math.round(value / rounding) * rounding).toLocaleString('en-US');
}

/** `1.10–1.23 GB/s`; where both ends have other units `950 MB/s–1.10 GB/s`. */
export function formatRange(least: string, most: string): string {
  const [value = '', ...unit] = least.split(' ');
  const [, ...otherUnit] = most.split(' ');
  return `${unit.join(' ') === otherUnit.join(' ') ? value : least}–${most}`;
}

/** On an axis: `1 GB/s`, not `1.00 GB/s`. */
export const shortRate = (bytesPerSecond: number): string => short(formatRate(bytesPerSecond));
export const shortUs = (us: number): string => short(formatUs(us));

/** `20k`, without what it counts. */
export const shortCount = (value: number): string => {
  const [divisor, unit] = value >= 1e6 ? [1e6, 'M'] : value >= 1e3 ? [1e3, 'k'] : [1, ''];
  return `${Number((value / divisor).toPrecision(3))}${unit}`;
};

const short = (text: string): string =>
  text.replace(/\.(\d*?)0+ /, (_, kept: string) => (kept ? `.${kept} ` : ' '));

export const threeDigits = (value: number): string =>
  value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0);

const binaryUnits: Readonly<Record<number, string>> = { 10: 'KiB', 20: 'MiB', 30: 'GiB' };
