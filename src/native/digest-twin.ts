import { createHash } from 'node:crypto';
import type { DigestDone, DigestFileJob } from './api.js';
import { requireBodyBytes, requireBytes, requireFd, requireFunction, requirePosition } from './arguments.js';
import { withErrnoName } from './errno-name.js';
import { read } from './file-calls.js';

const readBytes = 2 ** 18;
const mostBytes = 2 ** 30;

export function digestFile(job: DigestFileJob, done: DigestDone): void {
  const { fd, position, bytes } = job;
  requireFd(fd);
  requireBodyBytes(bytes);
  requirePosition(position, bytes);
  requireFunction(done, 'done');
  digestOf(fd, position, bytes).then(
    // Not within the promise: what `done` throws is the process's matter.
    ({ digest, bytesRead }) => setImmediate(done, null, digest, bytesRead),
    (error: unknown) =>
      setImmediate(done, withErrnoName(error as NodeJS.ErrnoException), new Uint8Array(), 0),
  );
}

export function digestBytes(bytes: Uint8Array, done: (error: null, digest: Uint8Array) => void): void {
  requireBytes(bytes, 'bytes');
  if (bytes.length > mostBytes) throw new RangeError('bytes must be at most 2^30');
  requireFunction(done, 'done');
  const digest = Uint8Array.from(createHash('sha256').update(bytes).digest());
  setImmediate(done, null, digest);
}

async function digestOf(
  fd: number,
  position: number,
  bytes: number,
): Promise<{ digest: Uint8Array; bytesRead: number }> {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(Math.min(bytes, readBytes));
  let total = 0;
  while (total < bytes) {
    const { bytesRead } = await read(fd, buffer, 0, Math.min(buffer.length, bytes - total), position + total);
    if (bytesRead === 0) break;
    hash.update(buffer.subarray(0, bytesRead));
    total += bytesRead;
  }
  return { digest: Uint8Array.from(hash.digest()), bytesRead: total };
}
