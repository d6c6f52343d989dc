import type { ContentReceiver } from './content-receiver.js';
import type { EarlierTry } from './earlier-try.js';
import { entryKind, type ManifestEntry } from './entry-codec.js';
import type { EntryWriter } from './entry-writer.js';
import type { HardLinkWriter } from './hard-link-writer.js';
import type { JournalKeeper } from './journal-keeper.js';
import { updateMode, type Ranges } from './messages.js';
import type { ReceiveComparisons } from './receive-comparisons.js';
import type { TemporaryNames } from './temporary-names.js';

/** What there is once the sender has said which transfer it is. */
export interface Begun {
  readonly names: TemporaryNames;
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

/** Of the files of a batch: those that are there, what is there of others, and those that are to be compared. */
export interface FoundThere {
  readonly skipped: Set<ManifestEntry>;
  readonly have: readonly (readonly [id: number, ranges: Ranges])[];
  readonly compared: readonly number[];
}

/** Looks for what an earlier try has brought, and with an update for what stands under the real names. */
export async function findThere(entries: readonly ManifestEntry[], begun: Begun): Promise<FoundThere> {
  const { keeper, earlier, content } = begun;
  const found = keeper?.hasEarlier ? await earlier?.find(entries, content) : undefined;
  const skipped = new Set(found?.skip);
  const have = found?.have ?? [];
  const resumed = new Set(have.map(([id]) => id));
  const compared: number[] = [];
  if (!begun.waits) return { skipped, have, compared };
  for (const entry of entries) {
    if (entry.kind !== entryKind.file || skipped.has(entry) || resumed.has(entry.id)) continue;
    const outcome = await lookAt(entry, begun);
    if (outcome === 'skip') skipped.add(entry);
    if (outcome === 'compare') compared.push(entry.id);
  }
  return { skipped, have, compared };
}

/** What is there of a file that the journal of an earlier try says nothing of. */
async function lookAt(
  entry: ManifestEntry,
  { content, earlier, comparisons, update }: Begun,
): Promise<'skip' | 'compare' | 'send'> {
  if (await earlier?.compare(entry, content, comparisons)) return 'compare';
  if (update === updateMode.none) return 'send';
  if (update === updateMode.stamp) return (await comparisons.isCurrent(entry)) ? 'skip' : 'send';
  return (await comparisons.addReal(entry, () => content.fileFor(entry.id))) ? 'compare' : 'send';
}
