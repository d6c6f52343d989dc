import type { BenchSetup, RunProgress, RunResult } from '../contract.js';
import type { ChildKeeper } from '../child-keeper.js';
import type { FoundProgram, NeededProgram } from '../programs.js';
import type { BenchPattern } from '../work.js';

/** A tool that xfer is compared with. */
export interface PeerTool {
  readonly name: string;
  readonly isSealed: boolean;
  readonly patterns: Partial<Record<BenchPattern, 'one way' | 'both ways'>>;
  /** What must be here; the first is the tool itself. */
  readonly needs: readonly NeededProgram[];
  /** A copy on one machine, to which a link between two is nothing. */
  readonly isLocal?: true;
  /** Ready to run. Rejects with an XferError where it cannot be. */
  open(context: PeerContext): Promise<PeerRuns>;
}

export interface PeerContext {
  readonly setup: BenchSetup;
  /** Of this contestant alone. */
  readonly keeper: ChildKeeper;
  /** Likewise, and nothing is in it. */
  readonly directory: string;
  /** By their names. */
  readonly programs: ReadonlyMap<string, FoundProgram>;
}

export interface PeerRuns {
  readonly how: string;
  /** As that of a contestant. */
  run(onProgress: (progress: RunProgress) => void): Promise<RunResult>;
}

/** The path of a program that the tool needs, which has been found. */
export function pathIn({ programs }: Pick<PeerContext, 'programs'>, name: string): string {
  return programs.get(name)?.path ?? name;
}
