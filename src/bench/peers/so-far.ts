import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * How far a flow is, by what is in the directory of its target: for people, not for figures. Files of a tree are counted as
 * whole ones of `fileBytes`: looking at each would take from what is measured.
 */
export async function bytesSoFar(directory: string, fileBytes: number): Promise<number> {
  const names = await readdir(directory).catch(() => []);
  const sizes = await Promise.all(
    names.map(async (name) => {
      const about = await stat(join(directory, name)).catch(() => undefined);
      return about?.isDirectory() ? (await filesIn(join(directory, name))) * fileBytes : (about?.size ?? 0);
    }),
  );
  return sizes.reduce((sum, bytes) => sum + bytes, 0);
}

async function filesIn(tree: string): Promise<number> {
  const directories = await readdir(tree).catch(() => []);
  const counts = await Promise.all(
    directories.map(async (name) => (await readdir(join(tree, name)).catch(() => [])).length),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}

/** Bytes that a process has read: what has gone into a pipe, or come out of it. 0 where nothing tells. */
export async function bytesReadBy(pid: number | undefined): Promise<number> {
  const text = await readFile(`/proc/${pid ?? 0}/io`, 'latin1').catch(() => '');
  return Number(/^rchar: (\d+)$/m.exec(text)?.[1] ?? 0);
}
