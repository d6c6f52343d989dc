import type { ChildProcess } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import { XferError } from '../errors/index.js';
import { printable } from '../transfer/printable.js';

export interface ChildEnd {
  /** null: a signal ended it, or it never started. */
  readonly status: number | null;
  /** As `performance.now()`, when it exited: its output may have been read later. */
  readonly atMs: number;
}

/** More output than any program has to say that is listened to; of more, the last is kept. */
const maxOutput = 4 << 20;

/** A program that a `ChildKeeper` has started. */
export class KeptChild {
  /** undefined: it could not be started. */
  readonly pid: number | undefined;
  /** Never rejects. */
  readonly ended: Promise<ChildEnd>;
  readonly #child: ChildProcess;
  #output = '';
  #errors = '';
  #isOver = false;

  constructor(child: ChildProcess) {
    this.#child = child;
    this.pid = child.pid;
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#output = (this.#output + text).slice(-maxOutput);
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = (this.#errors + text).slice(-maxOutput);
    });
    let atMs: number | undefined;
    this.ended = new Promise((resolve) => {
      const end = (status: number | null): void => {
        this.#isOver = true;
        resolve({ status, atMs: atMs ?? performance.now() });
      };
      child.once('exit', () => (atMs = performance.now()));
      child.once('close', end);
      child.once('error', (error) => {
        this.#errors += error.message;
        if (child.pid === undefined) end(null);
      });
    });
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** What it wrote to stdout so far, where that is a pipe to this process. */
  get output(): string {
    return this.#output;
  }

  get errors(): string {
    return this.#errors;
  }

  /** It and what it has started, unless that has left its group. */
  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    if (this.pid === undefined || this.#isOver) return;
    try {
      process.kill(-this.pid, signal);
    } catch {
      // It has just ended.
      this.#child.kill(signal);
    }
  }

  /** Why it failed, for people: `told`, or the last line that it said. */
  failure(name: string, { status }: ChildEnd, told?: string): XferError {
    const said = told ?? `${this.#output}\n${this.#errors}`.trim().split('\n').at(-1)?.trim() ?? '';
    const how = status === null ? 'was ended' : `ended with status ${status}`;
    return new XferError(
      'ERR_XFER_COMMAND_FAILED',
      `${name} ${how}${said === '' ? '' : `: ${printable(said.slice(-300))}`}`,
    );
  }
}
