import type { Histogram } from '../app/histogram.js';
import type { TransportTuning } from '../transport/contract.js';
import type { TransportRegistry } from '../transport/registry.js';
import type { BenchKind, BenchProgress, BenchSkipped, PathFacts, ProcessTime } from './report.js';
import type { BenchWork } from './work.js';

/** What all that run share. */
export interface BenchSetup {
  readonly work: BenchWork;
  readonly transports: TransportRegistry;
  /** Transports or schemes that were asked for, in their order. */
  readonly use: readonly string[];
  /** Nobody asked for any: `use` has all that there are, and one that cannot do the work is left out without a word. */
  readonly usesAll?: true;
  /** Where `xfer bench --serve` runs: `[scheme://]host[:port]`. undefined: both ends run here, at `place`. */
  readonly target?: string;
  readonly tuning: TransportTuning;
  readonly place: BenchPlace;
  /** Relays between both ends. */
  readonly hops: number;
  /** Those relays, the nearest first, where they run already. Else whoever needs them starts them, where the far end is. */
  readonly relays?: readonly StartedRelay[];
  /** Lanes of a transfer, connections of memory; undefined: as xfer chooses. */
  readonly lanes?: number;
  /** Bytes of the records that content is sealed in; undefined: as xfer chooses. */
  readonly recordBytes?: number;
  /** False: ours run unsealed, to see what sealing costs. */
  readonly isSealed: boolean;
  /** Tools that ours are compared with; `found`: all that are on PATH and can do the work. */
  readonly peers: readonly string[] | 'found';
  /** `bin/run.js` of another build of xfer, which runs beside this one wherever work is done by processes. */
  readonly baselineProgram?: string;
  /** Processor time of every process is wanted. */
  readonly countsCpu: boolean;
  /** Of this run alone, removed behind it. In memory where there is room. */
  readonly directory: string;
  /** What lasts through all works of the run. */
  readonly kept: BenchKept;
  readonly signal: AbortSignal;
}

export interface StartedRelay {
  readonly address: string;
  readonly pid: number;
}

/** Where the two ends of a bench on this machine run: on loopback, or on both sides of an emulated link. */
export interface BenchPlace {
  /** Name or address of the far end, as the near one dials it. */
  readonly farHost: string;
  /** What a command line of a process there begins with: none on loopback, else e.g. nsenter with its arguments. */
  readonly near: readonly string[];
  readonly far: readonly string[];
  /** False: this process itself is not at the near end, so what runs inside it sees nothing of the place. */
  readonly isHere: boolean;
  /** Nothing but the bench is in its network, so what that counts is the bench's. */
  readonly isAlone?: true;
}

/** What is made once for all works of a run, and ended behind the last: processes, keys, connections. */
export interface BenchKept {
  /** What was made under that name, else what `make` does; where that fails, the next one to ask makes it anew. */
  get<Thing extends KeptThing>(name: string, make: () => Promise<Thing>): Promise<Thing>;
}

export interface KeptThing {
  /** Does not reject. */
  close(): Promise<void> | void;
}

/** Who does the work: xfer in one way, another build of it, another tool, or what says how fast the machine is. */
export interface Contestant {
  /** Within a work nobody else has it: `tcp`, `tcp, native`, `scp`, `stream layer`. */
  readonly name: string;
  readonly kind: BenchKind;
  /** Of `xfer` and `baseline`. */
  readonly transport?: string;
  readonly loops?: 'javascript' | 'native';
  /** Of native loops: the provider that they go over. */
  readonly provider?: string;
  /** Content is encrypted on its way: sealed beside encrypted is compared, plain beside plain. */
  readonly isSealed: boolean;
  /** What was really run, for people: `scp -c aes128-gcm@openssh.com`. */
  readonly how?: string;
  /** The work once. Rejects with an XferError, or with the reason of the setup's signal. Nothing of it runs when it settles. */
  run(onProgress: (progress: RunProgress) => void): Promise<RunResult>;
  /** Ends what it keeps between rounds. Does not reject. */
  close(): Promise<void>;
}

/** One run; figures are made of it by `row.ts`. */
export interface RunResult {
  /** Messages, of latency round trips, of small-files files, of streams streams; of file and pipe 1. */
  readonly iterations: number;
  /** Content, both ways together. */
  readonly totalBytes: number;
  /** Whole: of processes from the start of the one that begins until both ends have finished. */
  readonly seconds: number;
  /** Of processes that tell it: without their start and handshake. */
  readonly insideSeconds?: number;
  /** Of latency: half of each round trip, as fabtests count. Of streams: from `openStream` to the first byte at the far end. */
  readonly halfTrips?: Histogram;
  /** Processor time of each process, user and system, in seconds. */
  readonly cpu?: readonly ProcessTime[];
  readonly path?: PathFacts;
}

/** How far a run is: what a contestant itself knows of it. */
export type RunProgress = Omit<BenchProgress, 'entry' | 'round' | 'rounds'>;

/** Finds who can do the setup's work, ready to run; who was asked for by name and cannot is told with the reason. */
export type ContestantSource = (setup: BenchSetup) => AsyncIterable<Contestant | BenchSkipped>;

export function isContestant(found: Contestant | BenchSkipped): found is Contestant {
  return 'run' in found;
}
