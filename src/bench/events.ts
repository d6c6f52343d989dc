import type { BenchPattern, BenchPlan } from './plan.js';

/** What one run, or the median one of several, came to. */
export interface BenchFigures {
  /** Messages; of latency round trips, in which each goes there and back. */
  readonly iterations: number;
  /** Content both ways together. */
  readonly totalBytes: number;
  readonly seconds: number;
  readonly bytesPerSecond: number;
  /** Time for one message one way: of latency half of the average round trip. */
  readonly usPerTransfer: number;
  readonly transfersPerSecond: number;
}

/** Halves of round trips, in microseconds. */
export interface BenchLatency {
  readonly minUs: number;
  readonly medianUs: number;
  readonly p99Us: number;
  readonly averageUs: number;
  readonly maxUs: number;
}

export interface BenchSample extends BenchFigures {
  readonly latency?: BenchLatency;
}

/** Messages of one size, by one transport in one way. */
export interface BenchRow extends BenchSample {
  readonly transport: string;
  /** `javascript`: as xfer itself sees the transport. `native`: in native code, through the same endpoint. */
  readonly loops: 'javascript' | 'native';
  /** Of native loops: the provider that they went over. */
  readonly provider?: string;
  readonly pattern: BenchPattern;
  readonly messageBytes: number;
  /** Every run; the figures above are those of the median one, the latency that of all together. */
  readonly samples: readonly BenchSample[];
}

/** A transport begins to be measured. */
export interface BenchedTransport {
  readonly transport: string;
  /** Of the other end, as a URL. */
  readonly address: string;
  /** Both ends are on this machine: this command has started the other. */
  readonly isLocal: boolean;
}

/** What was asked for and cannot be measured here. */
export interface BenchSkipped {
  readonly transport: string;
  readonly code: string;
  readonly reason: string;
  readonly remedy: string;
}

/** All of it, and what a number is worth nothing without. */
export interface BenchReport {
  readonly schema: 'xfer-bench';
  readonly version: 1;
  readonly machine: string;
  readonly kernel: string;
  readonly node: string;
  readonly date: string;
  /** Always: what is measured is the bare transport. */
  readonly sealed: false;
  readonly parameters: BenchPlan & {
    readonly target: string | null;
    readonly transports: readonly string[];
    readonly provider: string | null;
  };
  readonly transports: readonly BenchedTransport[];
  readonly rows: readonly BenchRow[];
  readonly skipped: readonly BenchSkipped[];
}
