import * as fs from 'node:fs';
import { lstat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { errnoError } from './errno-name.js';

/** Node's file calls on bare descriptors, as promises: `node:fs/promises` has them for its own handles alone. */
export const open = promisify(fs.open);
export const close = promisify(fs.close);
export const fstat = promisify(fs.fstat);
export const fchmod = promisify(fs.fchmod);
export const fchown = promisify(fs.fchown);
export const fsync = promisify(fs.fsync);
export const fdatasync = promisify(fs.fdatasync);
export const ftruncate = promisify(fs.ftruncate);
export const read = promisify(fs.read);
export const write = promisify(fs.write);
/** fstat with numbers that lose nothing. */
export const exactStat = (fd: number): Promise<fs.BigIntStats> =>
  promisify<fs.BigIntStats>((done) => {
    fs.fstat(fd, { bigint: true }, done);
  })();
const futimes = promisify(fs.futimes);

/**
 * O_RDWR on what must be a regular file. Looked at first as well: opening a device or a fifo may do something, and
 * each gives an errno of its own.
 */
export async function openRegular(path: string): Promise<number> {
  requireRegular(await lstat(path));
  const { O_NOFOLLOW, O_NONBLOCK, O_RDWR } = fs.constants;
  const fd = await open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK);
  try {
    requireRegular(await fstat(fd));
    return fd;
  } catch (error) {
    await close(fd);
    throw error;
  }
}

function requireRegular(found: fs.Stats): void {
  if (found.isFile()) return;
  if (found.isSymbolicLink()) throw errnoError('ELOOP', 'open');
  throw errnoError(found.isDirectory() ? 'EISDIR' : 'EINVAL', 'open');
}

/**
 * Sets the modification time, rounded down to a microsecond: Node hands libuv seconds as a double (53 bits, about
 * 0.24 µs apart in this century) and libuv cuts that off at a microsecond, so the nanoseconds are lost. The access
 * time is written back as it was read, as there is no UTIME_OMIT, and loses as much.
 */
export async function setModificationTime(fd: number, mtimeNs: bigint): Promise<void> {
  const { atimeNs } = await exactStat(fd);
  await futimes(fd, nodeTime(atimeNs), nodeTime(mtimeNs));
}

/** For the `atime` and `mtime` arguments of node:fs. */
export function nodeTime(ns: bigint): string {
  const us = (ns - (((ns % 1000n) + 1000n) % 1000n)) / 1000n;
  // Half a microsecond more, so that cutting off hits the one that was meant. As text, since Node takes a negative
  // number for "now".
  return String((Number(us) + (us < 0n ? -0.5 : 0.5)) / 1e6);
}
