import type { Contestant } from './contract.js';
import type { BenchWork } from './work.js';

/**
 * `file/256MiB/tcp`, `small-files/2000x4KiB/tcp`, `memory/1MiB/both-ways/tcp, native`, `file/256MiB/tcp/unsealed`: the same in
 * every report, whatever else is in it.
 */
export function entryId(
  { pattern, bytes, count, isBothWays }: Pick<BenchWork, 'pattern' | 'bytes' | 'count' | 'isBothWays'>,
  { name, kind, isSealed }: Pick<Contestant, 'name' | 'kind' | 'isSealed'>,
): string {
  const hasCount = pattern === 'small-files' || pattern === 'streams';
  const sealsUsually =
    (kind === 'xfer' || kind === 'baseline') && ['file', 'pipe', 'small-files'].includes(pattern);
  return [
    pattern,
    hasCount ? `${count}x${exactSize(bytes)}` : exactSize(bytes),
    ...(isBothWays ? ['both-ways'] : []),
    name,
    ...(sealsUsually && !isSealed ? ['unsealed'] : []),
  ].join('/');
}

/** `64`, `1MiB`, `1000`: nothing of it is rounded. */
export function exactSize(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && value % 1024 === 0 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value}${units[unit] ?? ''}`;
}

const units = ['', 'KiB', 'MiB', 'GiB', 'TiB'] as const;
