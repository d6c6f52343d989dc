import { randomBytes } from 'node:crypto';
import { fileError } from '../errors/index.js';
import type { FilesApi } from '../native/api.js';
import type { DirectoryCache, HeldDirectory } from './directory-cache.js';
import type { ManifestEntry } from './entry-codec.js';
import { NameRegister } from './names-register.js';
import { printable } from './printable.js';
import type { TemporaryNames } from './temporary-names.js';

/** Systems and file systems without hard links, or without one more for this file. */
const withoutHardLinks = new Set(['EPERM', 'ENOSYS', 'EOPNOTSUPP', 'ENOTSUP', 'EMLINK', 'EXDEV']);
const copyBytes = 64 * 1024 * 1024;

export interface HardLinkWriterOptions {
  readonly files: FilesApi;
  readonly directories: DirectoryCache;
  readonly names: TemporaryNames;
  readonly replaces: (path: string) => boolean;
  /** The name was not made, and why. */
  onLeftOut(entry: ManifestEntry, reason: string): void;
}

/** Gives files that stand their other names, at the end; where that cannot be, a copy of the content. */
export class HardLinkWriter {
  readonly #options: HardLinkWriterOptions;
  readonly #waiting: ManifestEntry[] = [];
  /** Files that stand under other names than the sender gave them. */
  readonly #renamed = new Map<string, string>();
  /** What was offered and does not stand: under such a name there may be a file that the sender never had. */
  readonly #absent = new NameRegister(randomBytes(16));

  constructor(options: HardLinkWriterOptions) {
    this.#options = options;
  }

  add(entry: ManifestEntry): void {
    this.#waiting.push(entry);
  }

  handleRenamed(from: string, to: string): void {
    this.#renamed.set(from, to);
  }

  /** Nothing of the sender's stands under the name of this entry. */
  handleAbsent(path: string): void {
    this.#absent.add(path, 'file');
  }

  /** Rejects with an XferError. */
  async finish(): Promise<void> {
    for (const entry of this.#waiting.splice(0)) {
      try {
        await this.#make(entry, this.#renamed.get(entry.target) ?? entry.target);
      } catch (cause) {
        throw fileError(cause, `cannot write ${printable(entry.path)}`);
      }
    }
  }

  async #make(entry: ManifestEntry, target: string): Promise<void> {
    const { files, names, replaces } = this.#options;
    if (this.#absent.has(target)) return this.#leaveOut(entry, target);
    const [from, to] = [split(target), split(entry.path)];
    await this.#within(from.parent, async (fromDirectory) => {
      const stamp = await files.stampAt(fromDirectory.fd, from.name);
      // A link under that name would be another file somewhere else.
      if (!stamp || (stamp.mode & 0o170000) !== 0o100000) return this.#leaveOut(entry, target);
      await this.#within(to.parent, async (directory) => {
        const temporary = names.partOf(entry.path);
        const link = {
          fromDirectory: fromDirectory.fd,
          from: from.name,
          directory: directory.fd,
          temporary,
          name: to.name,
          replace: replaces(entry.path),
        };
        // A try that was killed may have left one under the temporary name, which is that of this transfer alone.
        await files.remove(directory.fd, temporary);
        await files.makeHardLink(link).catch(async (error: unknown) => {
          if (!(error instanceof Error && 'code' in error && withoutHardLinks.has(String(error.code))))
            throw error;
          await this.#copy(link, entry);
        });
      });
    });
  }

  #leaveOut(entry: ManifestEntry, target: string): void {
    this.handleAbsent(entry.path);
    this.#options.onLeftOut(entry, `${printable(target)} is not there`);
  }

  async #copy(
    link: { fromDirectory: number; from: string; directory: number; temporary: string; name: string },
    entry: ManifestEntry,
  ): Promise<void> {
    const { files, replaces } = this.#options;
    const source = await files.openExisting(link.fromDirectory, link.from);
    try {
      const { size, mode, mtimeNs } = await files.stampOf(source);
      const fd = await files.createFile(link.directory, link.temporary);
      let isOpen = true;
      try {
        for (let at = 0; at < size; at += copyBytes)
          await files.copyRegion(source, fd, at, Math.min(copyBytes, size - at));
        isOpen = false;
        await files.finishFile({
          fd,
          directory: link.directory,
          from: link.temporary,
          to: split(entry.path).name,
          mode: mode & 0o777,
          mtimeNs,
          replace: replaces(entry.path),
          sync: false,
        });
      } catch (error) {
        if (isOpen) await files.close(fd);
        await files.remove(link.directory, link.temporary);
        throw error;
      }
    } finally {
      await files.close(source);
    }
  }

  async #within(path: string, work: (directory: HeldDirectory) => Promise<void>): Promise<void> {
    const directory = await this.#options.directories.acquire(path);
    try {
      await work(directory);
    } finally {
      directory.release();
    }
  }
}

function split(path: string): { parent: string; name: string } {
  const slash = path.lastIndexOf('/');
  return { parent: slash < 0 ? '' : path.slice(0, slash), name: path.slice(slash + 1) };
}
