import { XferError } from '../errors/index.js';
import { formatSize } from '../config/quantity.js';
import type { FilesApi } from '../native/api.js';
import type { DirectoryCache } from './directory-cache.js';
import { entryKind, type ManifestEntry } from './entry-codec.js';
import { printable } from './printable.js';

/** What becomes of something that stands where an entry should go. */
export type Overwrite = 'ask' | 'never' | 'rename' | 'always';

export interface ReceivePolicy {
  /** Content and files that one transfer may bring. */
  readonly maxBytes?: number;
  readonly maxFiles?: number;
  /** Names in it, directories and links included. Default: transferDefaults.maxEntries. */
  readonly maxEntries?: number;
  /** Default: always. */
  readonly overwrite?: Overwrite;
  /** Whether a sender may have deleted what it does not offer. Default: it may not. */
  readonly removes?: boolean;
  /** Whether owners (as root) and extended attributes are set as the sender tells them. Default: neither. */
  readonly owners?: boolean;
  readonly attributes?: boolean;
  /** Whether all is on disk before the sender hears that it is committed. Default: visible under its name is enough. */
  readonly syncs?: boolean;
  /** For `ask`: what to do with this path, or with it and all others that follow. */
  ask?(path: string): Promise<{ readonly answer: Exclude<Overwrite, 'ask'>; readonly forAll: boolean }>;
}

/** What an entry may do where it should go. */
export type Permission =
  | { readonly kind: 'write' }
  | { readonly kind: 'leave'; readonly reason: string }
  /** It gets another name, which nothing has. */
  | { readonly kind: 'rename'; readonly path: string };

/** Names tried for one entry before it is left out. */
const mostNames = 1000;

/** Decides for each entry of a transfer whether it may stand where it should, by what stands there already. */
export class OverwritePolicy {
  readonly #files: FilesApi;
  readonly #directories: DirectoryCache;
  readonly #policy: ReceivePolicy;
  #overwrite: Overwrite;
  /** Paths for which the answer was to replace what stands there. */
  readonly #replaceable = new Set<string>();

  constructor(files: FilesApi, directories: DirectoryCache, policy: ReceivePolicy) {
    this.#files = files;
    this.#directories = directories;
    this.#policy = policy;
    this.#overwrite = policy.overwrite ?? 'always';
  }

  /** Whether nothing needs to be decided. */
  get isAlways(): boolean {
    return this.#overwrite === 'always';
  }

  /** Whether what stands at this path may be replaced, should it have appeared only while the entry was written. */
  mayReplace(path: string): boolean {
    return this.isAlways || this.#replaceable.has(path);
  }

  /** `isTaken`: whether another entry of the transfer has the name. Rejects with an XferError. */
  async decide(entry: ManifestEntry, isTaken: (path: string) => boolean): Promise<Permission> {
    if (this.#overwrite === 'always' || entry.kind === entryKind.directory) return { kind: 'write' };
    const slash = entry.path.lastIndexOf('/') + 1;
    const directory = await this.#directories.acquire(entry.path.slice(0, Math.max(0, slash - 1)));
    try {
      const exists = async (name: string) => (await this.#files.kindOf(directory.fd, name)) !== undefined;
      if (!(await exists(entry.path.slice(slash)))) return { kind: 'write' };
      const answer = await this.#answer(entry.path);
      if (answer === 'always') {
        this.#replaceable.add(entry.path);
        return { kind: 'write' };
      }
      if (answer === 'never') return { kind: 'leave', reason: 'something stands there already' };
      for (let number = 1; number <= mostNames; number++) {
        const name = numbered(entry.path.slice(slash), number);
        const path = entry.path.slice(0, slash) + name;
        if (!isTaken(path) && !(await exists(name))) return { kind: 'rename', path };
      }
      return { kind: 'leave', reason: 'something stands there already, and under all names like it' };
    } finally {
      directory.release();
    }
  }

  async #answer(path: string): Promise<Exclude<Overwrite, 'ask'>> {
    if (this.#overwrite !== 'ask') return this.#overwrite;
    if (!this.#policy.ask) return 'never';
    const { answer, forAll } = await this.#policy.ask(printable(path));
    if (forAll) this.#overwrite = answer;
    return answer;
  }
}

/** ERR_XFER_REFUSED where a transfer with so much in it is not taken. */
export function checkAmount(policy: ReceivePolicy, bytes: number, files: number): XferError | undefined {
  const { maxBytes, maxFiles } = policy;
  if (maxBytes !== undefined && bytes > maxBytes)
    return new XferError('ERR_XFER_REFUSED', `more than ${formatSize(maxBytes)} are not taken here`);
  if (maxFiles !== undefined && files > maxFiles)
    return new XferError('ERR_XFER_REFUSED', `more than ${maxFiles} files are not taken here`);
  return undefined;
}

/** `photo.jpg` → `photo (1).jpg`; `.profile` → `.profile (1)`. */
function numbered(name: string, number: number): string {
  const dot = name.lastIndexOf('.');
  const stem = dot > 0 ? name.slice(0, dot) : name;
  return `${stem} (${number})${dot > 0 ? name.slice(dot) : ''}`;
}
