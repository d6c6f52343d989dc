import { fileError, XferError } from '../errors/index.js';
import type { PackedContent } from '../session/content-job.js';
import { packCountBytes, packRowBytes } from './pack-layout.js';
import { printable } from './printable.js';
import type { SourceEntry } from './source-entry.js';

/** Files of one pack: their writing is one piece of work over there. */
const mostFiles = 512;
/** Numbers of a file's stamp in a packed job. */
const stampNumbers = 6;
/** In `problems`: the file is not what it was when it was listed. */
const packedChanged = -2;

/** Small files that go in one record. */
export class OutgoingPack {
  readonly entries: SourceEntry[] = [];
  readonly #mostBytes: number;
  #bytes = packCountBytes;
  /** Files that could not be read the first time: they stay left out, whatever a second reading brings. */
  #missing: ReadonlySet<number> | undefined;

  /** `mostBytes`: of its body. */
  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  /** Body bytes, at most. */
  get bytes(): number {
    return this.#bytes;
  }

  get isRead(): boolean {
    return this.#missing !== undefined;
  }

  get firstId(): number {
    return this.entries[0]?.id ?? 0;
  }

  get lastId(): number {
    return this.entries.at(-1)?.id ?? 0;
  }

  /** False where the pack is full. */
  add(entry: SourceEntry): boolean {
    const bytes = this.#bytes + packRowBytes + entry.size;
    if (this.entries.length >= mostFiles || bytes > this.#mostBytes) return false;
    this.#bytes = bytes;
    this.entries.push(entry);
    return true;
  }

  job(): PackedContent['files'] {
    const stamps = new BigInt64Array(stampNumbers * this.entries.length);
    this.entries.forEach(({ id, stamp }, i) => {
      const isMissing = this.#missing?.has(id) ?? false;
      const { dev, ino, size, mtimeNs, ctimeNs } = stamp;
      const numbers = [dev, isMissing ? -1n : ino, BigInt(size), mtimeNs, ctimeNs];
      stamps.set(
        [...numbers.map((value) => BigInt.asIntN(64, value)), BigInt(id - this.firstId)],
        stampNumbers * i,
      );
    });
    return { paths: this.entries.map(({ source }) => source), stamps };
  }

  /**
   * What became of the files when they were read: which went and which did not. The second time they were read for a
   * record that got lost, they must all be what they were; throws ERR_XFER_FILE_CHANGED where one is not.
   */
  handleRead(
    problems: Int32Array,
    errnoName: (errno: number) => string,
  ): { sent: SourceEntry[]; failed: { entry: SourceEntry; error: XferError }[] } {
    const sent: SourceEntry[] = [];
    const failed: { entry: SourceEntry; error: XferError }[] = [];
    this.entries.forEach((entry, i) => {
      const problem = problems[i] ?? 0;
      if (problem === 0) sent.push(entry);
      else failed.push({ entry, error: problemOf(entry, problem, errnoName) });
    });
    if (this.#missing) {
      for (const { entry, error } of failed) if (!this.#missing.has(entry.id)) throw error;
      return { sent: [], failed: [] };
    }
    this.#missing = new Set(failed.map(({ entry }) => entry.id));
    return { sent, failed };
  }
}

function problemOf(entry: SourceEntry, problem: number, errnoName: (errno: number) => string): XferError {
  if (problem === packedChanged)
    return new XferError('ERR_XFER_FILE_CHANGED', `${printable(entry.source)} changed while it was sent`);
  const cause = Object.assign(new Error('read'), { code: errnoName(problem) });
  return fileError(cause, `cannot read ${printable(entry.source)}`);
}
