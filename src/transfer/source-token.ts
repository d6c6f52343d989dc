import { tokenBytes } from './entry-codec.js';
import { textHash } from './names-hash.js';
import type { SourceEntry } from './source-entry.js';

export type SourceToken = (entry: SourceEntry) => Uint8Array;

/**
 * What the receiver keeps of the state of a file of ours, to tell by whether it has changed since: a keyed hash of
 * device, inode, size, mtime and ctime, so that it learns none of them. `key`: 8 bytes of ours.
 */
export function sourceToken(key: Uint8Array): SourceToken {
  const hash = textHash(key);
  const out = { low: 0, high: 0 };
  return ({ stamp }) => {
    const { dev, ino, size, mtimeNs, ctimeNs } = stamp;
    hash(`${dev}:${ino}:${size}:${mtimeNs}:${ctimeNs}`, out);
    const token = new Uint8Array(tokenBytes);
    const view = new DataView(token.buffer);
    view.setUint32(0, out.high);
    view.setUint32(4, out.low);
    return token;
  };
}
