import { transferDefaults } from '../config/index.js';
import { entryBytes } from './entry-codec.js';
import type { SourceEntry } from './source-entry.js';

/** Entries until there are as many of them, or of their bytes, as one message may have. */
export class ManifestBatch {
  #entries: SourceEntry[] = [];
  #bytes = 0;

  get size(): number {
    return this.#entries.length;
  }

  fits(entry: SourceEntry): boolean {
    if (this.#entries.length === 0) return true;
    const { manifestBatchEntries, manifestBatchBytes } = transferDefaults;
    return (
      this.#entries.length < manifestBatchEntries && this.#bytes + entryBytes(entry) <= manifestBatchBytes
    );
  }

  add(entry: SourceEntry): void {
    this.#entries.push(entry);
    this.#bytes += entryBytes(entry);
  }

  take(): SourceEntry[] {
    const entries = this.#entries;
    this.#entries = [];
    this.#bytes = 0;
    return entries;
  }
}
