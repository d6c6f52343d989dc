import type { BareEnd } from './bare-end.js';
import type { BenchSetup, RunResult } from './contract.js';
import { sampleProcessTimes } from './process-times.js';

/**
 * From here on a run counts: what was before warmed up, or found out how long it may be. `share`: of what follows, where more of
 * the same warms up in between.
 */
export type OnMeasure = (share?: number) => void;

/** Adds what this process used, called `own`, and what was started here for it, both from when the run counts. */
export async function withCpu(
  { countsCpu }: Pick<BenchSetup, 'countsCpu'>,
  { processes }: Pick<BareEnd, 'processes'>,
  run: (onMeasure: OnMeasure) => Promise<RunResult>,
  own = 'sender',
): Promise<RunResult> {
  if (!countsCpu) return run(() => undefined);
  const others = processes.map(({ process: name, pid }) => {
    return { name, times: sampleProcessTimes(pid, { withDescendants: false }) };
  });
  const now = (): number[] => [ownSeconds(), ...others.map(({ times }) => times.seconds())];
  let before = now();
  let counted: number | undefined;
  try {
    const result = await run((share = 1) => {
      // Lanes begin nearly together: what the others do until they count is counted.
      if (counted !== undefined) return;
      counted = share;
      before = now();
    });
    const used = now().map((seconds, at) => (seconds - (before[at] ?? 0)) * (counted ?? 1));
    const names = [own, ...others.map(({ name }) => name)];
    return { ...result, cpu: names.map((name, at) => ({ process: name, seconds: used[at] ?? 0 })) };
  } finally {
    for (const { times } of others) times.stop();
  }
}

function ownSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
