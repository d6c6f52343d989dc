import { benchDefaults } from '../config/index.js';
import { XferError } from '../errors/index.js';
import type { BenchPattern, BenchWork, RunLimit } from './work.js';

export interface PlanOptions {
  /** Default: file, memory and latency, beside other tools pipe, too; with a target memory and latency. */
  readonly patterns?: readonly BenchPattern[];
  /** Bytes as in `BenchWork`. Without patterns those that a message may have are of messages, others of files. */
  readonly sizes?: readonly number[];
  /** Of each run of memory and latency, and of pipe where no sizes say how much goes through; not with `iterations`. */
  readonly timeMs?: number;
  /** Of each run of memory and latency. */
  readonly iterations?: number;
  /** Files of small-files, streams of streams. */
  readonly count?: number;
  readonly repeats?: number;
  /** Of all patterns that can. */
  readonly isBothWays?: boolean;
}

/** What it depends on beside the options. */
export interface PlanCase {
  readonly hasTarget: boolean;
  /** Nothing but fabrics was asked for, which are measured as fabtests do. */
  readonly isFabric: boolean;
  /** Other tools do the works, too: some of them have nothing but pipes. */
  readonly hasPeers: boolean;
}

export interface BenchPlan {
  readonly works: readonly BenchWork[];
  /** Rounds, in each of which each contestant does the work once. */
  readonly repeats: number;
}

type Kind = 'content' | 'message' | 'small';

/** What each pattern is of, and what it is given unless told otherwise. */
const patterns: Readonly<
  Record<
    BenchPattern,
    { readonly kind: Kind; readonly bytes: number; readonly count?: number; readonly timeMs?: number }
  >
> = {
  file: { kind: 'content', bytes: benchDefaults.contentBytes },
  pipe: { kind: 'content', bytes: benchDefaults.contentBytes },
  memory: { kind: 'message', bytes: benchDefaults.memoryBytes, timeMs: benchDefaults.memoryMs },
  latency: { kind: 'message', bytes: benchDefaults.smallBytes, timeMs: benchDefaults.latencyMs },
  'small-files': { kind: 'small', bytes: benchDefaults.smallFileBytes, count: benchDefaults.files },
  streams: { kind: 'small', bytes: benchDefaults.smallBytes, count: benchDefaults.streams },
};
const bothWays: readonly BenchPattern[] = ['file', 'memory', 'pipe', 'small-files'];

/** All works of a bench, in their order. Throws ERR_XFER_USAGE for what is past a limit, and what would be of no pattern. */
export function benchPlan(options: PlanOptions, given: PlanCase): BenchPlan {
  const { repeats = benchDefaults.repeats, sizes } = options;
  checkLimits(options);
  const asked = options.patterns ?? defaultPatterns(sizes, given);
  checkUse(options, asked);
  const isSweep =
    sizes === undefined &&
    (given.isFabric || options.patterns !== undefined) &&
    asked.every((pattern) => patterns[pattern].kind === 'message');
  const works = asked.flatMap((pattern) =>
    (isSweep ? powersOfTwo(benchDefaults.largestBytes) : sizesOf(pattern, options)).map((bytes) =>
      workOf(pattern, bytes, options, isSweep),
    ),
  );
  if (works.length === 0) throw usage('no pattern takes messages or files of these sizes');
  return { works, repeats };
}

export function powersOfTwo(largest: number): readonly number[] {
  const all: number[] = [];
  for (let bytes = 1; bytes <= largest; bytes *= 2) all.push(bytes);
  return all;
}

function defaultPatterns(
  sizes: readonly number[] | undefined,
  { hasTarget, isFabric, hasPeers }: PlanCase,
): readonly BenchPattern[] {
  const messages = ['latency', 'memory'] as const;
  if (isFabric) return messages;
  const contents: readonly BenchPattern[] = hasPeers ? ['file', 'pipe'] : ['file'];
  if (!sizes) return hasTarget ? ['memory', 'latency'] : [...contents, 'memory', 'latency'];
  const ofMessages = sizes.some((bytes) => bytes <= benchDefaults.maxMessageBytes) ? messages : [];
  const ofFiles = sizes.some((bytes) => bytes > benchDefaults.maxMessageBytes) ? contents : [];
  return [...ofFiles, ...ofMessages];
}

