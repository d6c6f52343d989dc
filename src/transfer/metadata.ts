import type { FilesApi } from '../native/api.js';
import type { ManifestEntry } from './entry-codec.js';

/** What of an entry's metadata beyond mode and time is set here. */
export interface MetadataPolicy {
  /** Owners are set, which takes root. */
  readonly owners: boolean;
  readonly attributes: boolean;
}

/** Owner and attributes of an open file or directory. Rejects with an errno error; a file system without attributes keeps none. */
export async function setMetadata(
  files: FilesApi,
  fd: number,
  entry: ManifestEntry,
  { owners, attributes }: MetadataPolicy,
): Promise<void> {
  if (owners && entry.owner) await files.setOwner(fd, entry.owner.uid, entry.owner.gid);
  if (!attributes || !entry.attributes) return;
  await files.setAttributes(fd, entry.attributes).catch((error: unknown) => {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOTSUP')) throw error;
  });
}
