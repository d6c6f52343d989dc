import { fileURLToPath } from 'node:url';
import { Config } from '@oclif/core';
import { afterAll } from 'vitest';
import type { XferEvent } from '../../src/app/events.js';
import type { CommonOptions } from '../../src/app/options.js';
import type { ViewFlags } from '../../src/commands/base-command.js';
import type Send from '../../src/commands/send.js';
import { XferError } from '../../src/errors/index.js';
import type { View } from '../../src/ui/view.js';
import { temporaryDirectory, type Ended, type RunOptions } from './run-xfer.js';

type EventOf<Name extends XferEvent['event']> = Extract<XferEvent, { event: Name }>;

type Work = (options: CommonOptions, view: View) => Promise<unknown>;

const root = fileURLToPath(new URL('../..', import.meta.url));
const config = Config.load({ root });
const running = new Set<RunHere>();

afterAll(async () => {
  await Promise.all([...running].map((run) => run.interrupt()));
});

/**
 * Runs `send` or `recv` under `--json` within this process: the built command itself with all its flags and plugins, and with the events and
 * the outcome that `runXfer` tells of, for a fraction of what a process costs. Of the environment XFER_CODE alone counts. What only a process has (its output, signals, being killed) is not tested by this.
 */
export async function runHere(
  [name, ...words]: readonly string[],
  { home, env = {} }: Pick<RunOptions, 'home' | 'env'> = {},
): Promise<RunHere> {
  const Base = await built(name === 'recv' ? 'recv' : 'send');
  const at = home ?? (await temporaryDirectory());
  const code = env['XFER_CODE'];
  const run = new RunHere();

  class Here extends Base {
    protected override view(): View {
      return run.view;
    }

    protected override transfer(flags: ViewFlags, work: Work): Promise<void> {
      return super.transfer(flags, (options, view) => work({ ...options, home: at }, view), {
        signal: run.signal,
      });
    }

    /** The status is that of the command, and not of the process that runs it. */
    protected override async catch(error: Error): Promise<void> {
      const { exitCode } = process;
      const caught = super.catch(error);
      run.status = Number(process.exitCode);
      process.exitCode = exitCode;
      await caught;
    }

    start(): Promise<unknown> {
      return this._run();
    }
  }

  const argv = [...(code === undefined ? [] : ['--code', code]), ...words];
  run.begin(new Here(argv, await config).start());
  return run;
}

/** As `bin/run.js` has it: of `dist/`, which is read in a tenth of the time that the sources take to be compiled for a test. */
async function built(name: 'recv' | 'send'): Promise<new (argv: string[], config: Config) => Send> {
  const path = new URL(`../../dist/commands/${name}.js`, import.meta.url);
  return ((await import(path.href)) as { default: typeof Send }).default;
}

/** A command that runs here: its events so far, and its end. */
export class RunHere {
  readonly events: XferEvent[] = [];
  /** Of the command; until it has failed, 0. */
  status = 0;
  /** Settles when the command has ended; never rejects. */
  ended = new Promise<Ended>(() => undefined);
  readonly view: View = {
    onEvent: (event) => {
      // As the other side of a pipe has it.
      this.events.push(JSON.parse(JSON.stringify(event)) as XferEvent);
      this.#changed();
    },
    suspended: (work) => work(),
    close: () => Promise.resolve(),
  };
  readonly #stop = new AbortController();
  #isOver = false;
  #waiting: (() => void)[] = [];

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** Follows a command until it has ended. */
  begin(work: Promise<unknown>): void {
    running.add(this);
    this.ended = work.then(() => {
      running.delete(this);
      this.#isOver = true;
      this.#changed();
      const { status, events } = this;
      const stdout = events.map((event) => `${JSON.stringify(event)}\n`).join('');
      return { status, events, stdout, signal: null, stderr: '', timedOut: false };
    });
  }

  /** The first event of that name at or after `from`; rejects when the command ends without it. */
  async event<Name extends XferEvent['event']>(name: Name, from = 0): Promise<EventOf<Name>> {
    const found = () => this.events.slice(from).find(({ event }) => event === name);
    await this.until(() => found() !== undefined);
    return found() as EventOf<Name>;
  }

  /** Resolves when `condition` holds, which is asked with each event; rejects when the command ends before. */
  async until(condition: (run: this) => boolean): Promise<void> {
    while (!condition(this)) {
      if (this.#isOver) throw new Error(`it ended too early: ${JSON.stringify(this.events)}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** As the first Ctrl-C does. */
  interrupt(): Promise<Ended> {
    this.#stop.abort(new XferError('ERR_XFER_INTERRUPTED', 'interrupted'));
    return this.ended;
  }

  #changed(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
