import { fork, type ChildProcess } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';
import { isFull } from './campaign.js';
import { runXfer, temporaryDirectory, XferRun, type RunOptions } from './run-xfer.js';
import type { HostReply } from './xfer-host.mjs';

const program = fileURLToPath(new URL('./xfer-host.mjs', import.meta.url));
const hosts = new Map<string, Host>();

afterAll(() => {
  for (const host of hosts.values()) host.stop();
});

/**
 * Runs `send` or `recv` under `--json` as `runXfer` does, but in a process that stays for those that follow: the built commands
 * with their flags and plugins, without the start of a process, which costs more than most transfers. There is one for each
 * environment. What a process has of its own (views, signals, being killed, how it exits, a
 * directory) is tested with `runXfer`; any signal interrupts here.
 */
export async function runHosted(args: readonly string[], options: RunOptions = {}): Promise<XferRun> {
  const [name = '', ...words] = args;
  const home = options.home ?? (await temporaryDirectory());
  const { XFER_CODE: code, ...env } = options.env ?? {};
  const host = hostOf(env);
  // The time of a command is its own.
  await host.ready;
  const child = host.begin([name, ...(code ? [`--code=${code}`] : []), ...words], home);
  return new XferRun(child, home, options.timeoutMs ?? 15_000);
}

/** `runHosted`; in the full test processes of their own. */
export const runUsually = isFull ? runXfer : runHosted;

function hostOf(env: NonNullable<RunOptions['env']>): Host {
  const key = JSON.stringify(env);
  const found = hosts.get(key) ?? new Host(env);
  hosts.set(key, found);
  return found;
}

class Host {
  /** When it can begin commands, or has ended. */
  readonly ready: Promise<unknown>;
  readonly #process: ChildProcess;
  readonly #commands = new Map<number, HostedCommand>();
  #count = 0;
  #isOver = false;

  constructor(env: NonNullable<RunOptions['env']>) {
    const { PATH, HOME, TMPDIR } = process.env;
    this.#process = fork(program, { env: { PATH, HOME, TMPDIR, ...env }, execArgv: [] });
    this.ready = Promise.race([once(this.#process, 'message'), once(this.#process, 'exit')]);
    this.#process.on('message', (reply: HostReply) => this.#commands.get(reply.id)?.handle(reply));
    // It may die between two messages; its exit tells of that.
    this.#process.on('error', () => undefined);
    // What runs there ends with it, as a process that is killed.
    this.#process.once('exit', () => {
      this.#isOver = true;
      for (const command of this.#commands.values()) command.end(null);
    });
  }

  begin(args: readonly string[], home: string): HostedCommand {
    const id = this.#count++;
    const command = new HostedCommand(() => this.#tell({ id, interrupt: true }));
    if (this.#isOver) command.end(null);
    this.#commands.set(id, command);
    command.once('close', () => this.#commands.delete(id));
    this.#tell({ id, args, home });
    return command;
  }

  #tell(request: object): void {
    if (this.#process.connected) this.#process.send(request);
  }

  stop(): void {
    this.#process.kill('SIGKILL');
  }
}

/** Of a child process what `XferRun` needs. */
class HostedCommand extends EventEmitter {
  readonly stdout = new PassThrough();
  readonly stderr = new PassThrough();
  readonly pid = undefined;
  exitCode: number | null = null;
  readonly #interrupt: () => void;

  constructor(interrupt: () => void) {
    super();
    this.#interrupt = interrupt;
  }

  kill(): boolean {
    this.#interrupt();
    return true;
  }

  handle(reply: HostReply): void {
    if ('text' in reply) this.stdout.write(reply.text);
    else this.end(reply.status);
  }

  /** Null: by what ended the host. */
  end(status: number | null): void {
    this.exitCode = status;
    // Behind what was printed, which a stream hands on in a later turn.
    setImmediate(() => this.emit('close', status, status === null ? 'SIGKILL' : null));
  }
}
