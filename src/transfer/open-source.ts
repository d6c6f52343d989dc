import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { fileError, XferError } from '../errors/index.js';
import { identityOf } from './listing.js';
import type { DirectFile } from '../native/api.js';
import { nativeApi } from '../native/index.js';
import type { DirectFiles } from './direct-files.js';
import type { Ranges } from './messages.js';
import { printable } from './printable.js';
import type { SourceEntry } from './source-entry.js';
import { dataRegions } from './sparse-regions.js';

/** A file that is open for sending and was, when it was opened, what the manifest says. */
export interface OpenSource {
  readonly entry: SourceEntry;
  readonly handle: FileHandle;
  /** The same file past the page cache; undefined: everything goes through it. */
  readonly direct?: DirectFile | undefined;
  /** Where it has data; undefined: everywhere. */
  readonly regions?: Ranges | undefined;
}

/** `direct`: whether it is read past the page cache. Rejects with an XferError: a file of the user's that is gone, cannot be read or is not any more what was listed. */
export async function openSource(entry: SourceEntry, direct?: DirectFiles): Promise<OpenSource> {
  let handle: FileHandle;
  try {
    // Non-blocking, for a pipe may have taken the file's place since it was listed.
    handle = await open(entry.source, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    throw fileError(cause, `cannot read ${printable(entry.source)}`);
  }
  const source = { entry, handle };
  try {
    if (await isUnchanged(source)) {
      const isSparse = entry.allocatedBytes !== undefined;
      const regions = isSparse ? await dataRegions(nativeApi().files, handle.fd, entry.size) : undefined;
      return { ...source, regions, direct: await direct?.open(handle.fd, entry.size) };
    }
  } catch (cause) {
    await handle.close();
    throw fileError(cause, `cannot read ${printable(entry.source)}`);
  }
  await handle.close();
  throw new XferError('ERR_XFER_FILE_CHANGED', `${printable(entry.source)} changed while it was sent`);
}

/** Whether the file is still what it was when it was listed: nobody wrote to it meanwhile (DESIGN §7). */
export async function isUnchanged({ entry, handle }: OpenSource): Promise<boolean> {
  const now = await handle.stat({ bigint: true });
  const { stamp } = entry;
  const { dev, ino } = identityOf(now);
  return (
    dev === stamp.dev &&
    ino === stamp.ino &&
    Number(now.size) === stamp.size &&
    now.mtimeNs === stamp.mtimeNs &&
    now.ctimeNs === stamp.ctimeNs
  );
}

export async function closeSource({ handle, direct }: OpenSource): Promise<void> {
  if (direct) await nativeApi().files.close(direct.fd);
  await handle.close();
}
