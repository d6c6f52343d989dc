import { setTimeout as delay } from 'node:timers/promises';
import { benchDefaults } from '../config/index.js';
import { asXferError, type XferError } from '../errors/index.js';
import type { BenchReport } from './report.js';
import { whyNothing } from './why-nothing.js';

export interface WatchOptions {
  readonly signal: AbortSignal;
  /** A pass begins, from 1. */
  onPass?(pass: number): void;
  onReport(report: BenchReport, pass: number): void | Promise<void>;
  /** A pass has failed that may work the next time; it is tried again in a while. */
  onFailed?(error: XferError, pass: number): void;
  /** Before the second try, and twice as long before each further one. Default: benchDefaults.firstPauseMs. */
  readonly pauseMs?: number;
}

/**
 * The whole bench again and again, until the signal: rejects with its reason then. What the first pass fails with ends it, so
 * does anything later that no further try can help; a path that is away for some time is waited for. A pass that measures
 * nothing has failed, by what it skipped first: such passes would follow each other at once, for ever.
 */
export async function watchBench(
  bench: (pass: number) => Promise<BenchReport>,
  { signal, onPass, onReport, onFailed, pauseMs: firstPauseMs = benchDefaults.firstPauseMs }: WatchOptions,
): Promise<never> {
  let pauseMs = firstPauseMs;
  for (let pass = 1; ; pass++) {
    signal.throwIfAborted();
    onPass?.(pass);
    try {
      const report = await bench(pass);
      const nothing = whyNothing(report);
      if (nothing) throw nothing;
      await onReport(report, pass);
      pauseMs = firstPauseMs;
    } catch (thrown) {
      signal.throwIfAborted();
      const error = asXferError(thrown);
      if (pass === 1 || !error.row.retryable) throw error;
      onFailed?.(error, pass);
      // Whatever it rejects with, the signal has a reason of its own.
      await delay(pauseMs, undefined, { signal }).catch(() => undefined);
      pauseMs = Math.min(2 * pauseMs, benchDefaults.lastPauseMs);
    }
  }
}
