import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { KeptChild } from '../kept-child.js';
import { sampleProcessTimes, type ProcessTimes } from '../process-times.js';
import type { ProcessTime } from '../report.js';

/** A server that several runs share: each is told what it used meanwhile, its sessions included. */
export interface ServerTimes {
  readonly process: string;
  readonly pid: number;
}

/** A session of a server counts when that has waited for it: looked up so often, and so many times at most. */
const waitEveryMs = 10;
const waitTries = 100;

/** Processor time of the programs of one run, of those that have the same name together. */
export class CommandTimes {
  readonly #counted: { readonly process: string; readonly times: ProcessTimes }[] = [];
  readonly #shared: ServerTimes | undefined;
  readonly #isCounting: boolean;
  #server: { readonly times: ProcessTimes; readonly before: number } | undefined;

  constructor(shared: ServerTimes | undefined, isCounting: boolean) {
    this.#shared = isCounting ? shared : undefined;
    this.#isCounting = isCounting;
  }

  /** From now on the server's time is that of this run. */
  async begin(): Promise<void> {
    if (!this.#shared) return;
    await withoutSessions(this.#shared.pid);
    const times = sampleProcessTimes(this.#shared.pid);
    this.#server = { times, before: times.seconds() };
  }

  count(process: string | undefined, { pid }: KeptChild): void {
    if (process === undefined || pid === undefined || !this.#isCounting) return;
    this.#counted.push({ process, times: sampleProcessTimes(pid) });
  }

  /** What all used; undefined: nothing was counted. */
  async end(): Promise<readonly ProcessTime[] | undefined> {
    if (!this.#isCounting) return undefined;
    const seconds = new Map<string, number>();
    for (const { process, times } of this.#counted)
      seconds.set(process, (seconds.get(process) ?? 0) + times.stop());
    if (this.#shared && this.#server) {
      await withoutSessions(this.#shared.pid);
      seconds.set(this.#shared.process, this.#server.times.stop() - this.#server.before);
    }
    return [...seconds].map(([process, spent]) => ({ process, seconds: spent }));
  }

  stop(): void {
    for (const { times } of this.#counted) times.stop();
    this.#server?.times.stop();
  }
}

async function withoutSessions(pid: number): Promise<void> {
  for (let tries = 0; tries < waitTries; tries++) {
    const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'latin1').catch(() => '');
    if (children.trim() === '') return;
    await delay(waitEveryMs);
  }
}
