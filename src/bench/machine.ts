import { execFile } from 'node:child_process';
import { readFile, realpath } from 'node:fs/promises';
import { availableParallelism, cpus, release, totalmem, type } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { BenchReport } from './report.js';

const packageDirectory = fileURLToPath(new URL('../..', import.meta.url));
const gitTimeoutMs = 2_000;

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
    ...{ xfer: await packageVersion(), commit: await packageCommit() },
    date: new Date().toISOString(),
  };
}

async function packageVersion(): Promise<string> {
  const { version } = JSON.parse(await readFile(`${packageDirectory}package.json`, 'utf8')) as {
    version: string;
  };
  return version;
}

/** null where it is no clone of its own: an installed package may lie in somebody else's. */
async function packageCommit(): Promise<string | null> {
  try {
    const { stdout } = await promisify(execFile)('git', ['rev-parse', '--show-toplevel', 'HEAD'], {
      ...{ cwd: packageDirectory, timeout: gitTimeoutMs },
    });
    const [top = '', commit = ''] = stdout.trim().split('\n');
    const isOurs = (await realpath(top)) === (await realpath(packageDirectory));
    return isOurs ? commit : null;
  } catch {
    return null;
  }
}
