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

/** Least and most of its runs: `1.10 GB/s – 1.25 GB/s`, `11.9 us – 12.6 us`. */
export function spreadWords(row: BenchRow): string {
  if (!isOfLatency(row)) return `${formatRate(row.spread.min)} – ${formatRate(row.spread.max)}`;
  const medians = row.samples.map(({ latency, usPerTransfer }) => latency?.medianUs ?? usPerTransfer);
  return `${threeDigits(Math.min(...medians))} us – ${threeDigits(Math.max(...medians))} us`;
}

/** `17 %`, `4.2 %` of 0.17 and 0.042. */
export function percent(share: number): string {
  const value = share * 100;
  return `${value.toFixed(Math.abs(value) < 9.95 ? 1 : 0)} %`;
}

export const threeDigits = (value: number): string =>
  value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0);

/** Rows by the words of their work, in the order of the first of each. */
export function rowsByWork(rows: readonly BenchRow[]): ReadonlyMap<string, readonly BenchRow[]> {
  const found = new Map<string, BenchRow[]>();
  for (const row of rows) {
    const work = workWords(row);
    const same = found.get(work);
    if (same) same.push(row);
    else found.set(work, [row]);
  }
  return found;
}
