import { statfs } from 'node:fs/promises';
import { XferError } from '../errors/index.js';
import { withErrnoName } from './errno-name.js';
import { fstat } from './file-calls.js';
import { hasCode } from './rename-twin.js';

/** PROC_SUPER_MAGIC of linux/magic.h: a directory that merely is called /proc/self/fd would follow links. */
const procMagic = 0x9fa0;

export interface HeldPaths {
  /** A path of `name` in a held directory, good for calls that follow no link. */
  at(directory: number, name: string): string;
  /**
   * Runs a call, where this system has the means, and names its error as the addon would. `directory` is the one
   * whose descriptor stands in the paths that it uses.
   */
  call<Value>(work: () => Promise<Value>, directory?: number): Promise<Value>;
}

/**
 * Held directories without the addon, on Linux: `/proc/self/fd/N/name` is `name` in the held directory N, whatever its
 * path is by now, and each call takes one component and follows no link. Where there is no such /proc every call
 * rejects with ERR_XFER_NO_SAFE_WRITE.
 */
export function heldPaths(descriptors: string): HeldPaths {
  let safe: Promise<boolean> | undefined;
  return {
    at: (directory, name) => `${descriptors}/${String(directory)}/${name}`,
    call: async (work, directory) => {
      if (!(await (safe ??= isProc(descriptors)))) {
        throw new XferError(
          'ERR_XFER_NO_SAFE_WRITE',
          `there is no addon and no ${descriptors} to write safely`,
        );
      }
      try {
        return await work();
      } catch (error) {
        // A descriptor that is not open reads as a path that is not there.
        if (directory !== undefined && hasCode(error, ['ENOENT'])) await fstat(directory);
        throw error instanceof Error ? withErrnoName(error) : error;
      }
    },
  };
}

/** False for ENOENT in a directory that is really open; every other error goes on. */
export async function falseIfAbsent(error: unknown, directory: number): Promise<false> {
  if (!hasCode(error, ['ENOENT'])) throw error;
  await fstat(directory);
  return false;
}

async function isProc(path: string): Promise<boolean> {
  if (process.platform !== 'linux') return false;
  return statfs(path).then(
    ({ type }) => type === procMagic,
    () => false,
  );
}
