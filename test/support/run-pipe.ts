import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Writable } from 'node:stream';
import type { ListeningEvent, XferEvent } from '../../src/app/events.js';
import { afterFile } from './after-file.js';
import { program } from './run-through.js';
import { temporaryDirectory } from './run-xfer.js';

export interface PipeRunOptions {
  /** XFER_HOME. Default: a new directory. */
  readonly home?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** All of stdin, which ends then. Default: it stays open, for `stdin`. */
  readonly input?: Uint8Array | string;
  /** What is given instead of pipes: a file's number, or nothing at all. */
  readonly stdin?: number | 'ignore';
  /** Nobody reads stdout before `read`. Default: it is read at once. */
  readonly isHeld?: boolean;
  /** Past it the process is killed. Default: 30 s. */
  readonly timeoutMs?: number;
}

export interface PipeEnded {
  /** Null where a signal ended it. */
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: Buffer;
  readonly stderr: string;
  readonly events: readonly XferEvent[];
}

const running = new Set<ChildProcess>();

afterFile(() => {
  for (const child of running) child.kill('SIGKILL');
});

/** Starts `xfer pipe --json` with these words in a process of its own; its events come on stderr. */
export async function runPipe(words: readonly string[], options: PipeRunOptions = {}): Promise<PipeRun> {
  const home = options.home ?? (await temporaryDirectory());
  const { PATH, HOME, TMPDIR } = process.env;
  const stdio: StdioOptions = [options.stdin ?? 'pipe', 'pipe', 'pipe'];
  const child = spawn(process.execPath, [program, 'pipe', ...words, '--json'], {
    env: { PATH, HOME, TMPDIR, XFER_HOME: home, ...options.env },
    stdio,
  });
  running.add(child);
  child.stdin?.on('error', () => undefined);
  if (options.input !== undefined) child.stdin?.end(options.input);
  return new PipeRun(child, options);
}

/** A pipe that listens on a free port of loopback, and what another one needs to come. */
export interface ListeningPipe {
  readonly run: PipeRun;
  readonly address: string;
  readonly code: string;
}

/** `words` stand behind `--listen`. */
export async function listenPipe(
  words: readonly string[] = [],
  options: PipeRunOptions & { readonly listen?: string } = {},
): Promise<ListeningPipe> {
  const { listen = 'tcp://127.0.0.1:0', ...rest } = options;
  const run = await runPipe(['--listen', listen, ...words], rest);
  const { addresses, code = '' } = await run.listening();
  return { run, address: addresses[0] ?? '', code };
}

/** The other end: `words` stand behind the address. */
export function dialPipe(
  { address, code }: Pick<ListeningPipe, 'address' | 'code'>,
  words: readonly string[] = [],
  options: PipeRunOptions = {},
): Promise<PipeRun> {
  return runPipe([address, ...words], { ...options, env: { XFER_CODE: code, ...options.env } });
}

/** A running pipe: what came out of it so far, and its end. */
export class PipeRun {
  readonly child: ChildProcess;
  /** Settles when the process has ended and its output is complete; never rejects. */
  readonly ended: Promise<PipeEnded>;
  readonly events: XferEvent[] = [];
  stderr = '';
  bytesOut = 0;
  #chunks: Buffer[] = [];
  #partial = '';
  #isOver = false;
  #wake = new Set<() => void>();

  constructor(child: ChildProcess, { isHeld = false, timeoutMs = 30_000 }: PipeRunOptions) {
    this.child = child;
    child.stderr?.setEncoding('utf8').on('data', (text: string) => this.#onStderr(text));
    if (!isHeld) this.read();
    this.ended = this.#waitForEnd(timeoutMs);
  }

  get stdin(): Writable {
    if (!this.child.stdin) throw new Error('it was given another stdin');
    return this.child.stdin;
  }

  /** Begins to read stdout. */
  read(): void {
    this.child.stdout?.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.bytesOut += chunk.length;
      this.#changed();
    });
  }

  /** Resolves when `condition` holds, which is asked whenever something came; rejects when the process ends before. */
  async until(condition: (run: this) => boolean): Promise<void> {
    while (!condition(this)) {
      if (this.#isOver) throw new Error(`xfer pipe ended too early:\n${this.stderr}`);
      await new Promise<void>((resolve) => this.#wake.add(resolve));
    }
  }

  async listening(): Promise<ListeningEvent> {
    const found = () => this.events.find((event) => event.event === 'listening');
    await this.until(() => found() !== undefined);
    return found() as ListeningEvent;
  }

  /** What came out so far. */
  get stdout(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  /** How much of it is in memory now. */
  get residentBytes(): number {
    const [, kib] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${this.child.pid}/status`, 'latin1')) ?? [];
    return Number(kib) * 1024;
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<PipeEnded> {
    this.child.kill(signal);
    return this.ended;
  }

  #onStderr(text: string): void {
    this.stderr += text;
    const lines = (this.#partial + text).split('\n');
    this.#partial = lines.pop() ?? '';
    for (const line of lines) if (line.startsWith('{')) this.events.push(JSON.parse(line) as XferEvent);
    this.#changed();
  }

  async #waitForEnd(timeoutMs: number): Promise<PipeEnded> {
    const timer = setTimeout(() => this.child.kill('SIGKILL'), timeoutMs);
    // It waits for stdout to be read, which a held one is not; and it may come in the same turn as `exit`.
    const closed = once(this.child, 'close');
    const [status, signal] = (await once(this.child, 'exit')) as [number | null, NodeJS.Signals | null];
    clearTimeout(timer);
    if (this.child.stdout?.readableFlowing) await closed;
    running.delete(this.child);
    this.#isOver = true;
    this.#changed();
    const { stdout, stderr, events } = this;
    return { status, signal, stdout, stderr, events };
  }

  #changed(): void {
    const waiting = [...this.#wake];
    this.#wake.clear();
    for (const wake of waiting) wake();
  }
}

/** The code of the error with which a pipe ended. */
export function pipeErrorOf({ events }: Pick<PipeEnded, 'events'>): string | undefined {
  const last = events.findLast((event) => event.event === 'error');
  return last?.event === 'error' ? last.code : undefined;
}
