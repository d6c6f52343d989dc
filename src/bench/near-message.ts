import { Histogram, type PackedHistogram } from '../app/histogram.js';
import type { BenchSetup, Contestant, RunProgress, RunResult } from './contract.js';
import type { BenchSkipped } from './report.js';

/** A setup as it is told to a process at the near end, which has the rest itself. */
export type NearSetup = Omit<BenchSetup, 'transports' | 'place' | 'peers' | 'kept' | 'signal'> & {
  readonly farHost: string;
};

/** A line each, answered before the next one. */
export type NearRequest =
  | { readonly ask: 'find'; readonly setup: NearSetup }
  | { readonly ask: 'run' | 'close'; readonly number: number };

/** A contestant that runs in the other process, and the number it has there. */
export interface FoundNear {
  readonly number: number;
  readonly about: Omit<Contestant, 'run' | 'close'>;
}

/** One of them ends a request; of `progress` there may be any number before. */
export type NearAnswer =
  | { readonly answer: 'found'; readonly found: readonly (FoundNear | BenchSkipped)[] }
  | { readonly answer: 'progress'; readonly progress: RunProgress }
  | { readonly answer: 'ran'; readonly result: PackedResult }
  | { readonly answer: 'closed' }
  | { readonly answer: 'failed'; readonly code: string; readonly message: string; readonly remedy: string };

export type PackedResult = Omit<RunResult, 'halfTrips'> & { readonly packedTrips?: PackedHistogram };

export function packResult({ halfTrips, ...rest }: RunResult): PackedResult {
  return halfTrips ? { ...rest, packedTrips: halfTrips.packed() } : rest;
}

export function unpackResult({ packedTrips, ...rest }: PackedResult): RunResult {
  if (!packedTrips) return rest;
  const halfTrips = new Histogram();
  halfTrips.addPacked(packedTrips);
  return { ...rest, halfTrips };
}
