import { spawnSync } from 'node:child_process';
import type { RunOptions, XferRun } from './run-xfer.js';
import { program, runCommand } from './run-through.js';

/** Whether `script` of util-linux is there, which gives a process a terminal. */
export const hasTerminal = spawnSync('script', ['-qec', 'test -t 1', '/dev/null']).status === 0;

/** Runs xfer in a terminal; all that it shows there is on `stdout`. */
export function runInTerminal(args: readonly string[], options: RunOptions = {}): Promise<XferRun> {
  const command = [process.execPath, program, ...args].map(shellWord).join(' ');
  const env = { TERM: 'xterm', SHELL: '/bin/sh', ...options.env };
  return runCommand(['script', '-qec', command, '/dev/null'], { ...options, env });
}

function shellWord(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
