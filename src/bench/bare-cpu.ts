import type { BareEnd } from './bare-end.js';
import type { BenchSetup, RunResult } from './contract.js';
import { sampleProcessTimes } from './process-times.js';

/** Adds what this process used, as the sender, and what was started here for it; a warm-up is in it as in no other figure. */
export async function withCpu(
  { countsCpu }: BenchSetup,
  { processes }: BareEnd,
  run: () => Promise<RunResult>,
): Promise<RunResult> {
  if (!countsCpu) return run();
  const others = processes.map(({ process: name, pid }) => {
    const times = sampleProcessTimes(pid, { withDescendants: false });
    return { name, times, before: times.seconds() };
  });
  const own = process.cpuUsage();
  try {
    const result = await run();
    const { user, system } = process.cpuUsage(own);
    const sender = { process: 'sender', seconds: (user + system) / 1e6 };
    const theirs = others.map(({ name, times, before }) => ({
      ...{ process: name, seconds: times.seconds() - before },
    }));
    return { ...result, cpu: [sender, ...theirs] };
  } finally {
    for (const { times } of others) times.stop();
  }
}
