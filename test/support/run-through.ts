import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterFile } from './after-file.js';
import { temporaryDirectory, XferRun, type RunOptions } from './run-xfer.js';

/** The program that the tests run. */
export const program = fileURLToPath(new URL('../../bin/run.js', import.meta.url));

const groups = new Set<number>();

afterFile(() => {
  for (const pid of groups) killGroup(pid);
});

/**
 * Starts `bin/run.js` as `runXfer` does, by a command that changes what the process may do and then becomes it
 * (`setpriv`, `unshare`).
 */
export function runThrough(
  wrapper: readonly [string, ...string[]],
  args: readonly string[],
  options: RunOptions = {},
): Promise<XferRun> {
  return runCommand([...wrapper, process.execPath, program, ...args], options);
}

/** Starts any command like this. What still runs of it when the test file ends is killed, its children included. */
export async function runCommand(
  [command, ...args]: readonly [string, ...string[]],
  options: RunOptions = {},
): Promise<XferRun> {
  const home = options.home ?? (await temporaryDirectory());
  const { PATH, HOME, TMPDIR } = process.env;
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { PATH, HOME, TMPDIR, XFER_HOME: home, ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  const { pid } = child;
  if (pid !== undefined) {
    groups.add(pid);
    child.once('close', () => groups.delete(pid));
  }
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input ?? '');
  return new XferRun(child, home, options.timeoutMs ?? 15_000);
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended in between.
  }
}
