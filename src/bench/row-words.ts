import { formatRate } from '../config/quantity.js';
import type { BenchEntry, BenchRow } from './report.js';

/** `file, 1GiB`, `small-files, 1000 × 4KiB`, `memory, 64KiB, both ways`: as `--size` takes it. */
export function workWords({
  pattern,
  bytes,
  count,
  isBothWays,
}: Pick<BenchEntry, 'pattern' | 'bytes' | 'count' | 'isBothWays'>): string {
  const many = count > 1 ? `${count} × ` : '';
  return `${pattern}, ${many}${exactSize(bytes)}${isBothWays ? ', both ways' : ''}`;
}

/** `1GiB`, `50MB`, `123B`: nothing rounded. */
export function exactSize(bytes: number): string {
  for (const [name, factor] of units)
    if (bytes >= factor && bytes % factor === 0) return `${bytes / factor}${name}`;
  return `${bytes}B`;
}

const units = [
  ['TiB', 2 ** 40],
  ['GiB', 2 ** 30],
  ['MiB', 2 ** 20],
  ['KiB', 2 ** 10],
  ['GB', 1e9],
  ['MB', 1e6],
  ['kB', 1e3],
] as const;

/** A row that is judged by its time to answer, not by its rate. */
export function isOfLatency({ pattern, latency }: Pick<BenchRow, 'pattern' | 'latency'>): boolean {
  return pattern === 'latency' && latency !== undefined;
}

/** What a row comes to: `1.19 GB/s`, of latency `12.3 us`. */
export function resultWords(row: BenchRow): string {
  return row.latency && isOfLatency(row)
    ? `${threeDigits(row.latency.medianUs)} us`
    : formatRate(row.bytesPerSecond);
}

/** `17 %`, `4.2 %` of 0.17 and 0.042. */
export function percent(share: number): string {
  const value = share * 100;
  return `${value.toFixed(Math.abs(value) < 9.95 ? 1 : 0)} %`;
}

export const threeDigits = (value: number): string =>
  value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0);
