import { isXferError, asXferError, type XferError } from '../errors/index.js';
import type { Contestant, RunProgress, RunResult } from './contract.js';

export interface RoundsOptions {
  readonly rounds: number;
  /** Its reason is what is rejected with. */
  readonly signal: AbortSignal;
  /** Of an error that ends all, not only the contestant that has it. */
  isFatal(contestant: Contestant, error: XferError): boolean;
  onProgress(contestant: Contestant, round: number, progress: RunProgress): void;
  onRun(contestant: Contestant, round: number, result: RunResult): void;
  onDropped(contestant: Contestant, error: XferError): void;
}

/**
 * Each contestant once a round, so that what changes meanwhile changes for all. Who begins goes round, and every other round
 * goes the other way: whoever always came behind the same one would have what that leaves. One whose run fails takes no further
 * part and is not in what this gives: the runs of the others, in the order of the rounds.
 */
export async function runRounds(
  contestants: readonly Contestant[],
  options: RoundsOptions,
): Promise<ReadonlyMap<Contestant, readonly RunResult[]>> {
  const { rounds, signal } = options;
  const runs = new Map(contestants.map((contestant) => [contestant, [] as RunResult[]]));
  for (let round = 1; round <= rounds; round++)
    for (const contestant of inTurn(contestants, round - 1)) {
      const own = runs.get(contestant);
      if (!own) continue;
      signal.throwIfAborted();
      try {
        const result = await contestant.run((progress) => options.onProgress(contestant, round, progress));
        own.push(result);
        options.onRun(contestant, round, result);
      } catch (thrown) {
        signal.throwIfAborted();
        // What is no error of the table is a defect of ours: nothing is measured beside that.
        if (!isXferError(thrown) || options.isFatal(contestant, thrown)) throw asXferError(thrown);
        runs.delete(contestant);
        options.onDropped(contestant, thrown);
      }
    }
  return runs;
}

function inTurn(contestants: readonly Contestant[], turn: number): readonly Contestant[] {
  const first = contestants.length === 0 ? 0 : (turn >> 1) % contestants.length;
  const order = [...contestants.slice(first), ...contestants.slice(0, first)];
  return turn % 2 === 0 ? order : order.reverse();
}