function sizesOf(pattern: BenchPattern, { sizes, patterns: named }: PlanOptions): readonly number[] {
  const { kind, bytes } = patterns[pattern];
  if (!sizes) return [bytes];
  const { maxMessageBytes, maxContentBytes } = benchDefaults;
  const most = kind === 'content' ? maxContentBytes : maxMessageBytes;
  if (!named) return sizes.filter((one) => one <= maxMessageBytes === (kind === 'message'));
  for (const one of sizes) within(`a size of ${pattern}`, one, most, ' bytes');
  return sizes;
}

function workOf(pattern: BenchPattern, bytes: number, options: PlanOptions, isSweep: boolean): BenchWork {
  const { timeMs, iterations, count, sizes, isBothWays = false } = options;
  const usual = patterns[pattern];
  const ofPipe = pattern === 'pipe' && timeMs !== undefined && !sizes;
  let limit: RunLimit = { iterations: 1 };
  if (ofPipe) limit = { timeMs };
  if (usual.timeMs !== undefined) {
    const byTime = { timeMs: timeMs ?? (isSweep ? benchDefaults.sweepMs : usual.timeMs) };
    limit = iterations === undefined ? byTime : { iterations };
  }
  return {
    ...{ pattern, limit },
    bytes: ofPipe ? benchDefaults.maxContentBytes : bytes,
    count: usual.count === undefined ? 1 : (count ?? usual.count),
    isBothWays: isBothWays && bothWays.includes(pattern),
  };
}

function checkLimits({ patterns: named, sizes, timeMs, iterations, count, repeats }: PlanOptions): void {
  const { maxContentBytes, maxSizes, runMs, maxIterations, maxCount, maxRepeats } = benchDefaults;
  if (named?.length === 0) throw usage('no pattern at all');
  if (iterations !== undefined && timeMs !== undefined)
    throw usage('a run ends by its time or by its iterations, not by both');
  if (sizes && (sizes.length === 0 || sizes.length > maxSizes))
    throw usage(`from 1 to ${maxSizes} sizes, not ${sizes.length}`);
  for (const bytes of sizes ?? []) within('a size', bytes, maxContentBytes, ' bytes');
  if (iterations !== undefined) within('the iterations', iterations, maxIterations);
  if (timeMs !== undefined) within('the time', timeMs, runMs, ' ms');
  if (count !== undefined) within('the count', count, maxCount);
  if (repeats !== undefined) within('the rounds', repeats, maxRepeats);
}

/** What none of the patterns would heed was meant otherwise. */
function checkUse(
  { timeMs, iterations, count, isBothWays, sizes }: PlanOptions,
  asked: readonly BenchPattern[],
): void {
  const demand = (flag: string, able: readonly BenchPattern[]): void => {
    if (asked.some((pattern) => able.includes(pattern))) return;
    throw usage(
      `${flag} means nothing to ${asked.join(', ')}`,
      `${flag} is for ${able.join(', ')}: --pattern ${able[0] ?? ''}`,
    );
  };
  if (timeMs !== undefined && sizes && asked.every((pattern) => pattern === 'pipe'))
    throw usage('a pipe ends by its size or by its time, not by both', 'leave out --size or --time');
  if (timeMs !== undefined) demand('--time', ['memory', 'latency', ...(sizes ? [] : (['pipe'] as const))]);
  if (iterations !== undefined) demand('--iterations', ['memory', 'latency']);
  if (count !== undefined) demand('--count', ['small-files', 'streams']);
  if (isBothWays === true) demand('--bidir', bothWays);
}

function within(what: string, value: number, most: number, unit = ''): void {
  if (Number.isInteger(value) && value >= 1 && value <= most) return;
  throw usage(`${what} must be from 1 to ${most}${unit}, not ${value}`);
}

function usage(message: string, remedy = 'see xfer bench --help'): XferError {
  return new XferError('ERR_XFER_USAGE', message, { remedy });
}
