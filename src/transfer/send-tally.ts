import { entryKind } from './entry-codec.js';
import type { SourceEntry } from './source-entry.js';

/** What a sender has offered and sent, so that its end says the same as the receiver's commit. */
export class SendTally {
  entries = 0;
  files = 0;
  bytes = 0;
  total = 0;
  /** Content that the receiver had before, and holes. */
  skippedBytes = 0;
  /** What the receiver does not want. */
  readonly #leftOut = new Set<number>();
  /** Hard links are made at the end, so until then any of them may be left out. */
  readonly #hardLinks = new Map<number, SourceEntry>();
  /** Files of batches without an answer that are counted already. */
  readonly #early = new Set<number>();

  offer(entries: readonly SourceEntry[]): void {
    this.entries += entries.length;
    for (const entry of entries) {
      this.total += entry.size;
      if (entry.kind === entryKind.hardLink) this.#hardLinks.set(entry.id, entry);
    }
  }

  isLeftOut(id: number): boolean {
    return this.#leftOut.has(id);
  }

  hardLink(id: number): SourceEntry | undefined {
    return this.#hardLinks.get(id);
  }

  /** It is sent. `mayBeLeftOut`: its batch is not answered yet. */
  add(entry: SourceEntry, mayBeLeftOut: boolean): void {
    if (this.isLeftOut(entry.id)) return;
    this.files++;
    this.bytes += entry.size;
    if (mayBeLeftOut) this.#early.add(entry.id);
  }

  /** It was added, and could not be sent after all. */
  remove(entry: SourceEntry): void {
    if (this.isLeftOut(entry.id)) return;
    this.files--;
    this.bytes -= entry.size;
  }

  /** Nothing of it is sent, for the receiver has it. */
  skip(entry: SourceEntry, mayBeLeftOut: boolean): void {
    this.add(entry, mayBeLeftOut);
    this.skippedBytes += entry.size;
  }

  /** Nobody waits for it any more. */
  drop(entry: SourceEntry): void {
    this.total -= entry.size;
  }

  /** None of these will be left out any more. */
  handleAnswered(entries: readonly SourceEntry[]): void {
    for (const { id } of entries) this.#early.delete(id);
  }

  leaveOut(entry: SourceEntry): void {
    if (this.#early.delete(entry.id)) this.remove(entry);
    this.#leftOut.add(entry.id);
    this.drop(entry);
  }
}
