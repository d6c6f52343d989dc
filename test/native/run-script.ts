import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { temporaryDirectory } from './seal-jobs.js';

export interface Ended {
  readonly status: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** One of `fixtures`, under plain node. */
export function runScript(
  script: string,
  args: readonly string[] = [],
  flags: readonly string[] = [],
): Promise<Ended> {
  const path = fileURLToPath(new URL(`fixtures/${script}`, import.meta.url));
  const env = { ...process.env, TMPDIR: temporaryDirectory() };
  const child = spawn(process.execPath, [...flags, path, ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  return new Promise((resolve) => {
    child.once('close', (status, signal) => resolve({ status, signal, stdout, stderr }));
  });
}
