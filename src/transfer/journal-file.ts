import { write } from 'node:fs';
import { promisify } from 'node:util';
import { fileError, XferError } from '../errors/index.js';
import type { FilesApi } from '../native/api.js';
import { encodeJournalHeader, readJournal, type JournalHeader, type JournalState } from './journal-core.js';
import { readAll } from './read-all.js';

/** A longer journal is not read: the transfer begins anew. */
const mostBytes = 256 * 1024 * 1024;
/** Another try may remove the journal between our finding and locking it. */
const mostTries = 8;

const writeAt = promisify(write);

export interface OpenedJournal {
  readonly journal: JournalFile;
  /** What an earlier try has left. */
  readonly state: JournalState | undefined;
  /** Whether there was no earlier try that did not end. */
  readonly isNew: boolean;
}

/**
 * A transfer's journal in the received directory, held by a lock from the first message on: two tries of one transfer
 * never write at once. Every method rejects with an XferError.
 */
export class JournalFile {
  readonly #files: FilesApi;
  readonly #root: number;
  readonly #name: string;
  readonly #fd: number;
  #end: number;
  #isNew: boolean;
  #isHidden = false;
  /** Settles when the header of a new journal is written. */
  #begun: Promise<void> = Promise.resolve();

  private constructor(files: FilesApi, place: { root: number; name: string }, fd: number, end: number) {
    this.#files = files;
    this.#root = place.root;
    this.#name = place.name;
    this.#fd = fd;
    this.#end = end;
    this.#isNew = end === 0;
  }

  /** Rejects with ERR_XFER_LIMIT where another one is at it now. */
  static async open(
    files: FilesApi,
    place: { readonly root: number; readonly name: string },
    header: JournalHeader,
  ): Promise<OpenedJournal> {
    try {
      const { fd, isNew } = await openLocked(files, place);
      try {
        // What was made and locked here has nothing in it.
        const bytes = isNew ? undefined : await readAll(fd, mostBytes);
        const state = bytes && readJournal(bytes, header);
        const end = state?.validBytes ?? 0;
        if (!isNew) await files.truncate(fd, end);
        const journal = new JournalFile(files, place, fd, end);
        // Nobody waits for it: what matters is that it is in front of all entries.
        if (!state) journal.#begin(encodeJournalHeader(header));
        return { journal, state, isNew };
      } catch (error) {
        await files.close(fd);
        throw error;
      }
    } catch (cause) {
      throw cause instanceof XferError ? cause : fileError(cause, 'cannot keep a journal');
    }
  }

  /** Resolves when the entries are on disk. What they name must be there already. */
  async append(entries: Uint8Array): Promise<void> {
    try {
      await this.#begun;
      await this.#write(entries);
      await this.#files.syncData(this.#fd);
      if (this.#isNew) await this.#files.syncDirectory(this.#root);
      this.#isNew = false;
    } catch (cause) {
      throw fileError(cause, 'cannot keep a journal');
    }
  }

  /** Takes its name away: all is done, and nothing else is to remain in the directory. It stays open. */
  async hide(): Promise<void> {
    await this.#begun;
    await this.#files.remove(this.#root, this.#name);
    this.#isHidden = true;
  }

  /** Leaves it for another try, also when it was hidden, or takes it away. */
  async close(keep: boolean): Promise<void> {
    try {
      await this.#begun.catch(() => undefined);
      if (keep && this.#isHidden) await this.#restore();
      if (!keep && !this.#isHidden) await this.#files.remove(this.#root, this.#name);
    } finally {
      await this.#files.close(this.#fd);
    }
  }

  #begin(header: Uint8Array): void {
    this.#begun = this.#write(header).catch((cause: unknown) => {
      throw fileError(cause, 'cannot keep a journal');
    });
    // Whoever needs it hears of it.
    this.#begun.catch(() => undefined);
  }

  async #restore(): Promise<void> {
    const bytes = await readAll(this.#fd, mostBytes);
    if (!bytes) return;
    const fd = await this.#files.createFile(this.#root, this.#name);
    try {
      await writeAll(fd, bytes, 0);
      await this.#files.syncData(fd);
    } finally {
      await this.#files.close(fd);
    }
  }

  async #write(bytes: Uint8Array): Promise<void> {
    await writeAll(this.#fd, bytes, this.#end);
    this.#end += bytes.length;
  }
}

async function writeAll(fd: number, bytes: Uint8Array, position: number): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    const { bytesWritten } = await writeAt(fd, bytes, written, bytes.length - written, position + written);
    if (bytesWritten === 0) throw Object.assign(new Error('nothing was written'), { code: 'EIO' });
    written += bytesWritten;
  }
}

async function openLocked(
  files: FilesApi,
  { root, name }: { root: number; name: string },
): Promise<{ fd: number; isNew: boolean }> {
  for (let tries = 0; tries < mostTries; tries++) {
    const made = await files.createFile(root, name).catch(unless('EEXIST'));
    const fd = made ?? (await files.openExisting(root, name).catch(unless('ENOENT')));
    if (fd === undefined) continue;
    const isLocked = await files.lock(fd);
    const [own, there] = isLocked ? await Promise.all([files.stampOf(fd), files.stampAt(root, name)]) : [];
    if (own && there && own.ino === there.ino && own.dev === there.dev)
      return { fd, isNew: made !== undefined };
    await files.close(fd);
    if (!isLocked) break;
  }
  throw new XferError('ERR_XFER_LIMIT', 'the same transfer is being received already');
}

/** Undefined for this errno, and the error for every other. */
function unless(code: string): (error: unknown) => undefined {
  return (error) => {
    if (error instanceof Error && 'code' in error && error.code === code) return undefined;
    throw error;
  };
}
