import { constants } from 'node:fs';
import { lstat, lutimes, mkdir, statfs, symlink, unlink } from 'node:fs/promises';
import { XferError } from '../errors/index.js';
import type { EntryKind, FilesApi, FinishFileJob } from './api.js';
import { requireFd, requireFlag, requireMode, requireNanoseconds, requireText } from './arguments.js';
import { errnoError, withErrnoName } from './errno-name.js';
import { close, fchmod, fstat, fsync, nodeTime, open, setModificationTime } from './file-calls.js';
import { componentsOf, requireName } from './names.js';
import { hasCode, isDirectory, renameTwin } from './rename-twin.js';

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_RDONLY, O_RDWR } = constants;
/** PROC_SUPER_MAGIC of linux/magic.h: a directory that merely is called /proc/self/fd would follow links. */
const procMagic = 0x9fa0;

/**
 * Safe writing without the addon, on Linux: `/proc/self/fd/N/name` is `name` in the held directory N, whatever its
 * path is by now, and each call takes one component and follows no link. Where there is no such /proc every call
 * rejects with ERR_XFER_NO_SAFE_WRITE. Modification times lose their nanoseconds (setModificationTime).
 */
export function filesTwin(descriptors = '/proc/self/fd'): FilesApi {
  let safe: Promise<boolean> | undefined;
  const at = (directory: number, name: string): string => `${descriptors}/${String(directory)}/${name}`;

  /** Runs a call, where this system has the means, and names its error as the addon would. */
  const call = async <Value>(work: () => Promise<Value>, directory?: number): Promise<Value> => {
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
  };

  return {
    openRoot: (path) =>
      call(async () => {
        requireText(path, 'path');
        if (path.includes('\0')) throw errnoError('EINVAL', 'open');
        return open(path, O_RDONLY | O_DIRECTORY);
      }),

    openDirectory: (root, path) =>
      call(async () => {
        requireFd(root);
        requireText(path, 'path');
        let held = root;
        for (const component of componentsOf(path)) {
          const parent = held;
          try {
            held = await open(at(parent, component), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
          } finally {
            if (parent !== root) await close(parent);
          }
        }
        return held;
      }, root),

    makeDirectory: (directory, name, mode) =>
      call(async () => {
        requireFd(directory);
        requireText(name, 'name');
        requireMode(mode);
        requireName(name);
        try {
          await mkdir(at(directory, name), { mode });
          return true;
        } catch (error) {
          if (hasCode(error, ['EEXIST']) && (await isDirectory(at(directory, name)))) return false;
          throw error;
        }
      }, directory),

    createFile: (directory, name) =>
      call(async () => {
        requireFd(directory);
        requireText(name, 'name');
        requireName(name);
        return open(at(directory, name), O_CREAT | O_EXCL | O_NOFOLLOW | O_RDWR, 0o600);
      }, directory),

    finishFile: (job) =>
      call(async () => {
        await finishAndClose(job);
        await renameTwin(at(job.directory, job.from), at(job.directory, job.to), job.replace);
        if (job.sync) await fsync(job.directory);
      }, job.directory),

    makeLink: (directory, { name, temporary, target, mtimeNs, replace }) =>
      call(async () => {
        requireFd(directory);
        requireText(name, 'name');
        requireText(temporary, 'temporary');
        requireText(target, 'target');
        requireNanoseconds(mtimeNs, 'mtimeNs');
        requireFlag(replace, 'replace');
        requireName(name);
        requireName(temporary);
        if (target.includes('\0')) throw errnoError('EINVAL', 'symlink');
        const from = at(directory, temporary);
        await symlink(target, from);
        try {
          await lutimes(from, nodeTime(mtimeNs), nodeTime(mtimeNs));
          await renameTwin(from, at(directory, name), replace);
        } catch (error) {
          await unlink(from).catch(() => undefined);
          throw error;
        }
      }, directory),

    finishDirectory: (directory, mode, mtimeNs) =>
      call(async () => {
        requireFd(directory);
        requireMode(mode);
        requireNanoseconds(mtimeNs, 'mtimeNs');
        await fchmod(directory, mode);
        await setModificationTime(directory, mtimeNs);
      }),

    remove: (directory, name) =>
      call(async () => {
        requireFd(directory);
        requireText(name, 'name');
        requireName(name);
        const path = at(directory, name);
        try {
          await unlink(path);
          return true;
        } catch (error) {
          if (hasCode(error, ['EPERM']) && (await isDirectory(path))) throw errnoError('EISDIR', 'unlink');
          return await falseIfAbsent(error, directory);
        }
      }, directory),

    kindOf: (directory, name) =>
      call(async () => {
        requireFd(directory);
        requireText(name, 'name');
        requireName(name);
        try {
          return kindOfStats(await lstat(at(directory, name)));
        } catch (error) {
          await falseIfAbsent(error, directory);
          return undefined;
        }
      }, directory),

    close: (fd) =>
      call(async () => {
        requireFd(fd);
        await close(fd);
      }),
  };
}

/** Everything of finishFile before the rename. The descriptor is closed whatever fails, wrong arguments included. */
async function finishAndClose(job: FinishFileJob): Promise<void> {
  requireFd(job.fd);
  try {
    requireFd(job.directory);
    requireText(job.from, 'from');
    requireText(job.to, 'to');
    requireMode(job.mode);
    requireNanoseconds(job.mtimeNs, 'mtimeNs');
    requireFlag(job.replace, 'replace');
    requireFlag(job.sync, 'sync');
    requireName(job.from);
    requireName(job.to);
    await fchmod(job.fd, job.mode);
    await setModificationTime(job.fd, job.mtimeNs);
    if (job.sync) await fsync(job.fd);
  } catch (error) {
    await close(job.fd).catch(() => undefined);
    throw error;
  }
  // Before the rename: NFS tells of a full disk only here, and such a file must not get its name.
  await close(job.fd);
}

/** False for ENOENT in a directory that is really open; every other error goes on. */
async function falseIfAbsent(error: unknown, directory: number): Promise<false> {
  if (!hasCode(error, ['ENOENT'])) throw error;
  await fstat(directory);
  return false;
}

function kindOfStats(found: {
  isFile(): boolean;
  isDirectory(): boolean;
  isSymbolicLink(): boolean;
}): EntryKind {
  if (found.isFile()) return 'file';
  if (found.isDirectory()) return 'directory';
  return found.isSymbolicLink() ? 'link' : 'other';
}

async function isProc(path: string): Promise<boolean> {
  if (process.platform !== 'linux') return false;
  return statfs(path).then(
    ({ type }) => type === procMagic,
    () => false,
  );
}
