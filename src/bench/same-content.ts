import { lstat, open, readdir, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { XferError } from '../errors/index.js';

const blockBytes = 1024 * 1024;

/** How closely it is looked at what has arrived. */
export type Check = 'sizes' | 'content';

/**
 * Rejects with ERR_XFER_TRUNCATED or ERR_XFER_TAMPERED where what arrived, a file or a tree, is not what was sent, and with the
 * signal's reason.
 */
export async function checkArrived(
  sent: string,
  arrived: string,
  check: Check,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  const here = await stat(sent);
  const there = await lstat(arrived).catch(() => undefined);
  if (!there || here.isDirectory() !== there.isDirectory()) throw lacking(arrived);
  if (here.isDirectory()) {
    const [names, found] = await Promise.all([readdir(sent), readdir(arrived)]);
    if (found.length !== names.length) throw lacking(arrived);
    for (const name of names) await checkArrived(join(sent, name), join(arrived, name), check, signal);
    return;
  }
  checkBytes(here.size, there.size);
  if (check === 'content') await checkContent(sent, arrived, here.size, signal);
}

/** Rejects where the first `bytes` of both are not the same, and with the signal's reason. */
export async function checkContent(
  sent: string,
  arrived: string,
  bytes: number,
  signal: AbortSignal,
): Promise<void> {
  const files = await Promise.all([open(sent), open(arrived)]);
  try {
    const [here, there] = files.map(() => Buffer.allocUnsafe(blockBytes)) as [Buffer, Buffer];
    for (let at = 0; at < bytes; at += blockBytes) {
      signal.throwIfAborted();
      const length = Math.min(blockBytes, bytes - at);
      await Promise.all([readAt(files[0], here, at, length), readAt(files[1], there, at, length)]);
      if (here.compare(there, 0, length, 0, length) !== 0)
        throw new XferError('ERR_XFER_TAMPERED', 'what arrived in the bench is not what was sent', {
          remedy,
        });
    }
  } finally {
    await Promise.all(files.map((file) => file.close()));
  }
}

/** Throws ERR_XFER_TRUNCATED where it is another size. */
export function checkBytes(sent: number, arrived: number): void {
  if (sent === arrived) return;
  throw new XferError('ERR_XFER_TRUNCATED', `of ${sent} bytes ${arrived} arrived in the bench`, { remedy });
}

const remedy = 'tell the maintainers: this must not happen';

const lacking = (arrived: string): XferError =>
  new XferError('ERR_XFER_TRUNCATED', `something is missing in ${arrived}`, { remedy });

async function readAt(file: FileHandle, into: Buffer, at: number, length: number): Promise<void> {
  for (let done = 0; done < length;) {
    const { bytesRead } = await file.read(into, done, length - done, at + done);
    if (bytesRead === 0) throw new XferError('ERR_XFER_TRUNCATED', 'a file of the bench shrank', { remedy });
    done += bytesRead;
  }
}
