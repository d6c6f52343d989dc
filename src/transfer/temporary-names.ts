import { createHash, randomBytes } from 'node:crypto';
import { textHash } from './names-hash.js';
import { journalSuffix, ownNamePrefix, partSuffix } from './names.js';

/**
 * The names that a transfer uses in the received directory until all is done. They are the same for every try of the
 * same transfer, so what a killed one has left is found again, or taken away when its place is needed.
 */
export class TemporaryNames {
  readonly journal: string;
  /** For the small files of packs, with numbers behind it: others in every try. */
  readonly packPrefix: string;
  readonly #prefix: string;
  readonly #hash: ReturnType<typeof textHash>;
  readonly #out = { low: 0, high: 0 };

  /** `peer`: the sender's key; `key`: the transfer's. */
  constructor(peer: Uint8Array, key: Uint8Array) {
    const digest = createHash('sha256').update(peer).update(key).digest();
    this.#prefix = `${ownNamePrefix}${digest.subarray(0, 8).toString('hex')}`;
    this.#hash = textHash(digest.subarray(8, 16));
    this.packPrefix = `${this.#prefix}-${randomBytes(4).toString('hex')}-`;
    this.journal = `${this.#prefix}${journalSuffix}`;
  }

  /** Whether a name is one that this transfer uses while it goes on, in this try or another; not that of its journal. */
  isLeftOver(name: string): boolean {
    return name.startsWith(`${this.#prefix}-`);
  }

  /** For a file or link with this path. */
  partOf(path: string): string {
    this.#hash(path, this.#out);
    const { low, high } = this.#out;
    return `${this.#prefix}-${hex(high)}${hex(low)}${partSuffix}`;
  }
}

const hex = (word: number) => word.toString(16).padStart(8, '0');

/** Whether a name could not be made because something has it: left by a try that was killed. */
export const isTaken = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'EEXIST';
