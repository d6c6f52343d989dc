import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { benchDefaults } from '../config/index.js';
import { asXferError, XferError } from '../errors/index.js';
import { objectOfLine } from './json-line.js';
import { toldError } from './told-error.js';

const program = fileURLToPath(new URL('../../bin/run.js', import.meta.url));

export interface ListeningChildOptions {
  /** What its command line begins with, see `BenchPlace`. Default: nothing. */
  readonly prefix?: readonly string[];
  /** Beside those of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** In messages. Default: `the other end`. */
  readonly name?: string;
}

export interface ListeningChild {
  /** The first of those that it tells. */
  readonly address: string;
  readonly pid: number;
  /** Ends it if it still runs. */
  stop(): void;
  /** It has ended. */
  readonly ended: Promise<void>;
}

/**
 * Starts an `xfer` that listens as a child process, and waits until it does. It ends with this process, whatever happens to
 * that: its stdin closes then. There is no channel between the two but that and its stdout, so both are as they are by
 * themselves.
 */
export async function startListeningChild(
  args: readonly string[],
  { prefix = [], env = {}, name = 'the other end' }: ListeningChildOptions = {},
): Promise<ListeningChild> {
  const command = [...prefix, process.execPath, program, ...args, '--json'];
  const child = spawn(command[0] ?? '', command.slice(1), {
    env: { ...process.env, ...env, XFER_ENDS_WITH_PARENT: 'stdin' },
    stdio: ['pipe', 'pipe', 'ignore'],
    // Ctrl-C in a terminal is for this process, which then ends the other: else that might be gone first.
    detached: true,
    windowsHide: true,
  });
  // A child that has gone does not read what ends it.
  child.stdin.on('error', () => undefined);
  let isOver = false;
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  void ended.then(() => (isOver = true));
  // Its stdin, and not a signal: behind a prefix the process that was started here may be another one.
  const stop = (): void => {
    child.stdin.end();
    setTimeout(() => isOver || child.kill('SIGKILL'), benchDefaults.stopMs).unref();
  };
  try {
    const address = await addressOf(child, name);
    return { address, pid: child.pid ?? 0, stop, ended };
  } catch (error) {
    stop();
    throw error;
  }
}

async function addressOf(child: ChildProcess, name: string): Promise<string> {
  if (!child.stdout) throw new XferError('ERR_XFER_INTERNAL', `${name} has no output`);
  const lines = createInterface({ input: child.stdout });
  return new Promise((resolve, reject) => {
    const fail = (why: string) => reject(new XferError('ERR_XFER_INTERNAL', `${name} ${why}`));
    const timer = setTimeout(() => fail('did not start in time'), benchDefaults.startMs);
    child.once('error', (error) => {
      clearTimeout(timer);
      reject(asXferError(error));
    });
    child.once('exit', (status) => {
      clearTimeout(timer);
      fail(`ended with status ${String(status)} before it listened`);
    });
    lines.on('line', (line) => {
      const told: Told = objectOfLine(line) ?? {};
      if (told.event !== 'listening' && told.event !== 'error') return;
      clearTimeout(timer);
      if (told.event === 'listening') resolve(told.addresses?.[0] ?? '');
      else reject(toldError(told, `${name} failed`));
    });
  });
}

interface Told {
  readonly event?: string;
  readonly addresses?: readonly string[];
  readonly code?: string;
  readonly message?: string;
  readonly remedy?: string;
}
