import { spawn, type ChildProcess } from 'node:child_process';
import { once, type EventEmitter } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { XferEvent } from '../../src/app/events.js';
import { afterFile } from './after-file.js';

export interface RunOptions {
  /** Of another installation. Default: the one of this repository. */
  readonly program?: string;
  /** XFER_HOME; default: a new directory, so nothing is shared. Give both sides' own to keep identities across runs. */
  readonly home?: string;
  /** Added to a bare environment; undefined leaves a variable out. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** Written to stdin, which is then closed. Default: empty. */
  readonly input?: string;
  /** Past it the process is killed and `ended` tells so by `timedOut`. Default: 15 s. */
  readonly timeoutMs?: number;
}

export interface Ended {
  /** Null where a signal ended it. */
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly events: readonly XferEvent[];
  readonly timedOut: boolean;
}

type EventOf<Name extends XferEvent['event']> = Extract<XferEvent, { event: Name }>;

const ownProgram = fileURLToPath(new URL('../../bin/run.js', import.meta.url));
const running = new Set<RunningChild>();
const directories: string[] = [];

afterFile(async () => {
  for (const child of running) child.kill('SIGKILL');
  await Promise.all(directories.splice(0).map((path) => rm(path, { recursive: true, force: true })));
});

/** A directory that is removed when the test file has ended. */
export async function temporaryDirectory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'xfer-test-'));
  directories.push(path);
  return path;
}

/** Starts the real `bin/run.js` in a process of its own. What still runs when the test file ends is killed. */
export async function runXfer(args: readonly string[], options: RunOptions = {}): Promise<XferRun> {
  const home = options.home ?? (await temporaryDirectory());
  const { PATH, HOME, TMPDIR } = process.env;
  const child = spawn(process.execPath, [options.program ?? ownProgram, ...args], {
    cwd: options.cwd,
    env: { PATH, HOME, TMPDIR, XFER_HOME: home, ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  running.add(child);
  // A process that ended before it read all of its input is the test's business to find out by its status.
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input ?? '');
  return new XferRun(child, home, options.timeoutMs ?? 15_000);
}

/** Of a child process what a run needs. */
export type RunningChild = Pick<ChildProcess, 'stdout' | 'stderr' | 'pid' | 'exitCode' | 'kill'> &
  EventEmitter;

/** A running xfer: its output so far, its events under `--json`, and its end. */
export class XferRun {
  readonly child: RunningChild;
  readonly home: string;
  /** Settles when the process has ended and its output is complete; never rejects. */
  readonly ended: Promise<Ended>;
  stdout = '';
  stderr = '';
  readonly events: XferEvent[] = [];
  #partial = '';
  #closed = false;
  #timedOut = false;
  #wake: () => void = () => undefined;
  #change: Promise<void>;

  constructor(child: RunningChild, home: string, timeoutMs: number) {
    this.child = child;
    this.home = home;
    this.#change = this.#nextChange();
    child.stdout?.setEncoding('utf8').on('data', (text: string) => this.#onStdout(text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
      this.#changed();
    });
    this.ended = this.#waitForEnd(timeoutMs);
  }

  /** The first event of that name at or after `from` (an index into `events`); rejects when the process ends without it. */
  async event<Name extends XferEvent['event']>(name: Name, from = 0): Promise<EventOf<Name>> {
    for (let at = from; ; at++) {
      while (at >= this.events.length) {
        if (this.#closed)
          throw new Error(`xfer ended without the event ${name}:\n${this.stdout}${this.stderr}`);
        await this.#change;
      }
      const event = this.events[at];
      if (event?.event === name) return event as EventOf<Name>;
    }
  }

  /** Resolves when `condition` holds, which is asked whenever there is new output; rejects when the process ends before. */
  async until(condition: (run: this) => boolean): Promise<void> {
    while (!condition(this)) {
      if (this.#closed) throw new Error(`xfer ended too early:\n${this.stdout}${this.stderr}`);
      await this.#change;
    }
  }

  /** All events, those that came already included, until the process ends. */
  async *[Symbol.asyncIterator](): AsyncGenerator<XferEvent> {
    for (let at = 0; ; at++) {
      while (at >= this.events.length) {
        if (this.#closed) return;
        await this.#change;
      }
      const event = this.events[at];
      if (event !== undefined) yield event;
    }
  }

  /** Ends the process; resolves like `ended`. */
  kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<Ended> {
    this.child.kill(signal);
    return this.ended;
  }

  #onStdout(text: string): void {
    this.stdout += text;
    const lines = (this.#partial + text).split('\n');
    this.#partial = lines.pop() ?? '';
    for (const line of lines) if (line.startsWith('{')) this.events.push(JSON.parse(line) as XferEvent);
    this.#changed();
  }

  async #waitForEnd(timeoutMs: number): Promise<Ended> {
    const timer = setTimeout(() => {
      this.#timedOut = true;
      this.child.kill('SIGKILL');
    }, timeoutMs);
    const [status, signal] = (await once(this.child, 'close')) as [number | null, NodeJS.Signals | null];
    clearTimeout(timer);
    running.delete(this.child);
    this.#closed = true;
    this.#changed();
    const { stdout, stderr, events } = this;
    return { status, signal, stdout, stderr, events, timedOut: this.#timedOut };
  }

  #changed(): void {
    this.#wake();
    this.#change = this.#nextChange();
  }

  #nextChange(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
