import { createHash } from 'node:crypto';
import { lstat, mkdir, readdir, readFile, readlink, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A directory to receive into, and beside and above it what no sender may touch. */
export interface Canary {
  /** Above everything. */
  readonly base: string;
  /** Where is received. */
  readonly root: string;
  /** Outside of it. */
  readonly outside: string;
  /** Everything but what is below the root: names, kinds, modes, times, contents. */
  picture(): Promise<Record<string, string>>;
  /** Names below the root. */
  received(): Promise<string[]>;
}

export async function makeCanary(base: string): Promise<Canary> {
  const root = join(base, 'root');
  const outside = join(base, 'outside');
  await mkdir(join(outside, 'deep'), { recursive: true });
  await mkdir(root);
  await writeFile(join(outside, 'file'), 'canary', { mode: 0o600 });
  await writeFile(join(base, 'beside'), 'canary', { mode: 0o640 });
  await symlink('outside/file', join(base, 'link'));
  return {
    base,
    root,
    outside,
    picture: () => pictureOf(base, '', root),
    received: async () => (await readdir(root, { recursive: true })).sort(),
  };
}

/** Links are not followed. `without`: a path that is left out, with all below it. */
async function pictureOf(base: string, below: string, without: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const name of (await readdir(join(base, below))).sort()) {
    const path = join(below, name);
    const whole = join(base, path);
    if (whole === without) continue;
    const stat = await lstat(whole, { bigint: true });
    found[path] = [stat.ino, stat.mode.toString(8), stat.mtimeNs, stat.ctimeNs, await contentOf(whole)].join(
      ' ',
    );
    if (stat.isDirectory()) Object.assign(found, await pictureOf(base, path, without));
  }
  return found;
}

async function contentOf(path: string): Promise<string> {
  const stat = await lstat(path);
  if (stat.isSymbolicLink()) return readlink(path);
  if (!stat.isFile()) return '';
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
}
