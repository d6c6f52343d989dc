import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { BigIntStats } from 'node:fs';
import { lstat, statfs } from 'node:fs/promises';
import type { FileStamp, FilesApi } from './api.js';
import { requireFd, requireSize, requireText } from './arguments.js';
import { errnoError } from './errno-name.js';
import { exactStat, fdatasync, fstat, fsync, ftruncate } from './file-calls.js';
import { falseIfAbsent, type HeldPaths } from './held-paths.js';
import { requireName } from './names.js';

type DiskCalls =
  | 'allocate'
  | 'freeBytes'
  | 'lock'
  | 'stampAt'
  | 'stampOf'
  | 'syncData'
  | 'syncDirectory'
  | 'syncFileSystem'
  | 'truncate';

/** States of files and of their file systems without the addon. */
export function diskTwin({ at, call }: HeldPaths): Pick<FilesApi, DiskCalls> {
  return {
    stampOf: (fd) =>
      call(async () => {
        requireFd(fd);
        return stampOfStats(await exactStat(fd));
      }),

    stampAt: (directory, name) =>
      call(async () => {
        requireFd(directory);
        requireText(name, 'name');
        requireName(name);
        try {
          return stampOfStats(await lstat(at(directory, name), { bigint: true }));
        } catch (error) {
          await falseIfAbsent(error, directory);
          return undefined;
        }
      }, directory),

    syncData: (fd) =>
      call(async () => {
        requireFd(fd);
        await fdatasync(fd);
      }),

    syncDirectory: (directory) =>
      call(async () => {
        requireFd(directory);
        await fsync(directory);
      }),

    syncFileSystem: (directory) =>
      call(async () => {
        requireFd(directory);
        await fstat(directory);
        return false;
      }),

    allocate: (fd, bytes) =>
      call(async () => {
        requireFd(fd);
        requireSize(bytes);
        await fstat(fd);
        return bytes === 0;
      }),

    truncate: (fd, bytes) =>
      call(async () => {
        requireFd(fd);
        requireSize(bytes);
        await ftruncate(fd, bytes);
      }),

    freeBytes: (directory) =>
      call(async () => {
        requireFd(directory);
        const { bavail, bsize } = await statfs(at(directory, '.'));
        return bavail * bsize;
      }, directory),

    lock: (fd) =>
      call(async () => {
        requireFd(fd);
        await fstat(fd);
        return lockByProgram(fd);
      }),
  };
}

function stampOfStats(found: BigIntStats): FileStamp {
  const { dev, ino, size, mtimeNs, ctimeNs, mode, nlink } = found;
  return { dev, ino, size: Number(size), mtimeNs, ctimeNs, mode: Number(mode), links: Number(nlink) };
}

/**
 * flock(1) locks the open file that it inherits, which is ours: the lock stays when it ends, and goes when our
 * descriptor is closed.
 */
async function lockByProgram(fd: number): Promise<boolean> {
  const program = spawn('flock', ['-x', '-n', '3'], { stdio: ['ignore', 'ignore', 'ignore', fd] });
  let status: unknown;
  try {
    [status] = (await once(program, 'close')) as unknown[];
  } catch {
    throw errnoError('ENOLCK', 'flock');
  }
  if (status !== 0 && status !== 1) throw errnoError('ENOLCK', 'flock');
  return status === 0;
}
