import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunOptions, XferRun } from './run-xfer.js';
import { runThrough } from './run-through.js';

/** A mount namespace of its own: the mount goes with the process, and nobody else sees it. */
const namespace = process.getuid?.() === 0 ? (['unshare', '-m'] as const) : (['unshare', '-rm'] as const);

/** Mounts a tmpfs of $1 bytes on $0, then becomes the rest of the arguments. */
const script = 'mount -t tmpfs -o size="$1" tmpfs "$0" && shift && exec "$@"';

/** Whether this system lets the tests mount one. */
export const canMountTmpfs = triesToMount();

/** Runs xfer where `directory` is an empty file system of that size. */
export function runOnSmallTmpfs(
  directory: string,
  bytes: number,
  args: readonly string[],
  options: RunOptions = {},
): Promise<XferRun> {
  return runThrough([...namespace, 'sh', '-c', script, directory, String(bytes)], args, options);
}

/** An empty file system of that size, in the sight of this process, until `close`. */
export async function mountSmallTmpfs(bytes: number): Promise<{ directory: string; close(): Promise<void> }> {
  const place = mkdtempSync(join(tmpdir(), 'xfer-test-'));
  const [command, ...first] = namespace;
  const args = [...first, 'sh', '-c', script, place, String(bytes), 'sh', '-c', 'echo mounted && exec cat'];
  const holder = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(holder, 'close');
  await once(holder.stdout, 'data');
  return {
    directory: `/proc/${String(holder.pid)}/root${place}`,
    close: async () => {
      holder.stdin.end();
      await ended;
      rmSync(place, { recursive: true });
    },
  };
}

/**
 * The directory as the running process sees it. It can be listed until `close`, also when the process has ended:
 * the open directory keeps the file system.
 */
export async function holdDirectoryOf(
  run: XferRun,
  directory: string,
): Promise<{ list(): Promise<string[]>; close(): Promise<void> }> {
  const handle = await open(`/proc/${String(run.child.pid)}/root${directory}`);
  return { list: () => readdir(`/proc/self/fd/${handle.fd}`), close: () => handle.close() };
}

function triesToMount(): boolean {
  const directory = mkdtempSync(join(tmpdir(), 'xfer-test-'));
  try {
    const [command, ...first] = namespace;
    return spawnSync(command, [...first, 'sh', '-c', script, directory, '65536', 'true']).status === 0;
  } finally {
    rmSync(directory, { recursive: true });
  }
}
