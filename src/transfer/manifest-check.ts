import { randomBytes } from 'node:crypto';
import { transferDefaults } from '../config/index.js';
import { XferError } from '../errors/index.js';
import { entryKind, type EntryKindNumber, type ManifestEntry } from './entry-codec.js';
import { checkLinkTarget, checkPath, normalPath } from './names.js';
import { NameRegister, type NamedKind } from './names-register.js';
import { printable } from './printable.js';

export interface LeftOut {
  readonly id: number;
  readonly path: string;
  readonly reason: string;
}

export interface CheckedBatch {
  /** With paths in NFC. */
  readonly entries: readonly ManifestEntry[];
  /** Links that point out of the received directory. */
  readonly leftOut: readonly LeftOut[];
}

const kindName: Readonly<Record<EntryKindNumber, NamedKind>> = {
  [entryKind.file]: 'file',
  [entryKind.directory]: 'directory',
  [entryKind.link]: 'link',
  [entryKind.hardLink]: 'file',
};

/** What a receiver demands of a manifest before it writes anything of a batch. Names are hostile (DESIGN §7). */
export class ManifestCheck {
  readonly #names = new NameRegister(randomBytes(16));
  readonly #mostNames: number;
  #entries = 0;

  /** `mostNames`: of entries, and of directories on the way to them. Default: transferDefaults.maxEntries. */
  constructor(mostNames: number = transferDefaults.maxEntries) {
    this.#mostNames = mostNames;
  }

  /** Entries that were offered so far. */
  get entries(): number {
    return this.#entries;
  }

  /** Whether an entry with such a name was offered. */
  hasName(path: string): boolean {
    return this.#names.has(path);
  }

  /** The receiver gives an entry another name: nothing else may have it then. */
  addName(path: string): XferError | undefined {
    return this.#names.add(path, 'file');
  }

  /** An error (ERR_XFER_HOSTILE_NAME, _PROTOCOL or _LIMIT) refuses the batch and ends the transfer. */
  batch(offered: readonly ManifestEntry[]): CheckedBatch | XferError {
    const entries: ManifestEntry[] = [];
    const leftOut: LeftOut[] = [];
    for (const raw of offered) {
      const isHardLink = raw.kind === entryKind.hardLink;
      const target = isHardLink ? normalPath(raw.target) : raw.target;
      const entry = { ...raw, path: normalPath(raw.path), target };
      const refused = this.#entry(entry);
      if (refused) return refused;
      const wrong = entry.kind === entryKind.link ? checkLinkTarget(entry.path, entry.target) : undefined;
      if (wrong) leftOut.push({ id: entry.id, path: entry.path, reason: wrong.message });
      else entries.push(entry);
    }
    return { entries, leftOut };
  }

  #entry(entry: ManifestEntry): XferError | undefined {
    if (entry.id !== this.#entries++)
      return new XferError(
        'ERR_XFER_PROTOCOL',
        'the sender breaks the protocol: its entries are not numbered in order',
      );
    const hasTarget = entry.kind === entryKind.link || entry.kind === entryKind.hardLink;
    if (entry.kind === entryKind.hardLink && (checkPath(entry.target) || !this.#names.hasLeaf(entry.target)))
      return new XferError('ERR_XFER_PROTOCOL', `${printable(entry.path)} is another name of nothing`);
    if (!hasTarget && entry.target !== '')
      return new XferError('ERR_XFER_PROTOCOL', `${printable(entry.path)} has a target and is no link`);
    if (entry.kind !== entryKind.file && entry.size !== 0)
      return new XferError('ERR_XFER_PROTOCOL', `${printable(entry.path)} has a size and is no file`);
    const refused = checkPath(entry.path) ?? this.#names.add(entry.path, kindName[entry.kind]);
    if (refused) return refused;
    // Each entry has a name of its own, and directories on the way to it are kept too, declared or not.
    if (this.#names.size <= this.#mostNames) return undefined;
    return new XferError('ERR_XFER_LIMIT', `more than ${this.#mostNames} entries are not taken`);
  }
}
