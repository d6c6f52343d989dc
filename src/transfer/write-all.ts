import { write } from 'node:fs';

/** Writes all of `bytes` at a position of an open file, on libuv's pool. `done` gets an errno error, or null. */
export function writeAll(
  fd: number,
  bytes: Uint8Array,
  position: number,
  done: (error: NodeJS.ErrnoException | null) => void,
  from = 0,
): void {
  write(fd, bytes, from, bytes.length - from, position + from, (error, written) => {
    if (error) done(error);
    else if (written === 0) done(Object.assign(new Error('nothing was written'), { code: 'EIO' }));
    else if (from + written < bytes.length) writeAll(fd, bytes, position, done, from + written);
    else done(null);
  });
}
