export const benchPatterns = ['file', 'memory', 'pipe', 'small-files', 'streams', 'latency'] as const;
/**
 * `file`: one large file, from disk to disk. `memory`: messages one way, a window of them under way. `pipe`: stdin to stdout.
 * `small-files`: a directory of them. `streams`: many that each carry a little, all open at once. `latency`: a message there
 * and one of its size back, by turns.
 */
export type BenchPattern = (typeof benchPatterns)[number];

/** When a run is over: after so many messages (of latency: round trips), or after so long. */
export type RunLimit = { readonly iterations: number } | { readonly timeMs: number };

/** What each contestant does in a round, in the same round on the same machine. */
export interface BenchWork {
  readonly pattern: BenchPattern;
  /** Of file and pipe: in all. Of memory and latency: of a message. Of small-files: of a file. Of streams: of each. */
  readonly bytes: number;
  /** Files of small-files, streams of streams; otherwise 1. */
  readonly count: number;
  /** Of memory and latency, and of pipe where a time was asked for and no size (then `bytes` is what it may carry at most); else one. */
  readonly limit: RunLimit;
  /** The same at once in the other direction; figures count both ways together. */
  readonly isBothWays: boolean;
}
