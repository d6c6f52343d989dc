import { resolve } from 'node:path';
import { directoryError, fileError } from '../errors/index.js';
import type { FilesApi } from '../native/api.js';
import { nativeApi } from '../native/index.js';
import { listAll } from '../transfer/left-over.js';
import { journalSuffix, ownNamePrefix } from '../transfer/names.js';
import { printable } from '../transfer/printable.js';

/** A file of a transfer that is not finished, or its journal: which transfer it is. Probes belong to none. */
const ownName = /^\.xfer-([0-9a-f]{16})[-.]|^\.xfer-[0-9a-f]{12}\.probe$/;
const mostDepth = 256;

export interface Pruned {
  readonly files: number;
  /** Transfers that are under way: nothing of theirs was touched. */
  readonly busy: number;
}

/**
 * Removes what transfers that never ended have left in a received directory: their temporary files and journals. Follows
 * no link, and leaves what a running receiver has at work. Rejects with an XferError.
 */
export async function prune(directory: string): Promise<Pruned> {
  const { files } = nativeApi();
  const root = await files.openRoot(resolve(directory)).catch((cause: unknown) => {
    throw directoryError(cause, `cannot prune ${printable(directory)}`);
  });
  try {
    return await new Pruning(files, root).run();
  } catch (cause) {
    throw fileError(cause, `cannot prune ${printable(directory)}`);
  } finally {
    await files.close(root);
  }
}

class Pruning {
  readonly #files: FilesApi;
  readonly #root: number;
  /** Journals that nobody else has at work, held open and locked. */
  readonly #journals = new Map<string, number>();
  readonly #busy = new Set<string>();
  #removed = 0;

  constructor(files: FilesApi, root: number) {
    this.#files = files;
    this.#root = root;
  }

  async run(): Promise<Pruned> {
    const { names } = await listAll(this.#files, this.#root);
    try {
      for (const name of names) if (name.endsWith(journalSuffix)) await this.#lock(name);
      await this.#walk(this.#root, 0);
      for (const tag of this.#journals.keys()) await this.#remove(this.#root, journalOf(tag));
    } finally {
      for (const fd of this.#journals.values()) await this.#files.close(fd);
    }
    return { files: this.#removed, busy: this.#busy.size };
  }

  async #lock(name: string): Promise<void> {
    const tag = ownName.exec(name)?.[1];
    if (tag === undefined) return;
    const fd = await this.#files.openExisting(this.#root, name);
    if (await this.#files.lock(fd)) this.#journals.set(tag, fd);
    else {
      this.#busy.add(tag);
      await this.#files.close(fd);
    }
  }

  async #walk(directory: number, depth: number): Promise<void> {
    const { names, directories } = await listAll(this.#files, directory);
    for (const name of names) if (await this.#isLeft(name)) await this.#remove(directory, name);
    if (depth >= mostDepth) return;
    for (const name of directories) {
      const below = await this.#files.openDirectory(directory, name);
      await this.#walk(below, depth + 1).finally(() => this.#files.close(below));
    }
  }

  /** A transfer has its journal before it has anything else. */
  async #isLeft(name: string): Promise<boolean> {
    if (!name.startsWith(ownNamePrefix) || name.endsWith(journalSuffix)) return false;
    const match = ownName.exec(name);
    const tag = match?.[1];
    if (!match || tag === undefined) return match !== null;
    if (this.#journals.has(tag)) return true;
    const isRunning =
      this.#busy.has(tag) || (await this.#files.kindOf(this.#root, journalOf(tag))) !== undefined;
    if (isRunning) this.#busy.add(tag);
    return !isRunning;
  }

  async #remove(directory: number, name: string): Promise<void> {
    // A directory with such a name is nobody's of ours.
    if ((await this.#files.kindOf(directory, name)) === 'directory') return;
    if (await this.#files.remove(directory, name)) this.#removed++;
  }
}

const journalOf = (tag: string) => `${ownNamePrefix}${tag}${journalSuffix}`;
