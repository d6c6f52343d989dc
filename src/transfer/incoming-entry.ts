import type { SealedContent } from '../session/lane.js';
import type { ManifestEntry } from './entry-codec.js';
import type { IncomingFile } from './incoming-file.js';
import type { PackedEntry } from './pack-writer.js';

/** A file that was declared and is neither finished nor given up. */
export interface Incoming {
  entry: ManifestEntry;
  /** Made when content comes that is not packed. */
  file?: IncomingFile;
  readonly parked: SealedContent[];
  state: 'declared' | 'standing' | 'opening' | 'open' | 'finishing';
  /** The sender has read it to the end and it had not changed. */
  confirmed: boolean;
  hasSlot: boolean;
  /** So that what failed while it waited for a place is not kept until there is one. */
  leaveQueue?: () => void;
}

export const declared = (entry: ManifestEntry): Incoming => ({
  entry,
  parked: [],
  state: 'declared',
  confirmed: false,
  hasSlot: false,
});

/** Whether it will never be whole unless something of it is still under way. */
export function isStuck({ state, confirmed, file }: Incoming): boolean {
  return state === 'standing' ? !confirmed : state === 'open' && !(confirmed && file?.isComplete);
}

/** The files of a pack, if each of them waits for its content and is as large as declared. */
export function takePacked(
  files: readonly { readonly packed: PackedEntry['packed']; readonly incoming: Incoming | undefined }[],
  failed: ReadonlySet<number>,
): PackedEntry[] | undefined {
  const taken: PackedEntry[] = [];
  for (const { packed, incoming } of files) {
    if (!incoming && failed.has(packed.id)) continue;
    const waits = incoming?.state === 'standing' && !incoming.file && !incoming.confirmed;
    if (!waits || (packed.bytes !== undefined && packed.bytes !== incoming.entry.size)) return undefined;
    taken.push({ packed, entry: incoming.entry });
  }
  for (const { incoming } of files) if (incoming) incoming.state = 'finishing';
  return taken;
}
