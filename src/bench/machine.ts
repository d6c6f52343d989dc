import { readFile } from 'node:fs/promises';
import { availableParallelism, cpus, release, totalmem, type } from 'node:os';
import { fileURLToPath } from 'node:url';
import { commitOf } from './commit-of.js';
import type { BenchReport } from './report.js';

const packageDirectory = fileURLToPath(new URL('../..', import.meta.url));

/** What a measured number is worth nothing without. */
export async function thisMachine(): Promise<
  Pick<BenchReport, 'machine' | 'cores' | 'kernel' | 'node' | 'xfer' | 'commit' | 'date'>
> {
  const model = cpus()[0]?.model.trim() ?? 'unknown';
  const memory = (totalmem() / 2 ** 30).toFixed(0);
  const cores = availableParallelism();
  return {
    ...{ machine: `${cores} × ${model}, ${memory} GiB`, cores },
    ...{ kernel: `${type()} ${release()}`, node: process.version },
    ...{ xfer: await packageVersion(), commit: await commitOf(packageDirectory) },
    date: new Date().toISOString(),
  };
}

async function packageVersion(): Promise<string> {
  const { version } = JSON.parse(await readFile(`${packageDirectory}package.json`, 'utf8')) as {
    version: string;
  };
  return version;
}
