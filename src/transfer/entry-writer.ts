import { directoryError, fileError } from '../errors/index.js';
import type { FilesApi } from '../native/api.js';
import type { DirectoryCache } from './directory-cache.js';
import { entryKind, type ManifestEntry } from './entry-codec.js';
import { setMetadata, type MetadataPolicy } from './metadata.js';
import { printable } from './printable.js';
import { isTaken, type TemporaryNames } from './temporary-names.js';

/** Links made at once. */
const mostAtOnce = 32;

export interface EntryWriterOptions {
  readonly files: FilesApi;
  readonly directories: DirectoryCache;
  readonly names: TemporaryNames;
  /** Whether what stands where a link should go is replaced. */
  readonly replaces: (path: string) => boolean;
  readonly metadata: MetadataPolicy;
}

/** Makes the directories and links of a manifest, batch after batch, and gives directories their mode and time at the end. */
export class EntryWriter {
  readonly #files: FilesApi;
  readonly #directories: DirectoryCache;
  readonly #names: TemporaryNames;
  readonly #replaces: (path: string) => boolean;
  readonly #metadata: MetadataPolicy;
  readonly #made: ManifestEntry[] = [];

  constructor({ files, directories, names, replaces, metadata }: EntryWriterOptions) {
    this.#files = files;
    this.#directories = directories;
    this.#names = names;
    this.#replaces = replaces;
    this.#metadata = metadata;
  }

  /** Paths of the directories that were declared. */
  get made(): readonly string[] {
    return this.#made.map(({ path }) => path);
  }

  /** One batch at a time, in order: a directory comes before what is in it. Rejects with an XferError. */
  async makeDirectories(entries: readonly ManifestEntry[]): Promise<void> {
    for (const entry of entries) if (entry.kind === entryKind.directory) await this.#makeDirectory(entry);
  }

  /** Links whose directories stand. Rejects with an XferError. */
  async makeLinks(entries: readonly ManifestEntry[]): Promise<void> {
    let links: Promise<void>[] = [];
    for (const entry of entries) {
      if (entry.kind === entryKind.link) links.push(this.#makeLink(entry));
      if (links.length >= mostAtOnce) {
        await settled(links);
        links = [];
      }
    }
    await settled(links);
  }

  /** Modes and times of directories, the deepest first: writing in one would change its time again. */
  async finish(): Promise<void> {
    for (const entry of this.#made.reverse()) {
      await this.#within(entry.path, entry, async (fd) => {
        await setMetadata(this.#files, fd, entry, this.#metadata);
        await this.#files.finishDirectory(fd, entry.mode, mtimeNs(entry));
      });
    }
  }

  async #makeDirectory(entry: ManifestEntry): Promise<void> {
    const { parent, name } = split(entry.path);
    await this.#within(parent, entry, (fd) => this.#files.makeDirectory(fd, name, 0o700), directoryError);
    this.#made.push(entry);
  }

  async #makeLink(entry: ManifestEntry): Promise<void> {
    const { parent, name } = split(entry.path);
    const temporary = this.#names.partOf(entry.path);
    const replace = this.#replaces(entry.path);
    const job = { name, temporary, target: entry.target, mtimeNs: mtimeNs(entry), replace };
    await this.#within(parent, entry, (fd) =>
      this.#files.makeLink(fd, job).catch(async (error: unknown) => {
        // A try that was killed may have left one under the temporary name, which is that of this transfer alone.
        if (!isTaken(error) || !(await this.#files.remove(fd, temporary))) throw error;
        await this.#files.makeLink(fd, job);
      }),
    );
    const { owner } = entry;
    if (owner && this.#metadata.owners)
      await this.#within(parent, entry, (fd) => this.#files.setLinkOwner(fd, name, owner.uid, owner.gid));
  }

  async #within(
    path: string,
    entry: ManifestEntry,
    work: (fd: number) => Promise<unknown>,
    problem = fileError,
  ): Promise<void> {
    try {
      const directory = await this.#directories.acquire(path);
      try {
        await work(directory.fd);
      } finally {
        directory.release();
      }
    } catch (cause) {
      throw problem(cause, `cannot write ${printable(entry.path)}`);
    }
  }
}

const mtimeNs = (entry: ManifestEntry) =>
  BigInt(entry.mtimeSeconds) * 1_000_000_000n + BigInt(entry.mtimeNanoseconds);

/** Waits for all, so that nothing goes on behind a failure; then throws the first. */
async function settled(work: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(work)) if (result.status === 'rejected') throw result.reason;
}

function split(path: string): { parent: string; name: string } {
  const slash = path.lastIndexOf('/');
  return { parent: slash < 0 ? '' : path.slice(0, slash), name: path.slice(slash + 1) };
}
