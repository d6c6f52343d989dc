import { fileError } from '../errors/index.js';
import type { FilesApi } from '../native/api.js';
import type { DirectoryCache } from './directory-cache.js';
import { listAll } from './left-over.js';
import { normalPath, ownNamePrefix } from './names.js';
import { printable } from './printable.js';

/** A name that is no UTF-8 stands with this in a listing: it cannot be named, so it stays. */
const replacement = '\ufffd';
const mostDepth = 256;

export interface SurplusOptions {
  readonly files: FilesApi;
  readonly directories: DirectoryCache;
  /** Whether the sender offered an entry with this path, or one that differs from it in case alone. */
  isOffered(path: string): boolean;
  onRemoved(path: string): void;
}

/**
 * Removes what stands in received directories and was not offered, as `rsync --delete` does. Every call goes through a held
 * directory and follows no link: a link is removed, never what it points to. Names of xfer's own stay, and other file
 * systems.
 */
export class Surplus {
  readonly #options: SurplusOptions;

  constructor(options: SurplusOptions) {
    this.#options = options;
  }

  /** `paths`: directories that the sender offered, and those alone. Rejects with an XferError. */
  async remove(paths: readonly string[]): Promise<void> {
    const { directories, isOffered } = this.#options;
    for (const path of paths) {
      try {
        const directory = await directories.acquire(path);
        try {
          await this.#empty(directory.fd, path, isOffered);
        } finally {
          directory.release();
        }
      } catch (cause) {
        throw fileError(cause, `cannot delete in ${printable(path)}`);
      }
    }
  }

  async #empty(
    directory: number,
    path: string,
    isOffered: (path: string) => boolean,
    depth = 0,
  ): Promise<void> {
    const { files, onRemoved } = this.#options;
    const { names, directories } = await listAll(files, directory);
    const isDirectory = new Set(directories);
    for (const name of names) {
      const full = path === '' ? name : `${path}/${name}`;
      if (name.includes(replacement) || name.startsWith(ownNamePrefix) || isOffered(normalPath(full)))
        continue;
      if (!isDirectory.has(name)) await files.remove(directory, name);
      else if (!(await this.#removeDirectory(directory, name, full, depth))) continue;
      onRemoved(full);
    }
  }

  /** False where it stays: something in it does, or another file system begins there. */
  async #removeDirectory(directory: number, name: string, path: string, depth: number): Promise<boolean> {
    if (depth >= mostDepth) throw Object.assign(new Error('too deep'), { code: 'ENAMETOOLONG' });
    const { files } = this.#options;
    const below = await files.openDirectory(directory, name);
    try {
      if ((await files.stampOf(below)).dev !== (await files.stampOf(directory)).dev) return false;
      await this.#empty(below, path, () => false, depth + 1);
    } finally {
      await files.close(below);
    }
    try {
      return await files.removeDirectory(directory, name);
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOTEMPTY') return false;
      throw error;
    }
  }
}
