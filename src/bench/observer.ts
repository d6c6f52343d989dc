import type { BenchEntry, BenchProgress, BenchRow, BenchSample, BenchSkipped } from './report.js';
import type { BenchWork } from './work.js';

/** Who is told of a bench while it runs. */
export interface BenchObserver {
  /** A work begins, by these contestants. */
  onWork(work: BenchWork, entries: readonly BenchEntry[], place?: WorkPlace): void;
  /** What was asked for is not there, or was given up in the middle. */
  onSkipped(skipped: BenchSkipped): void;
  onProgress(progress: BenchProgress): void;
  /** A run has ended. `round` from 1. */
  onSample(entry: BenchEntry, round: number, sample: BenchSample): void;
  /** All its runs have. */
  onRow(row: BenchRow): void;
}

/** Which of all works one is. */
export interface WorkPlace {
  /** From 1. */
  readonly at: number;
  readonly of: number;
  /** Runs of each contestant. */
  readonly rounds: number;
  /** Messages of one of several sizes. */
  readonly isSweep?: boolean;
}
