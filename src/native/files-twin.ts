import { constants } from 'node:fs';
import { lstat, lutimes, mkdir, symlink, unlink } from 'node:fs/promises';
import type { EntryKind, FilesApi, FinishFileJob } from './api.js';
import { requireFd, requireFlag, requireMode, requireNanoseconds, requireText } from './arguments.js';
import { batchTwin } from './batch-twin.js';
import { contentTwin } from './content-twin.js';
import { diskTwin } from './disk-twin.js';
import { entriesTwin } from './entries-twin.js';
import { errnoError, errnoName } from './errno-name.js';
import { close, fchmod, fsync, nodeTime, open, setModificationTime } from './file-calls.js';
import { falseIfAbsent, heldPaths } from './held-paths.js';
import { listingTwin } from './listing-twin.js';
import { componentsOf, requireName } from './names.js';
import { hasCode, isDirectory, renameTwin } from './rename-twin.js';
import { smallFileTwin } from './small-file-twin.js';

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_RDONLY, O_RDWR } = constants;

/**
 * Safe writing without the addon, on Linux: see heldPaths. Modification times lose their nanoseconds
 * (setModificationTime).
 */
export function filesTwin(descriptors = '/proc/self/fd'): FilesApi {
  const held = heldPaths(descriptors);
  const { at, call } = held;
  const listing = listingTwin(held);

  const openRoot = (path: string): Promise<number> =>
    call(async () => {
      requireText(path, 'path');
      if (path.includes('\0')) throw errnoError('EINVAL', 'open');
      return open(path, O_RDONLY | O_DIRECTORY);
    });

  return {
    ...diskTwin(held),
    ...batchTwin(held),
    ...contentTwin(held),
    ...entriesTwin(held),
    ...smallFileTwin(held),
    list: listing.list,
    openListing: openRoot,
    errnoName,

    openRoot,

    openDirectory: (root, path) =>
      call(async () => {
        requireFd(root);
        requireText(path, 'path');
        let opened = root;
        for (const component of componentsOf(path)) {
          const parent = opened;
          try {
            opened = await open(at(parent, component), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
          } finally {
            if (parent !== root) await close(parent);
          }
        }
        return opened;
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
        await listing.forget(fd);
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

function kindOfStats(found: {
  isFile(): boolean;
  isDirectory(): boolean;
  isSymbolicLink(): boolean;
}): EntryKind {
  if (found.isFile()) return 'file';
  if (found.isDirectory()) return 'directory';
  return found.isSymbolicLink() ? 'link' : 'other';
}
