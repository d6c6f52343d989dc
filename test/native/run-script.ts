import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { temporaryDirectory } from './seal-jobs.js';

export interface Ended {
  readonly status: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The path of one of `fixtures`. */
export const fixture = (script: string): string =>
  fileURLToPath(new URL(`fixtures/${script}`, import.meta.url));

/** Any program, with `environment` over ours, to its end. */
export function runProgram(
  command: string,
  args: readonly string[],
  environment: NodeJS.ProcessEnv = {},
): Promise<Ended> {
  const env = { ...process.env, ...environment };
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  return new Promise((resolve) => {
    child.once('close', (status, signal) => resolve({ status, signal, stdout, stderr }));
  });
}

/** One of `fixtures`, under plain node. */
export function runScript(
  script: string,
  args: readonly string[] = [],
  flags: readonly string[] = [],
): Promise<Ended> {
  return runProgram(process.execPath, [...flags, fixture(script), ...args], { TMPDIR: temporaryDirectory() });
}
