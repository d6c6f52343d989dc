import { benchDefaults } from '../config/index.js';
import { referenceBlast } from '../native/reference-blast.js';
import type { BenchSkipped } from './report.js';
import type { BenchSetup, Contestant, RunResult } from './contract.js';

/** What one round brings is counted in messages of so many bytes, those that the native code sends. */
const messageBytes = 2 ** 20;

/**
 * How fast this machine is, whatever xfer does: one TCP stream over loopback in native code, in every round, by which rates of
 * two machines, or of one on two days, can be compared; times of latency do not go by it. Skipped where the addon was not built.
 */
export async function* reference({ work }: BenchSetup): AsyncGenerator<Contestant | BenchSkipped> {
  await Promise.resolve();
  if (work.pattern === 'latency') return;
  const found = referenceBlast();
  if (!found.ok) {
    const { reason, remedy } = found;
    yield { name: 'reference', code: 'ERR_XFER_NO_TRANSPORT', reason, remedy };
    return;
  }
  const run = async (): Promise<RunResult> => {
    const { bytes, seconds } = await found.blast(benchDefaults.referenceMs);
    return { iterations: bytes / messageBytes, totalBytes: bytes, seconds };
  };
  yield {
    name: 'reference',
    kind: 'reference',
    isSealed: false,
    how: 'one TCP stream over loopback, 1 MiB at a time, in native code',
    run,
    close: () => Promise.resolve(),
  };
}
