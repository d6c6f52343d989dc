import type { BenchPattern, RunLimit } from './work.js';

/** What one run, or the median one of several, came to. */
export interface BenchFigures {
  /** Messages; of latency round trips, in which each goes there and back; of small-files files, of streams streams. */
  readonly iterations: number;
  /** Content both ways together. */
  readonly totalBytes: number;
  readonly seconds: number;
  readonly bytesPerSecond: number;
  /** Time for one message one way: of latency half of the average round trip. */
  readonly usPerTransfer: number;
  readonly transfersPerSecond: number;
}

/** Halves of round trips, or times to the first byte, in microseconds. */
export interface BenchLatency {
  readonly minUs: number;
  readonly medianUs: number;
  readonly p99Us: number;
  readonly averageUs: number;
  readonly maxUs: number;
}

export interface BenchSample extends BenchFigures {
  readonly latency?: BenchLatency;
  /** Of processes that tell it: without their start and handshake. */
  readonly insideSeconds?: number;
  readonly cpu?: readonly ProcessTime[];
  readonly path?: PathFacts;
}

/** Processor time of one process, user and system. */
export interface ProcessTime {
  /** `sender`, `receiver`, `relay 1`, `sshd` … */
  readonly process: string;
  readonly seconds: number;
}

/** What a run found of its path; what a transport does not know is left out. */
export interface PathFacts {
  readonly lanes?: number;
  readonly rttMs?: number;
  /** Of packets, 0 to 1. */
  readonly lossShare?: number;
  /** As the transfer itself named it: the word of `done`. */
  readonly bottleneck?: string;
}

/** This build of xfer, another one that it is compared with, another tool, or what says how fast the machine is. */
export type BenchKind = 'xfer' | 'baseline' | 'peer' | 'reference';

/** What is done by one contestant, in every round: all that a row is about. */
export interface BenchEntry {
  /** Of no other row of a report, and the same in the next report of the same command: what a baseline is compared by. */
  readonly id: string;
  readonly pattern: BenchPattern;
  /** As in `BenchWork`. */
  readonly bytes: number;
  readonly count: number;
  readonly isBothWays: boolean;
  readonly contestant: string;
  readonly kind: BenchKind;
  readonly transport?: string;
  /** `javascript`: as xfer itself sees the transport. `native`: in native code, through the same endpoint. */
  readonly loops?: 'javascript' | 'native';
  /** Of native loops: the provider that they went over. */
  readonly provider?: string;
  readonly isSealed: boolean;
  readonly how?: string;
}

/** The figures are those of the median run by rate, the latency that of all runs together. */
export interface BenchRow extends BenchEntry, BenchSample {
  /** Least and most bytes per second of all runs. */
  readonly spread: { readonly min: number; readonly max: number };
  /** Medians, of each process. */
  readonly cpuSecondsPerGiB?: readonly ProcessTime[];
  /** Of xfer: its rate through that of each peer with the same encryption, by medians, and the spread of single rounds. */
  readonly besides?: readonly Beside[];
  /** In the order of the rounds. */
  readonly samples: readonly BenchSample[];
}

export interface Beside {
  readonly contestant: string;
  readonly ratio: number;
  readonly min: number;
  readonly max: number;
}

/** How far a run is, about ten times a second. */
export interface BenchProgress {
  readonly entry: BenchEntry;
  /** Of `rounds`, from 1. */
  readonly round: number;
  readonly rounds: number;
  /** Since the run began, in all. */
  readonly seconds: number;
  readonly bytes: number;
  /** Bytes so far by each lane, in their order. */
  readonly lanes?: readonly number[];
  readonly rttMs?: number;
  readonly lossShare?: number;
  /** Cores that each process kept busy since the last progress. */
  readonly cpu?: readonly { readonly process: string; readonly cores: number }[];
}

/** What was asked for and cannot be measured here. */
export interface BenchSkipped {
  /** A transport, a tool, or a contestant. */
  readonly name: string;
  readonly code: string;
  readonly reason: string;
  readonly remedy: string;
}

/** What the figures mean, for people. */
export interface BenchVerdict {
  /** What holds back the fastest way of xfer's that was measured. */
  readonly bottleneck: 'processor' | 'network' | 'disk' | 'window' | 'loss' | 'latency' | 'unknown';
  /** Of what the machine or link could carry, 0 to 1; undefined: nothing in the report tells. */
  readonly share?: number;
  /** Whole sentences, the most important first. */
  readonly findings: readonly string[];
  /** What to try, each whole: a command, a flag, `sysctl` lines. */
  readonly advice: readonly string[];
}

/** All of it, and what a number is worth nothing without. */
export interface BenchReport {
  readonly schema: 'xfer-bench';
  readonly version: 2;
  readonly machine: string;
  readonly cores: number;
  readonly kernel: string;
  readonly node: string;
  /** Of the package, and the commit where it runs from a clone. */
  readonly xfer: string;
  readonly commit: string | null;
  readonly date: string;
  readonly parameters: BenchParameters;
  readonly rows: readonly BenchRow[];
  readonly skipped: readonly BenchSkipped[];
  readonly verdict: BenchVerdict;
}

/** As they were used, defaults filled in. */
export interface BenchParameters {
  readonly works: readonly {
    readonly pattern: BenchPattern;
    readonly bytes: number;
    readonly count: number;
    readonly limit: RunLimit;
  }[];
  readonly repeats: number;
  readonly target: string | null;
  readonly transports: readonly string[];
  readonly peers: readonly string[];
  readonly hops: number;
  readonly lanes: number | null;
  readonly recordBytes: number | null;
  readonly congestion: string | null;
  readonly mtuBytes: number | null;
  readonly provider: string | null;
  readonly isSealed: boolean;
  readonly isBothWays: boolean;
  /** An emulated one: as given, all of it. */
  readonly link: BenchLink | null;
}

/** What one direction of a link does to packets. */
export interface BenchLinkWay {
  /** Of IP packets with their headers. undefined: as fast as the emulator goes. */
  readonly bitsPerSecond?: number;
  /** One way. */
  readonly delayMs: number;
  /** Of packets, 0 to 1. */
  readonly lossShare: number;
  /** undefined: what is under way in a round trip. */
  readonly queueBytes?: number;
}

/** From the near end to the far one, and back the same but for `back`. */
export interface BenchLink extends BenchLinkWay {
  /** Of the profile, where one was named. */
  readonly name: string | null;
  readonly back?: BenchLinkWay;
  /** The same packets of each direction, by their order, are lost with the same seed. */
  readonly seed: number;
}
