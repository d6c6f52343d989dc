import type { FilesApi } from '../native/api.js';

/** Directories kept open although nobody uses them now. */
const mostIdle = 32;

interface Held {
  readonly fd: Promise<number>;
  users: number;
}

/** A directory that stays open until `release`. */
export interface HeldDirectory {
  readonly fd: number;
  release(): void;
}

/** Directories below a held root, opened once and kept while they are used. Paths are relative; '' is the root. */
export class DirectoryCache {
  readonly #files: FilesApi;
  readonly #root: number;
  readonly #held = new Map<string, Held>();

  constructor(files: FilesApi, root: number) {
    this.#files = files;
    this.#root = root;
  }

  /** Rejects with an errno error where the path is no real directory below the root. */
  async acquire(path: string): Promise<HeldDirectory> {
    if (path === '') return { fd: this.#root, release: () => undefined };
    const held = this.#held.get(path) ?? { fd: this.#files.openDirectory(this.#root, path), users: 0 };
    held.users++;
    // Set again, so that the map's order is that of use.
    this.#held.delete(path);
    this.#held.set(path, held);
    try {
      return { fd: await held.fd, release: () => this.#release(held) };
    } catch (error) {
      // Somebody else may hold another by now.
      if (this.#held.get(path) === held) this.#held.delete(path);
      throw error;
    }
  }

  /** To be called when nothing is in use any more. */
  async close(): Promise<void> {
    const all = [...this.#held.values()];
    this.#held.clear();
    for (const { fd } of all) await fd.then((open) => this.#files.close(open)).catch(() => undefined);
  }

  #release(held: Held): void {
    held.users--;
    if (this.#held.size <= mostIdle) return;
    for (const [path, { users, fd }] of this.#held) {
      if (users > 0) continue;
      this.#held.delete(path);
      void fd.then((open) => this.#files.close(open)).catch(() => undefined);
      if (this.#held.size <= mostIdle) return;
    }
  }
}
