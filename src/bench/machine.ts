import { availableParallelism, cpus, release, totalmem, type } from 'node:os';

/** What a measured number is worth nothing without. */
export function thisMachine(): {
  readonly machine: string;
  readonly kernel: string;
  readonly node: string;
  readonly date: string;
} {
  const model = cpus()[0]?.model.trim() ?? 'unknown';
  const memory = (totalmem() / 2 ** 30).toFixed(0);
  return {
    machine: `${availableParallelism()} × ${model}, ${memory} GiB`,
    kernel: `${type()} ${release()}`,
    node: process.version,
    date: new Date().toISOString(),
  };
}
