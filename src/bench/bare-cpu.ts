import type { BareEnd } from './bare-end.js';
import type { BenchSetup, RunResult } from './contract.js';
import { sampleProcessTimes } from './process-times.js';

/** Adds what this process used, as the sender, and where it was started here the other end; a warm-up is in it as in no other figure. */
export async function withCpu(
  { countsCpu }: BenchSetup,
  { pid }: BareEnd,
  run: () => Promise<RunResult>,
): Promise<RunResult> {
  if (!countsCpu) return run();
  const far = pid === undefined ? undefined : sampleProcessTimes(pid, { withDescendants: false });
  const before = far?.seconds() ?? 0;
  const own = process.cpuUsage();
  try {
    const result = await run();
    const { user, system } = process.cpuUsage(own);
    const sender = { process: 'sender', seconds: (user + system) / 1e6 };
    if (!far) return { ...result, cpu: [sender] };
    return { ...result, cpu: [sender, { process: 'receiver', seconds: far.seconds() - before }] };
  } finally {
    far?.stop();
  }
}
