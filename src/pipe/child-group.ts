import type { ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';

/** A program has so long to end after SIGTERM; then it is killed. */
const graceMs = 2_000;
/** How soon it is looked whether all have ended: each time twice as long, up to this. */
const firstLookMs = 5;
const mostLookMs = 100;

/**
 * A program and all that it started, as far as they stay in its process group (`spawn` with `detached`). They end with us:
 * by `close`, when we exit, and when SIGINT, SIGTERM or SIGHUP ends us. Only SIGKILL of us leaves them: then they find their
 * pipes closed, and whoever minds neither an end nor SIGPIPE goes on.
 */
export class ChildGroup {
  readonly #id: number;
  readonly #exited: Promise<unknown>;

  /** `child` has started. */
  constructor(child: ChildProcess) {
    this.#id = child.pid ?? 0;
    this.#exited = new Promise((resolve) => child.once('exit', resolve));
    groups.add(this);
    watch();
  }

  /** SIGTERM to all of them, SIGKILL to those who stay; resolves when there are none. */
  async close(): Promise<void> {
    const until = performance.now() + graceMs;
    let isThere = this.signal('SIGTERM');
    for (
      let waitMs = firstLookMs;
      isThere && performance.now() < until;
      waitMs = Math.min(2 * waitMs, mostLookMs)
    ) {
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      isThere = this.signal(0) && hasLiving(this.#id);
    }
    if (isThere) this.signal('SIGKILL');
    await this.#exited;
    groups.delete(this);
    if (groups.size === 0) unwatch();
  }

  /** Whether there was anybody to get it. */
  signal(name: NodeJS.Signals | 0): boolean {
    try {
      return this.#id > 0 && process.kill(-this.#id, name);
    } catch {
      return false;
    }
  }
}

/**
 * Whether any of the group is more than a zombie. Those that lost their parent are reaped by init, which in a container may
 * take its time, or never come to it.
 */
function hasLiving(group: number): boolean {
  if (process.platform !== 'linux') return true;
  return readdirSync('/proc').some((name) => /^\d+$/.test(name) && isLivingIn(group, name));
}

/** proc(5): `pid (comm) state ppid pgrp …`, where comm may hold anything. */
function isLivingIn(group: number, id: string): boolean {
  try {
    const stat = readFileSync(`/proc/${id}/stat`, 'latin1');
    const [state = '', , pgrp] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return Number(pgrp) === group && !'ZX'.includes(state);
  } catch {
    // It has just gone.
    return false;
  }
}

const groups = new Set<ChildGroup>();
const fatal = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

const onExit = (): void => {
  for (const group of groups) group.signal('SIGKILL');
};

/** Where nobody else minds the signal it would end us without a word: first the programs end. A second one ends all at once. */
const onFatal = (name: NodeJS.Signals): void => {
  if (process.listenerCount(name) > 1) return;
  unwatch();
  process.on('exit', onExit);
  process.once(name, () => process.exit(128 + constants.signals[name]));
  void Promise.all([...groups].map((group) => group.close())).then(() => {
    process.removeAllListeners(name);
    process.kill(process.pid, name);
  });
};

function watch(): void {
  if (groups.size !== 1) return;
  process.on('exit', onExit);
  for (const name of fatal) process.on(name, onFatal);
}

function unwatch(): void {
  process.off('exit', onExit);
  for (const name of fatal) process.off(name, onFatal);
}
