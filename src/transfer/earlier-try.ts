import type { FilesApi, FileStamp } from '../native/api.js';
import type { ContentReceiver } from './content-receiver.js';
import type { DirectoryCache } from './directory-cache.js';
import { removeNamed } from './left-over.js';
import { fileId, sameBytes, type JournalKeeper } from './journal-keeper.js';
import { entryKind, type ManifestEntry } from './entry-codec.js';
import { mostHaveRanges, type Ranges } from './messages.js';
import { RangeSet } from './range-set.js';
import type { ReceiveComparisons } from './receive-comparisons.js';
import type { TemporaryNames } from './temporary-names.js';

/** Ranges that are told of one batch: they must fit into one message. */
const mostRangesOfBatch = 4096;

/** What the receiver has of a batch. */
export interface Possessions {
  /** Files that stand under their real names. */
  readonly skip: readonly ManifestEntry[];
  readonly have: readonly (readonly [id: number, ranges: Ranges])[];
}

/** What an earlier try of the same transfer has left, found file by file: nothing of it is read. */
export class EarlierTry {
  readonly #files: FilesApi;
  readonly #directories: DirectoryCache;
  readonly #keeper: JournalKeeper;
  readonly #names: TemporaryNames;

  constructor(files: FilesApi, directories: DirectoryCache, keeper: JournalKeeper, names: TemporaryNames) {
    this.#files = files;
    this.#directories = directories;
    this.#keeper = keeper;
    this.#names = names;
  }

  /** Looks for the files of a batch whose directories stand. Never rejects: what is not found is sent again. */
  async find(entries: readonly ManifestEntry[], content: ContentReceiver): Promise<Possessions> {
    const skip: ManifestEntry[] = [];
    const have: [number, Ranges][] = [];
    let left = mostRangesOfBatch;
    await Promise.all(
      entries.map(async (entry) => {
        if (entry.kind !== entryKind.file) return;
        const found = this.#keeper.partOf(entry);
        if (!found) {
          if (await this.#stands(entry)) skip.push(entry);
          return;
        }
        const { part, ranges } = found;
        const file = await content.resume(
          entry.id,
          (stamp) => sameBytes(fileId(stamp), part.file),
          ranges.first(mostHaveRanges),
        );
        if (!file || left < mostHaveRanges) return;
        left -= mostHaveRanges;
        this.#keeper.adopt(file, part, file.writtenBytes);
        have.push([entry.id, ranges.first(mostHaveRanges).ranges]);
      }),
    );
    return { skip, have };
  }

  /** Goes on with the temporary file of another version of the file: what of it is the same need not come. */
  async compare(
    entry: ManifestEntry,
    content: ContentReceiver,
    comparisons: ReceiveComparisons,
  ): Promise<boolean> {
    // What was written for the other version would stand in the holes of this one.
    if (entry.allocatedBytes !== undefined) return false;
    const stale = this.#keeper.staleOf(entry);
    if (!stale) return false;
    const isSame = (stamp: FileStamp) => sameBytes(fileId(stamp), stale.part.file);
    const file = await content.resume(entry.id, isSame, new RangeSet());
    if (!file) return false;
    await comparisons.addPart(entry, file, stale.ranges);
    return true;
  }

  /** Removes temporary files that this try has no use for. */
  async removeLeftOver(): Promise<void> {
    for (const path of this.#keeper.leftOver()) {
      const slash = path.lastIndexOf('/');
      try {
        const directory = await this.#directories.acquire(slash < 0 ? '' : path.slice(0, slash));
        try {
          await this.#files.remove(directory.fd, this.#names.partOf(path));
        } finally {
          directory.release();
        }
      } catch {
        // Its directory is gone, and it with it.
      }
    }
  }

  /** Removes what killed tries have left in these directories under names of this transfer. Never rejects. */
  async sweep(directories: readonly string[]): Promise<void> {
    if (this.#keeper.isFirst) return;
    for (const path of directories) {
      try {
        const directory = await this.#directories.acquire(path);
        try {
          await removeNamed(this.#files, directory.fd, (name) => this.#names.isLeftOver(name));
        } finally {
          directory.release();
        }
      } catch {
        // What cannot be listed here was not written to either.
      }
    }
  }

  async #stands(entry: ManifestEntry): Promise<boolean> {
    if (!this.#keeper.hasFinished) return false;
    const slash = entry.path.lastIndexOf('/');
    try {
      const directory = await this.#directories.acquire(slash < 0 ? '' : entry.path.slice(0, slash));
      try {
        const stamp = await this.#files.stampAt(directory.fd, entry.path.slice(slash + 1));
        return stamp !== undefined && this.#keeper.isFinished(entry, stamp);
      } finally {
        directory.release();
      }
    } catch {
      return false;
    }
  }
}
