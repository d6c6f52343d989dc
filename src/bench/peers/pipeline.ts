import { closeSync, constants, openSync } from 'node:fs';
import { join } from 'node:path';
import type { ChildKeeper } from '../child-keeper.js';
import type { ChildEnd, KeptChild } from '../kept-child.js';
import type { FlowCommand, Pipeline } from './flow.js';

export interface RunningCommand {
  readonly command: FlowCommand;
  readonly child: KeptChild;
  /** Whose failures are told by this name. */
  readonly name: string;
}

/** Named pipes of a contestant, which its runs use again: what goes through them is never in the bench's own process. */
export class NamedPipes {
  readonly #directory: string;
  readonly #keeper: ChildKeeper;
  #made = 0;

  constructor(directory: string, keeper: ChildKeeper) {
    this.#directory = directory;
    this.#keeper = keeper;
  }

  pathOf(number: number): string {
    return join(this.#directory, `pipe-${number}`);
  }

  /** So many at least. */
  async make(count: number): Promise<void> {
    for (; this.#made < count; this.#made++) {
      const child = this.#keeper.start(['mkfifo', '-m', '600', this.pathOf(this.#made)]);
      const ended: ChildEnd = await child.ended;
      if (ended.status !== 0) throw child.failure('mkfifo', ended);
    }
  }
}

/** Starts all programs of it. `pipes`: paths, one less than programs. */
export function startPipeline(
  keeper: ChildKeeper,
  prefix: readonly string[],
  { commands, input, output }: Pipeline,
  pipes: readonly string[],
): readonly RunningCommand[] {
  const opened: number[] = [];
  const keep = (descriptor: number): number => {
    opened.push(descriptor);
    return descriptor;
  };
  try {
    const ends = pipes.map((path) => openPipe(path, keep));
    const last = output === undefined ? undefined : keep(openSync(output, 'wx', 0o600));
    const first = input === undefined ? undefined : keep(openSync(input, 'r'));
    return commands.map((command, at): RunningCommand => {
      const stdin = at === 0 ? first : ends[at - 1]?.read;
      const stdout = ends[at]?.write ?? (at === commands.length - 1 ? last : undefined);
      const child = keeper.start([...prefix, ...command.argv], {
        ...(stdin === undefined ? {} : { stdin }),
        ...(stdout === undefined ? {} : { stdout }),
      });
      return { command, child, name: (command.argv[0] ?? '').split('/').at(-1) ?? '' };
    });
  } finally {
    for (const descriptor of opened) closeSync(descriptor);
  }
}

/** A named pipe opens for one end when the other has opened it: but a reader that does not wait opens at once. */
function openPipe(path: string, keep: (descriptor: number) => number): { read: number; write: number } {
  const first = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const write = keep(openSync(path, constants.O_WRONLY));
    const read = keep(openSync(path, constants.O_RDONLY));
    return { read, write };
  } finally {
    closeSync(first);
  }
}
