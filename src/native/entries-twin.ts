import { lchown, link, rmdir, unlink } from 'node:fs/promises';
import type { FilesApi } from './api.js';
import { requireFd, requireFlag, requireOwner, requireText } from './arguments.js';
import { errnoError } from './errno-name.js';
import { fchown, fstat, openRegular } from './file-calls.js';
import { falseIfAbsent, type HeldPaths } from './held-paths.js';
import { requireName } from './names.js';
import { hasCode, renameTwin } from './rename-twin.js';

type EntryCalls = 'makeHardLink' | 'openExisting' | 'removeDirectory' | 'setLinkOwner' | 'setOwner';

/** What is done to entries that are there already, without the addon. */
export function entriesTwin({ at, call }: HeldPaths): Pick<FilesApi, EntryCalls> {
  return {
    openExisting: (directory, name) =>
      call(async () => {
        requireFd(directory);
        requireText(name, 'name');
        requireName(name);
        return openRegular(at(directory, name));
      }, directory),

    removeDirectory: (directory, name) =>
      call(async () => {
        requireFd(directory);
        requireText(name, 'name');
        requireName(name);
        try {
          await rmdir(at(directory, name));
          return true;
        } catch (error) {
          if (hasCode(error, ['EEXIST'])) throw errnoError('ENOTEMPTY', 'rmdir');
          return await falseIfAbsent(error, directory);
        }
      }, directory),

    makeHardLink: (job) =>
      call(async () => {
        requireFd(job.fromDirectory);
        requireText(job.from, 'from');
        requireFd(job.directory);
        requireText(job.temporary, 'temporary');
        requireText(job.name, 'name');
        requireFlag(job.replace, 'replace');
        [job.from, job.temporary, job.name].forEach(requireName);
        if (job.temporary === job.name) throw errnoError('EINVAL', 'link');
        const temporary = at(job.directory, job.temporary);
        try {
          await link(at(job.fromDirectory, job.from), temporary);
        } catch (error) {
          if (hasCode(error, ['ENOENT'])) await fstat(job.fromDirectory);
          throw error;
        }
        try {
          await renameTwin(temporary, at(job.directory, job.name), job.replace);
        } finally {
          // Also after success: where `name` was this very file already, rename did nothing.
          await unlink(temporary).catch(() => undefined);
        }
      }, job.directory),

    setOwner: (fd, uid, gid) =>
      call(async () => {
        requireFd(fd);
        requireOwner(uid, 'uid');
        requireOwner(gid, 'gid');
        await fchown(fd, uid, gid);
      }),

    setLinkOwner: (directory, name, uid, gid) =>
      call(async () => {
        requireFd(directory);
        requireText(name, 'name');
        requireOwner(uid, 'uid');
        requireOwner(gid, 'gid');
        requireName(name);
        await lchown(at(directory, name), uid, gid);
      }, directory),
  };
}
