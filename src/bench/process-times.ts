import { readdirSync, readFileSync } from 'node:fs';

/** Hundredths of a second, as proc(5) counts on every Linux that Node runs on. */
const ticksPerSecond = 100;
const defaultEveryMs = 20;

export interface ProcessTimes {
  /** Processor seconds so far, user and system; looked up now. */
  seconds(): number;
  /** The same, and looks no more. What a process used after it was last looked at is not in it. */
  stop(): number;
}

export interface SampleOptions {
  readonly everyMs?: number;
  /** False: of the process alone, which is cheaper. Default: true. */
  readonly withDescendants?: boolean;
  /** Where processes are shown as in proc(5). */
  readonly root?: string;
}

/**
 * Processor time of a process and all that it starts, which lasts when they end: their times are looked up every 20 ms, and
 * what a process has counted of the children that it waited for is counted once. Zero where there is no /proc.
 */
export function sampleProcessTimes(pid: number, options: SampleOptions = {}): ProcessTimes {
  const { everyMs = defaultEveryMs, withDescendants = true, root = '/proc' } = options;
  const tree = new ProcessTree(pid, root, withDescendants);
  const timer = setInterval(() => tree.look(), everyMs).unref();
  tree.look();
  const seconds = (): number => {
    tree.look();
    return tree.ticks / ticksPerSecond;
  };
  return {
    seconds,
    stop: () => {
      clearInterval(timer);
      return seconds();
    },
  };
}

interface Times {
  readonly pid: number;
  /** When it began, by which it is told from a later process of its number. */
  readonly started: string;
  readonly threads: number;
  readonly ownTicks: number;
  /** Of the children that it has waited for, and of those that they had waited for. */
  readonly waitedTicks: number;
}

class ProcessTree {
  readonly #pid: number;
  readonly #root: string;
  readonly #withDescendants: boolean;
  #known = new Map<number, Times>();
  /** Of those who ended, and nobody has counted them. */
  #goneTicks = 0;
  #isSeen = false;

  constructor(pid: number, root: string, withDescendants: boolean) {
    this.#pid = pid;
    this.#root = root;
    this.#withDescendants = withDescendants;
  }

  get ticks(): number {
    return sum(this.#known.values(), total) + this.#goneTicks;
  }

  look(): void {
    const now = new Map<number, Times>();
    // Who has another parent by now is looked at all the same.
    const queue = this.#isSeen ? [...this.#known.keys()] : [this.#pid];
    this.#isSeen = true;
    for (let pid = queue.pop(); pid !== undefined; pid = queue.pop()) {
      const times = now.has(pid) ? undefined : this.#timesOf(pid);
      if (!times) continue;
      const before = this.#known.get(pid);
      if (before && before.started !== times.started) continue;
      now.set(pid, times);
      if (this.#withDescendants) queue.push(...this.#childrenOf(times));
    }
    const ended = [...this.#known.values()].filter(({ pid }) => !now.has(pid));
    const counted = sum(
      now.values(),
      ({ pid, waitedTicks }) => waitedTicks - (this.#known.get(pid)?.waitedTicks ?? waitedTicks),
    );
    this.#goneTicks += Math.max(0, sum(ended, total) - counted);
    this.#known = now;
  }

  #timesOf(pid: number): Times | undefined {
    try {
      return timesOf(pid, readFileSync(`${this.#root}/${pid}/stat`, 'latin1'));
    } catch {
      return undefined;
    }
  }

  #childrenOf({ pid, threads }: Times): number[] {
    const tasks = `${this.#root}/${pid}/task`;
    try {
      const parents = threads > 1 ? readdirSync(tasks) : [String(pid)];
      return parents.flatMap((parent) => numbers(readFileSync(`${tasks}/${parent}/children`, 'latin1')));
    } catch {
      return [];
    }
  }
}

/** The name may hold spaces and brackets: fields are counted from the last one of those. */
function timesOf(pid: number, stat: string): Times {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [user = 0, system = 0, waitedUser = 0, waitedSystem = 0] = fields.slice(11, 15).map(Number);
  const [threads = '1', , started = ''] = fields.slice(17, 20);
  return {
    ...{ pid, started, threads: Number(threads) },
    ...{ ownTicks: user + system, waitedTicks: waitedUser + waitedSystem },
  };
}

const total = ({ ownTicks, waitedTicks }: Times): number => ownTicks + waitedTicks;

function sum<T>(all: Iterable<T>, value: (one: T) => number): number {
  let result = 0;
  for (const one of all) result += value(one);
  return result;
}

function numbers(text: string): number[] {
  return text
    .split(' ')
    .filter((word) => word !== '')
    .map(Number);
}
