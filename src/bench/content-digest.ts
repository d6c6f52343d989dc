import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { XferError } from '../errors/index.js';
import type { Check } from './same-content.js';

export interface DigestOptions {
  readonly check: Check;
  /** Of a file so many bytes and no more, as if it had no others. Default: all. */
  readonly firstBytes?: number;
  readonly signal: AbortSignal;
}

/**
 * What a file or a tree is, in few words: `BYTES in FILES`, and behind that SHA-256 of the names and sizes in it, or of its content, too.
 * Two are equal where these are. Rejects with ERR_XFER_TRUNCATED where there is no such thing, and with the signal's reason.
 */
export async function contentDigest(path: string, options: DigestOptions): Promise<string> {
  const hash = createHash('sha256');
  const found = { bytes: 0, files: 0 };
  await add(path, hash, found, options);
  return `${found.bytes} bytes in ${found.files} files, ${hash.digest('hex')}`;
}

async function add(
  path: string,
  hash: Hash,
  found: { bytes: number; files: number },
  options: DigestOptions,
): Promise<void> {
  const { check, firstBytes = Infinity, signal } = options;
  signal.throwIfAborted();
  const about = await lstat(path).catch(() => {
    throw new XferError('ERR_XFER_TRUNCATED', `something is missing in ${path}`, {
      remedy: 'tell the maintainers: this must not happen',
    });
  });
  if (about.isDirectory()) {
    const names = (await readdir(path)).sort();
    hash.update(`directory of ${names.length}\n`);
    for (const name of names) {
      hash.update(`${JSON.stringify(name)}\n`);
      await add(join(path, name), hash, found, options);
    }
    return;
  }
  const bytes = Math.min(about.size, firstBytes);
  hash.update(`${about.isFile() ? 'file' : 'other'} of ${bytes}\n`);
  found.bytes += bytes;
  found.files += 1;
  if (check === 'sizes' || !about.isFile() || bytes === 0) return;
  const content = createReadStream(path, { end: bytes - 1, highWaterMark: blockBytes, signal });
  try {
    for await (const block of content) hash.update(block as Buffer);
  } catch (thrown) {
    signal.throwIfAborted();
    throw thrown;
  }
}

const blockBytes = 1024 * 1024;
