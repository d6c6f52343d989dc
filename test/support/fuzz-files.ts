import { chmod, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { contentOf } from './fuzz-session.js';

/** Left where a sender did not hear that all was committed: it may ask. */
const tombstone = /^\.xfer-[0-9a-f]{16}\.journal$/;

/**
 * Every file below `directory`, counted, and the paths of those that are not what one sender declared and sent
 * from the first byte to the last, and of all that is only temporary.
 */
export async function checkFiles(directory: string): Promise<{ files: number; broken: readonly string[] }> {
  const broken: string[] = [];
  let files = 0;
  for (const entry of await readdir(directory, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    if (tombstone.test(entry.name)) continue;
    if (entry.name.startsWith('.xfer-')) broken.push(path);
    if (!entry.isFile()) continue;
    files++;
    // Modes are the senders' to choose.
    await chmod(path, 0o600);
    const bytes = await readFile(path);
    if (!bytes.equals(contentOf(bytes.length, 0, bytes.length))) broken.push(path);
  }
  return { files, broken };
}
