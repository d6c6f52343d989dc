import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where files can be opened past the page cache: a directory of the system's, or the build of this project. */
const places = [tmpdir(), fileURLToPath(new URL('../../dist/', import.meta.url))];

/** A directory for files that go past the page cache; undefined, said out loud, where no file system here takes that. */
export const directPlace = places.find(takesDirect);

if (directPlace === undefined)
  process.stderr.write(`NOT TESTED: no file system of ${places.join(', ')} takes O_DIRECT\n`);

function takesDirect(place: string): boolean {
  const { O_CREAT, O_RDWR } = constants;
  // Only Linux has it.
  const direct = (constants as { O_DIRECT?: number }).O_DIRECT;
  if (direct === undefined) return false;
  let directory: string | undefined;
  try {
    directory = mkdtempSync(join(place, 'xfer-direct-'));
    closeSync(openSync(join(directory, 'file'), O_CREAT | O_RDWR | direct));
    return true;
  } catch {
    return false;
  } finally {
    if (directory !== undefined) rmSync(directory, { recursive: true });
  }
}
