import { randomFillSync } from 'node:crypto';
import { closeSync, createReadStream, createWriteStream, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

/** What ciphers are tried with. */
const partBytes = 256 * 2 ** 20;

/** The memory for the target was touched a moment ago. */
export function warmMemory(directory, size) {
  const path = join(directory, 'warm');
  const fd = openSync(path, 'wx', 0o600);
  const block = Buffer.alloc(2 ** 20);
  for (let left = size; left > 0; left -= block.length) writeSync(fd, block);
  closeSync(fd);
  rmSync(path);
}

/** The first part of the source, enough to tell ciphers apart. */
export async function shortened(directory, source) {
  const path = join(directory, 'random-part');
  await pipeline(createReadStream(source, { end: partBytes - 1 }), createWriteStream(path));
  return path;
}

export function writeRandom(path, size) {
  const fd = openSync(path, 'wx', 0o600);
  const block = Buffer.alloc(Math.min(size, 16 * 2 ** 20));
  for (let left = size; left > 0; left -= block.length)
    writeSync(fd, randomFillSync(block), 0, Math.min(left, block.length));
  closeSync(fd);
}
