import { resolve } from 'node:path';
import type { FilesApi } from '../native/api.js';
import { entryKind } from './entry-codec.js';
import { givenName } from './given-paths.js';
import type { Parcel } from './messages.js';
import { sourceEntry } from './source-entry.js';

/** Directly before the content, for what is said of the file: enough for every name. */
const leadBytes = 512;

/** For parcels of files that have `mostBytes` at most. */
export const parcelMemory = (mostBytes: number): Buffer => Buffer.allocUnsafeSlow(leadBytes + mostBytes);

/**
 * What a given path names, as a parcel in `memory`, where there is room for it; links are followed. Undefined where that is not one small
 * file without holes, cannot be read, or changed while it was: then it is looked at in the usual way, which says what is wrong.
 */
export async function readParcel(
  files: Pick<FilesApi, 'readSmall'>,
  given: string,
  memory: Buffer,
): Promise<Parcel | undefined> {
  const lead = memory.subarray(0, leadBytes);
  const found = await files.readSmall(given, memory.subarray(leadBytes)).catch(() => undefined);
  if (!found?.content) return undefined;
  const { numbers, content } = found;
  const path = givenName(given);
  const listing = { names: [path], numbers, targets: new Map<number, string>(), isLast: true };
  const place = { id: 0, path, source: resolve(given), linkOf: undefined, owners: false };
  const { size, mode, mtimeSeconds, mtimeNanoseconds, allocatedBytes } = sourceEntry(listing, 0, place);
  if (allocatedBytes !== undefined) return undefined;
  const plain = { id: 0, kind: entryKind.file, path, target: '', token: noToken };
  return { entry: { ...plain, size, mode, mtimeSeconds, mtimeNanoseconds }, content, lead };
}

const noToken = new Uint8Array();
