import { execFile } from 'node:child_process';
import { realpath } from 'node:fs/promises';
import { promisify } from 'node:util';

const gitTimeoutMs = 2_000;
/** What programs are made of: documentation, tests and what was measured before change none. */
const sources = ['bin', 'native', 'plugins', 'src', 'package.json', 'package-lock.json'];

/**
 * What a clone was built from: its commit, with `-dirty` behind it where its sources are others there. null where the
 * directory is no clone of its own: an installed package may lie in somebody else's.
 */
export async function commitOf(directory: string): Promise<string | null> {
  try {
    const [top = '', commit = ''] = (await git(directory, 'rev-parse', '--show-toplevel', 'HEAD')).split(
      '\n',
    );
    if ((await realpath(top)) !== (await realpath(directory))) return null;
    const changed = await git(directory, '--no-optional-locks', 'status', '--porcelain', '--', ...sources);
    return changed === '' ? commit : `${commit}-dirty`;
  } catch {
    return null;
  }
}

async function git(cwd: string, ...words: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('git', words, { cwd, timeout: gitTimeoutMs });
  return stdout.trim();
}
