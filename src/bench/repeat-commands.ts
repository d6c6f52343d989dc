import type { BenchLink, BenchReport } from './report.js';
import type { BenchPattern } from './work.js';

/** Command lines that run the same again, one for each pattern, for a shell. */
export function repeatCommands(report: Measured): readonly string[] {
  const patterns = [...new Set(report.parameters.works.map(({ pattern }) => pattern))];
  return patterns.map((pattern) => ['xfer', 'bench', ...argumentsOf(report, pattern)].map(quoted).join(' '));
}

type Measured = Pick<BenchReport, 'parameters' | 'rows'>;

function argumentsOf({ parameters, rows }: Measured, pattern: BenchPattern): string[] {
  const {
    target,
    transports,
    peers,
    repeats,
    hops,
    lanes,
    recordBytes,
    congestion,
    mtuBytes,
    provider,
    link,
  } = parameters;
  const works = parameters.works.filter((work) => work.pattern === pattern);
  const [first] = works;
  return [
    ...(target === null ? [] : [target]),
    ...flag('transport', transports.join(',')),
    ...flag('pattern', pattern),
    // A pipe that its time ends takes no size.
    ...(pattern === 'pipe' && first && isLimited(first)
      ? []
      : flag('size', works.map(({ bytes }) => sizeWord(bytes)).join(','))),
    ...(first && hasCount(pattern) ? flag('count', first.count) : []),
    ...(first && isLimited(first)
      ? 'timeMs' in first.limit
        ? flag('time', `${first.limit.timeMs}ms`)
        : flag('iterations', first.limit.iterations)
      : []),
    ...flag('repeat', repeats),
    ...flag('peers', peers.join(',')),
    ...(hops === 0 ? [] : flag('hops', hops)),
    ...flag('lanes', lanes),
    ...(hasSealing(pattern) ? flag('record', recordBytes) : []),
    ...flag('cc', congestion),
    ...flag('mtu', mtuBytes),
    ...flag('provider', provider),
    ...(parameters.isSealed || !hasSealing(pattern) ? [] : ['--no-seal']),
    ...(parameters.isBothWays && goesBothWays(pattern) ? ['--bidir'] : []),
    ...(rows.some((row) => row.cpuSecondsPerGiB) ? ['--cpu'] : []),
    ...(link ? [...flag('link', linkOf(link)), ...flag('seed', link.seed)] : []),
  ];
}

const flag = (name: string, value: string | number | null): string[] =>
  value === null || value === '' ? [] : [`--${name}`, String(value)];

/** `64KiB` where that is exact. */
const sizeWord = (bytes: number): string => {
  const [power, unit] = units.find(([exact]) => bytes > 0 && bytes % 2 ** exact === 0) ?? [0, ''];
  return `${bytes / 2 ** power}${unit}`;
};

const units = [
  [30, 'GiB'],
  [20, 'MiB'],
  [10, 'KiB'],
] as const;

const hasCount = (pattern: BenchPattern): boolean => pattern === 'small-files' || pattern === 'streams';
/** A pipe has a time where one was asked for. */
const isLimited = ({ pattern, limit }: BenchReport['parameters']['works'][number]): boolean =>
  pattern === 'memory' || pattern === 'latency' || (pattern === 'pipe' && 'timeMs' in limit);
/** Alone others refuse what is about sealing. */
const hasSealing = (pattern: BenchPattern): boolean =>
  pattern === 'file' || pattern === 'pipe' || pattern === 'small-files';
const goesBothWays = (pattern: BenchPattern): boolean => pattern !== 'latency' && pattern !== 'streams';

function linkOf({ name, bitsPerSecond, delayMs, lossShare, queueBytes }: BenchLink): string {
  if (name !== null) return name;
  const rate = bitsPerSecond === undefined ? 'max' : `${bitsPerSecond / 1e6}mbit`;
  const parts = [rate, `${delayMs}ms`, `${Number((100 * lossShare).toPrecision(6))}%`];
  return [...parts, ...(queueBytes === undefined ? [] : [String(queueBytes)])].join(',');
}

/** As a POSIX shell reads it as one word. */
const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
