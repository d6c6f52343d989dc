import { entryKind, type ManifestEntry } from './entry-codec.js';
import type { ReceiveProgress } from './receive-options.js';

/** Files and bytes of one transfer at its receiver: what was offered, what stands, and what was left out. */
export class ReceiveAmounts {
  /** Regular files that the sender named. */
  offeredFiles = 0;
  /** Files that stand, and how long they are. */
  files = 0;
  fileBytes = 0;
  /** Bytes of content that are here, and all that there are to be. */
  #bytes = 0;
  #total = 0;
  /** Of `#bytes`: what need not come again. */
  #holeBytes = 0;
  /** What the sender's disk saves by holes. */
  #sparseBytes = 0;
  #unwantedFiles = 0;
  #unwantedBytes = 0;

  get progress(): ReceiveProgress {
    return { bytes: this.#bytes, total: this.#total, files: this.files };
  }

  get total(): number {
    return this.#total;
  }

  /** What has yet to be written; holes take no room. */
  get missingBytes(): number {
    return this.#total - this.#sparseBytes - this.#bytes;
  }

  /** What would have to come again. */
  get carriedBytes(): number {
    return this.#bytes - this.#holeBytes;
  }

  handleOffered({ size, allocatedBytes }: ManifestEntry): void {
    this.#total += size;
    this.#sparseBytes += size - (allocatedBytes ?? size);
    this.offeredFiles++;
  }

  /** So much content is here. */
  handleContent(bytes: number): void {
    this.#bytes += bytes;
  }

  handleHole(bytes: number): void {
    this.#bytes += bytes;
    this.#holeBytes += bytes;
  }

  handleFileDone({ size }: ManifestEntry): void {
    this.files++;
    this.fileBytes += size;
  }

  /** The sender could not send all of it. */
  handleDropped({ size }: ManifestEntry): void {
    this.#total -= size;
  }

  /** It is not wanted here; the sender may count it all the same. */
  handleUnwanted({ kind, size }: ManifestEntry): void {
    if (kind === entryKind.file) this.#unwantedFiles++;
    this.#unwantedBytes += size;
    this.#total -= size;
  }

  /** Whether what stands is what the sender counts, but for what was left out. */
  isWhole(counted: { readonly files: number; readonly bytes: number }): boolean {
    const [files, bytes] = [counted.files - this.files, counted.bytes - this.fileBytes];
    return files >= 0 && files <= this.#unwantedFiles && bytes >= 0 && bytes <= this.#unwantedBytes;
  }
}
