import { read } from 'node:fs';
import { promisify } from 'node:util';
import { fstat } from '../native/file-calls.js';

const readAt = promisify(read);

/** The whole of a file; undefined where it is longer than `mostBytes`. Rejects with an errno error. */
export async function readAll(fd: number, mostBytes: number): Promise<Uint8Array | undefined> {
  const { size } = await fstat(fd);
  return size > mostBytes ? undefined : readFirst(fd, size);
}

/** The first `size` bytes of a file, fewer where it is shorter. Rejects with an errno error. */
export async function readFirst(fd: number, size: number): Promise<Uint8Array> {
  const bytes = Buffer.alloc(size);
  let have = 0;
  while (have < size) {
    const { bytesRead } = await readAt(fd, bytes, have, size - have, have);
    if (bytesRead === 0) break;
    have += bytesRead;
  }
  return bytes.subarray(0, have);
}
