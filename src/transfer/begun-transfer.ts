import type { ContentReceiver } from './content-receiver.js';
import type { EarlierTry } from './earlier-try.js';
import { entryKind, type ManifestEntry } from './entry-codec.js';
import type { EntryWriter } from './entry-writer.js';
import type { HardLinkWriter } from './hard-link-writer.js';
import type { JournalKeeper } from './journal-keeper.js';
import { updateMode, type Ranges } from './messages.js';
import type { ReceiveComparisons } from './receive-comparisons.js';
import type { ReceiverClock } from './stage-clocks.js';
import type { TemporaryNames } from './temporary-names.js';

/** What there is once the sender has said which transfer it is. */
export interface Begun {
  readonly names: TemporaryNames;
  readonly clock: ReceiverClock;
  readonly content: ContentReceiver;
  readonly writer: EntryWriter;
  readonly hardLinks: HardLinkWriter;
  readonly comparisons: ReceiveComparisons;
  /** Whether the sender waits for what is here. */
  readonly waits: boolean;
  readonly update: number;
  /** Whether it may delete: it has said so, and here that is allowed. */
  readonly removes: boolean;
  keeper?: JournalKeeper;
  earlier?: EarlierTry;
}

/** Of the files of a batch: those that are there, and what an earlier try has brought of others. */
export interface FoundThere {
  readonly skipped: ReadonlySet<ManifestEntry>;
  readonly have: readonly (readonly [id: number, ranges: Ranges])[];
}

/** Looks for what need not come, in the journal of an earlier try and, with an update, by size and time. */
export async function findThere(entries: readonly ManifestEntry[], begun: Begun): Promise<FoundThere> {
  const { keeper, earlier, content, comparisons, update } = begun;
  if (!begun.waits) return { skipped: new Set(), have: [] };
  const { skip = [], have = [] } =
    (keeper?.hasEarlier ? await earlier?.find(entries, content) : undefined) ?? {};
  const skipped = new Set(skip);
  if (update !== updateMode.stamp) return { skipped, have };
  const resumed = new Set(have.map(([id]) => id));
  for (const entry of entries) {
    if (entry.kind !== entryKind.file || skipped.has(entry) || resumed.has(entry.id)) continue;
    if (await comparisons.isCurrent(entry)) skipped.add(entry);
  }
  return { skipped, have };
}

/** The ids of those files of which something is there that may be the same: it is held open for that. */
export async function findComparable(entries: readonly ManifestEntry[], begun: Begun): Promise<number[]> {
  const compared: number[] = [];
  if (!begun.waits) return compared;
  const { earlier, content, comparisons, update } = begun;
  for (const entry of entries) {
    if (entry.kind !== entryKind.file) continue;
    const fileOf = () => content.fileFor(entry.id);
    const isCompared =
      (await earlier?.compare(entry, content, comparisons)) ||
      (update === updateMode.digest && (await comparisons.addReal(entry, fileOf)));
    if (isCompared) compared.push(entry.id);
  }
  return compared;
}
