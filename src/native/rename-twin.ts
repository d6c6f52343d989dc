import { link, lstat, rename, unlink } from 'node:fs/promises';
import { constants } from 'node:fs';
import { close, open } from './file-calls.js';
import { errnoError } from './errno-name.js';

const occupied = ['EEXIST', 'ENOTEMPTY', 'EPERM'];
const withoutHardLinks = ['EPERM', 'ENOSYS', 'EOPNOTSUPP', 'ENOTSUP', 'EMLINK'];

/**
 * Renames within one directory. Without `replace`, EEXIST where anything stands at `to`; a directory there is EISDIR
 * in both cases. Node has no renameat2, so the name that must not replace is made by link and unlink.
 */
export async function renameTwin(from: string, to: string, replace: boolean): Promise<void> {
  try {
    await (replace ? rename(from, to) : linkAndUnlink(from, to));
  } catch (error) {
    if (hasCode(error, occupied) && (await isDirectory(to))) throw errnoError('EISDIR', 'rename');
    throw error;
  }
}

async function linkAndUnlink(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    if (!hasCode(error, withoutHardLinks)) throw error;
    await claimAndRename(from, to);
    return;
  }
  await unlink(from);
}

/** For file systems without hard links: claims the name with an empty file of ours, then renames over that. */
async function claimAndRename(from: string, to: string): Promise<void> {
  const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
  await close(await open(to, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY, 0o600));
  try {
    await rename(from, to);
  } catch (error) {
    await unlink(to);
    throw error;
  }
}

export async function isDirectory(path: string): Promise<boolean> {
  return lstat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

export function hasCode(error: unknown, codes: readonly string[]): boolean {
  return (
    error instanceof Error && 'code' in error && typeof error.code === 'string' && codes.includes(error.code)
  );
}
