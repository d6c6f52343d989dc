import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { XferError } from '../errors/index.js';
import { KeptChild } from './kept-child.js';

export interface StartOptions {
  /** File descriptors, which stay the caller's. Default of stdin: nothing; of stdout: it is in the child's output. */
  readonly stdin?: number;
  readonly stdout?: number;
}

/**
 * Programs of others that never outlive this process, whatever ends it, although they know nothing of it: a small process
 * beside them holds a pipe to this one, and ends them all when that closes. Each is the leader of a process group, so what it
 * starts ends with it, and Ctrl-C in a terminal is for this process alone.
 */
export class ChildKeeper {
  readonly #guard: ChildProcess;
  readonly #signal: AbortSignal;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #children = new Set<KeptChild>();
  readonly #interrupt = (): void => this.#killAll();

  private constructor(guard: ChildProcess, signal: AbortSignal, home: string) {
    this.#guard = guard;
    this.#signal = signal;
    this.#environment = bareEnvironment(home);
    signal.addEventListener('abort', this.#interrupt, { once: true });
  }

  /** `home`: the directory in which programs look for what the user has set, and find nothing. Aborting ends all of them. */
  static async open(home: string, signal: AbortSignal): Promise<ChildKeeper> {
    signal.throwIfAborted();
    const guard = spawn(process.execPath, ['-e', `(${String(guardChildren)})()`], {
      stdio: ['pipe', 'pipe', 'ignore'],
      env: bareEnvironment(home),
      detached: true,
    });
    const keeper = new ChildKeeper(guard, signal, home);
    // It ends by itself when this process does, which must not wait for it. Of a guard that has gone, writing tells nothing.
    guard.unref();
    guard.stdin.on('error', () => undefined);
    // Ready now, its start is in nobody's figures.
    await Promise.race([once(guard.stdout, 'data'), once(guard, 'exit')]);
    guard.stdout.destroy();
    return keeper;
  }

  /** Rejections of what it is told by are none: a program that cannot be started has ended. */
  start(command: readonly string[], { stdin, stdout }: StartOptions = {}): KeptChild {
    this.#signal.throwIfAborted();
    const [program, ...args] = command;
    if (program === undefined) throw new XferError('ERR_XFER_INTERNAL', 'there is no program to start');
    const stdio: StdioOptions = [stdin ?? 'ignore', stdout ?? 'pipe', 'pipe'];
    const child = new KeptChild(spawn(program, args, { stdio, env: this.#environment, detached: true }));
    this.#children.add(child);
    this.#tell('+', child);
    void child.ended.then(() => {
      this.#children.delete(child);
      this.#tell('-', child);
    });
    return child;
  }

  /** Ends what still runs. Does not reject. */
  async close(): Promise<void> {
    this.#signal.removeEventListener('abort', this.#interrupt);
    this.#killAll();
    await Promise.all([...this.#children].map(({ ended }) => ended));
    if (this.#guard.exitCode !== null || this.#guard.signalCode !== null) return;
    // Nothing else may be left that keeps this process up until then.
    this.#guard.ref();
    const ended = once(this.#guard, 'exit');
    this.#guard.stdin?.end();
    await ended;
  }

  #killAll(): void {
    for (const child of this.#children) child.kill();
  }

  #tell(what: '+' | '-', { pid }: KeptChild): void {
    if (pid !== undefined) this.#guard.stdin?.write(`${what}${pid}\n`);
  }
}

/** What is in the environment of a user may change what a tool does: only where programs are is left. */
function bareEnvironment(home: string): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'], HOME: home, LC_ALL: 'C' };
}

/** All that the guard is: nothing from outside this function is there. */
function guardChildren(): void {
  const kept = new Set<number>();
  let text = '';
  const end = (): void => {
    for (const pid of kept)
      try {
        process.kill(-pid, 'SIGKILL');
      } catch {
        // It has just ended.
      }
  };
  process.stdin
    .setEncoding('utf8')
    .on('data', (chunk: string) => {
      const lines = (text + chunk).split('\n');
      text = lines.pop() ?? '';
      for (const line of lines)
        if (line.startsWith('+')) kept.add(Number(line.slice(1)));
        else kept.delete(Number(line.slice(1)));
    })
    .on('end', end)
    .on('error', end);
  process.stdout.write('ready');
}
