import { createHash } from 'node:crypto';
import type { FileStamp } from '../native/api.js';
import { digestBytes } from './digest-set.js';
import type { ManifestEntry } from './entry-codec.js';

/** What a journal keeps of a file that stands under its real name: which one the sender meant, and which one it is here. 12 bytes. */
export function finishedDigest(entry: ManifestEntry, stamp: Pick<FileStamp, 'dev' | 'ino'>): Uint8Array {
  const { path, token, size, mtimeSeconds, mtimeNanoseconds } = entry;
  return createHash('sha256')
    .update(token)
    .update(`${stamp.dev}:${stamp.ino}:${size}:${mtimeSeconds}:${mtimeNanoseconds}:${path}`)
    .digest()
    .subarray(0, digestBytes);
}

/** Whether the file at the real name is as large and as old as the entry says. */
export function fits(entry: ManifestEntry, stamp: FileStamp): boolean {
  const mtimeNs = BigInt(entry.mtimeSeconds) * 1_000_000_000n + BigInt(entry.mtimeNanoseconds);
  return stamp.size === entry.size && stamp.mtimeNs === mtimeNs && (stamp.mode & 0o170000) === 0o100000;
}
