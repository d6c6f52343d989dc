import * as fs from 'node:fs';
import { promisify } from 'node:util';

/** Node's file calls on bare descriptors, as promises: `node:fs/promises` has them for its own handles alone. */
export const open = promisify(fs.open);
export const close = promisify(fs.close);
export const fstat = promisify(fs.fstat);
export const fchmod = promisify(fs.fchmod);
export const fsync = promisify(fs.fsync);
const futimes = promisify(fs.futimes);

/**
 * Sets the modification time, rounded down to a microsecond: Node hands libuv seconds as a double (53 bits, about
 * 0.24 µs apart in this century) and libuv cuts that off at a microsecond, so the nanoseconds are lost. The access
 * time is written back as it was read, as there is no UTIME_OMIT, and loses as much.
 */
export async function setModificationTime(fd: number, mtimeNs: bigint): Promise<void> {
  const { atimeNs } = await promisify<fs.BigIntStats>((done) => {
    fs.fstat(fd, { bigint: true }, done);
  })();
  await futimes(fd, nodeTime(atimeNs), nodeTime(mtimeNs));
}

/** For the `atime` and `mtime` arguments of node:fs. */
export function nodeTime(ns: bigint): string {
  const us = (ns - (((ns % 1000n) + 1000n) % 1000n)) / 1000n;
  // Half a microsecond more, so that cutting off hits the one that was meant. As text, since Node takes a negative
  // number for "now".
  return String((Number(us) + (us < 0n ? -0.5 : 0.5)) / 1e6);
}
