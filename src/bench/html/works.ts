import { formatRate } from '../../config/quantity.js';
import type { BenchRow, BenchSample } from '../report.js';
import { benchPatterns, type BenchPattern } from '../work.js';
import { formatBytes, formatCount, shortCount, shortRate } from './numbers.js';

/** All that did the same, in the order of the report. */
export interface ShownWork {
  readonly name: string;
  readonly bytes: number;
  readonly rows: readonly BenchRow[];
}

export interface ShownPattern {
  readonly pattern: BenchPattern;
  readonly title: string;
  /** By size. */
  readonly works: readonly ShownWork[];
}

/** What a pattern's bars show, of a row or of one of its samples. */
export interface Figure {
  readonly what: string;
  of(sample: BenchSample): number;
  format(value: number): string;
  formatTick(value: number): string;
}

export function shownPatterns(rows: readonly BenchRow[]): readonly ShownPattern[] {
  return benchPatterns.flatMap((pattern) => {
    const works = new Map<string, BenchRow[]>();
    for (const row of rows) {
      if (row.pattern !== pattern) continue;
      const name = workName(row);
      works.set(name, [...(works.get(name) ?? []), row]);
    }
    if (works.size === 0) return [];
    const shown = [...works].map(([name, found]) => ({ name, bytes: found[0]?.bytes ?? 0, rows: found }));
    return [{ pattern, title: titles[pattern], works: shown.sort((one, other) => one.bytes - other.bytes) }];
  });
}

export function figureOf(pattern: BenchPattern): Figure {
  const counted = countedUnits[pattern];
  if (counted === undefined)
    return {
      what: 'bytes a second',
      of: ({ bytesPerSecond }) => bytesPerSecond,
      format: formatRate,
      formatTick: shortRate,
    };
  const format = (value: number): string => `${formatCount(value)} ${counted}/s`;
  return {
    what: `${counted} a second`,
    of: ({ transfersPerSecond }) => transfersPerSecond,
    format,
    formatTick: shortCount,
  };
}

/** What its latency is of, where it has one. */
export const latencyMeaning = (pattern: BenchPattern): string =>
  pattern === 'streams' ? 'from opening a stream to its first byte at the far end' : 'half of a round trip';

function workName({ pattern, bytes, count, isBothWays }: BenchRow): string {
  const size = formatBytes(bytes);
  const one: Readonly<Record<BenchPattern, string>> = {
    file: size,
    pipe: size,
    memory: `messages of ${size}`,
    latency: `messages of ${size}`,
    'small-files': `${count.toLocaleString('en-US')} files of ${size}`,
    streams: `${count.toLocaleString('en-US')} streams of ${size} each`,
  };
  return one[pattern] + (isBothWays ? ', both ways at once' : '');
}

const titles: Readonly<Record<BenchPattern, string>> = {
  file: 'One file, from disk to disk',
  memory: 'Messages one way, from memory to memory',
  pipe: 'A pipe, from stdin to stdout',
  'small-files': 'A directory of small files',
  streams: 'Many streams at once',
  latency: 'A message there and one back',
};

const countedUnits: Partial<Record<BenchPattern, string>> = { 'small-files': 'files', streams: 'streams' };
