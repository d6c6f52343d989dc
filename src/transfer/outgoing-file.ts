import { transferDefaults } from '../config/index.js';
import { XferError } from '../errors/index.js';
import type { DirectFile } from '../native/api.js';
import { closeSource, isUnchanged, type OpenSource } from './open-source.js';
import { printable } from './printable.js';
import type { Ranges } from './messages.js';
import type { SourceEntry } from './source-entry.js';

export interface OutgoingFileHandlers {
  /** All of it was read and it is still what was declared: once. */
  onRead(file: OutgoingFile): void;
  /** It could not be read as declared: once, maybe after `onRead` where a part had to be read again. */
  onFailed(file: OutgoingFile, error: XferError): void;
  /** Nothing of it is needed any more, and it is closed. */
  onClosed(file: OutgoingFile): void;
}

/**
 * A file of the sender on its way into records. It stays open until the receiver has all of them, for a record that
 * got lost is read again; after every reading it must still be what was declared.
 */
export class OutgoingFile {
  readonly entry: SourceEntry;
  readonly #source: OpenSource;
  readonly #handlers: OutgoingFileHandlers;
  /** What is still to be cut into pieces, the first first. */
  readonly #todo: [from: number, to: number][];
  #reading = 0;
  #unacknowledged = 0;
  #checking = false;
  /** Something was read since it was checked last. */
  #isUnchecked = true;
  #isRead = false;
  #failed = false;
  #closed = false;
  #idle: (() => void) | undefined;

  /** `ranges`: what of it is to be sent. */
  constructor(source: OpenSource, ranges: Ranges, handlers: OutgoingFileHandlers) {
    this.entry = source.entry;
    this.#source = source;
    this.#handlers = handlers;
    this.#todo = ranges.map(([from, to]) => [from, to]);
  }

  get fd(): number {
    return this.#source.handle.fd;
  }

  get direct(): DirectFile | undefined {
    return this.#source.direct;
  }

  /** Whether `onRead` was told. */
  get isRead(): boolean {
    return this.#isRead;
  }

  /** Whether it is cut to the end, or given up. */
  get isCut(): boolean {
    return this.#failed || this.#todo.length === 0;
  }

  /** What `cut` begins with: [from, to). */
  get next(): readonly [from: number, to: number] | undefined {
    return this.#todo[0];
  }

  /** The next piece, which counts as unacknowledged from now on. */
  cut(mostBytes: number): { offset: number; bytes: number } | undefined {
    const range = this.#todo[0];
    if (!range || this.#failed) return undefined;
    const [from, to] = range;
    const bytes = Math.min(alignedBytes(from, mostBytes), to - from);
    range[0] += bytes;
    if (range[0] === to) this.#todo.shift();
    this.#unacknowledged++;
    return { offset: from, bytes };
  }

  beginRead(): void {
    this.#isUnchecked = true;
    this.#reading++;
  }

  /** `error` or fewer bytes than were wanted: it is not what was declared. */
  endRead(error: XferError | undefined, isShort: boolean): void {
    this.#reading--;
    if (this.#reading === 0) this.#idle?.();
    if (error) this.fail(error);
    else if (isShort)
      this.fail(
        new XferError(
          'ERR_XFER_FILE_CHANGED',
          `${printable(this.entry.source)} became shorter while it was sent`,
        ),
      );
    this.settle();
  }

  acknowledge(): void {
    this.#unacknowledged--;
    this.settle();
  }

  fail(error: XferError): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#handlers.onFailed(this, error);
  }

  /** Checks the file when nothing of it is being read, and closes it when nothing of it is needed any more. */
  settle(): void {
    if (this.#reading > 0 || !this.isCut || this.#checking || this.#closed) return;
    // What becomes of it behind that is nothing to who has it already.
    if (!this.#isUnchecked) {
      if (this.#unacknowledged === 0) void this.close();
      return;
    }
    this.#checking = true;
    this.#isUnchecked = false;
    isUnchanged(this.#source).then(
      (unchanged) => this.#handleChecked(unchanged),
      () => this.#handleChecked(false),
    );
  }

  /** Lets go of the file although the receiver does not have it. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    // What is being read may go to others, and its number may mean another file right after.
    if (this.#reading > 0) await new Promise<void>((resolve) => (this.#idle = resolve));
    await closeSource(this.#source).catch(() => undefined);
    this.#handlers.onClosed(this);
  }

  #handleChecked(unchanged: boolean): void {
    this.#checking = false;
    if (!unchanged)
      this.fail(
        new XferError('ERR_XFER_FILE_CHANGED', `${printable(this.entry.source)} changed while it was sent`),
      );
    if (this.#reading > 0 || this.#closed) return;
    if (!this.#failed && !this.#isRead) {
      this.#isRead = true;
      this.#handlers.onRead(this);
    }
    if (this.#unacknowledged === 0) void this.close();
  }
}

/** The most of `mostBytes` that ends where the next piece may be read and written past the page cache. */
function alignedBytes(from: number, mostBytes: number): number {
  const { leastAlignedBytes, pieceAlignBytes } = transferDefaults;
  if (mostBytes < leastAlignedBytes || mostBytes === Infinity) return mostBytes;
  return mostBytes - ((from + mostBytes) % pieceAlignBytes);
}
