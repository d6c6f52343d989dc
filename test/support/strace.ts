import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { runThrough } from './run-through.js';
import type { RunOptions, XferRun } from './run-xfer.js';

/** Whether system calls can be watched here: strace is there and may trace. */
export const canTrace = spawnSync('strace', ['-f', '-o', '/dev/null', 'true']).status === 0;

/** A finished system call on a file. Its place among all is when it began and when it had returned. */
export interface TracedCall {
  readonly name: string;
  /** Path of the descriptor that is its first argument. */
  readonly path: string;
  readonly result: number;
  /** The last argument: the place in the file, where the call has one. */
  readonly position: number;
  readonly begun: number;
  readonly done: number;
}

/** Starts xfer so that these calls go into `trace`, with the paths of their descriptors. */
export function traced(trace: string, calls: readonly string[]) {
  return (args: readonly string[], options: RunOptions = {}): Promise<XferRun> =>
    runThrough(
      ['strace', '-f', '-y', '-s', '0', '-e', `trace=${calls.join(',')}`, '-o', trace],
      args,
      options,
    );
}

/** Ends a traced run, strace and what it traces, at once. */
export async function killTraced(run: XferRun): Promise<void> {
  const { pid } = run.child;
  if (pid !== undefined && run.child.exitCode === null) process.kill(-pid, 'SIGKILL');
  await run.ended;
}

export async function readTrace(trace: string): Promise<TracedCall[]> {
  const calls: TracedCall[] = [];
  const pending = new Map<string, { readonly text: string; readonly begun: number }>();
  for (const [at, line] of (await readFile(trace, 'utf8')).split('\n').entries()) {
    const [, thread = '', rest = ''] = /^(\d+)\s+(.*)$/.exec(line) ?? [];
    const begins = /^(.*) <unfinished \.\.\.>$/.exec(rest);
    const ends = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest);
    if (begins) pending.set(thread, { text: begins[1] ?? '', begun: at });
    else if (ends) {
      const first = pending.get(thread);
      pending.delete(thread);
      if (first) calls.push(...callOf(first.text + (ends[1] ?? ''), first.begun, at));
    } else calls.push(...callOf(rest, at, at));
  }
  return calls;
}

function callOf(text: string, begun: number, done: number): TracedCall[] {
  const [, name, path, rest, result] = /^(\w+)\(\d+<([^>]*)>(.*)\)\s+= (-?\d+)/.exec(text) ?? [];
  if (name === undefined || path === undefined) return [];
  const position = Number(/(\d+)$/.exec(rest ?? '')?.[1] ?? NaN);
  return [{ name, path, result: Number(result), position, begun, done }];
}
