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
 * directory and follows no link: a link is removed, never what it points to. Names of xfer's own stay.
 */
export class Surplus {
  readonly #options: SurplusOptions;

  constructor(options: SurplusOptions) {
    this.#options = options;
  }

  /** `paths`: directories that the sender offered, and those alone. Rejects with an XferError. */
  async remove(paths: readonly string[]): Promise<void> {
    const { directories, files, isOffered } = this.#options;
    for (const path of paths) {
      try {
        const directory = await directories.acquire(path);
        try {
          const { names, directories: below } = await listAll(files, directory.fd);
          const isDirectory = new Set(below);
          for (const name of names) {
            const full = path === '' ? name : `${path}/${name}`;
            if (name.includes(replacement) || name.startsWith(ownNamePrefix) || isOffered(normalPath(full)))
              continue;
            await this.#removeOne(directory.fd, name, full, isDirectory.has(name));
          }
        } finally {
          directory.release();
        }
      } catch (cause) {
        throw fileError(cause, `cannot delete in ${printable(path)}`);
      }
    }
  }

  async #removeOne(
    directory: number,
    name: string,
    path: string,
    isDirectory: boolean,
    depth = 0,
  ): Promise<void> {
    const { files, onRemoved } = this.#options;
    if (!isDirectory) await files.remove(directory, name);
    else {
      if (depth >= mostDepth) throw Object.assign(new Error('too deep'), { code: 'ENAMETOOLONG' });
      const below = await files.openDirectory(directory, name);
      try {
        const found = await listAll(files, below);
        const directories = new Set(found.directories);
        for (const inner of found.names)
          if (!inner.includes(replacement))
            await this.#removeOne(below, inner, `${path}/${inner}`, directories.has(inner), depth + 1);
      } finally {
        await files.close(below);
      }
      await files.removeDirectory(directory, name);
    }
    onRemoved(path);
  }
}
