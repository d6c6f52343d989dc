import { randomFillSync } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** `files` files of `bytes` random bytes each, spread evenly over so many directories below `root`. */
export function writeTree(root, { files, directories, bytes }) {
  const block = Buffer.alloc(bytes);
  for (let index = 0; index < directories; index++) mkdirSync(join(root, `d${index}`), { recursive: true });
  for (let index = 0; index < files; index++)
    writeFileSync(join(root, `d${index % directories}`, `f${index}`), randomFillSync(block));
}
