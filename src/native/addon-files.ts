import type { Addon, Done } from './addon.js';
import { errnoName } from './errno-name.js';
import type { FilesApi } from './files-api.js';

export function nativeFiles(addon: Addon): FilesApi {
  return {
    openRoot: (path) => settled((done) => addon.openRoot(path, done)),
    openDirectory: (root, path) => settled((done) => addon.openDirectory(root, path, done)),
    makeDirectory: (directory, name, mode) =>
      settled((done) => addon.makeDirectory(directory, name, mode, done)),
    createFile: (directory, name) => settled((done) => addon.createFile(directory, name, done)),
    finishFile: ({ fd, directory, from, to, mode, mtimeNs, replace, sync }) =>
      settled((done) => addon.finishFile(fd, directory, from, to, mode, mtimeNs, replace, sync, done)),
    makeLink: (directory, { name, temporary, target, mtimeNs, replace }) =>
      settled((done) => addon.makeLink(directory, name, temporary, target, mtimeNs, replace, done)),
    finishDirectory: (directory, mode, mtimeNs) =>
      settled((done) => addon.finishDirectory(directory, mode, mtimeNs, done)),
    remove: (directory, name) => settled((done) => addon.remove(directory, name, done)),
    kindOf: (directory, name) => settled((done) => addon.kindOf(directory, name, done)),
    openExisting: (directory, name) => settled((done) => addon.openExisting(directory, name, done)),
    removeDirectory: (directory, name) => settled((done) => addon.removeDirectory(directory, name, done)),
    makeHardLink: ({ fromDirectory, from, directory, temporary, name, replace }) =>
      settled((done) => addon.makeHardLink(fromDirectory, from, directory, temporary, name, replace, done)),
    setOwner: (fd, uid, gid) => settled((done) => addon.setOwner(fd, uid, gid, done)),
    setLinkOwner: (directory, name, uid, gid) =>
      settled((done) => addon.setLinkOwner(directory, name, uid, gid, done)),
    stampOf: (fd) => settled((done) => addon.stampOf(fd, done)),
    stampAt: (directory, name) => settled((done) => addon.stampAt(directory, name, done)),
    syncData: (fd) => settled((done) => addon.syncData(fd, done)),
    syncDirectory: (directory) => settled((done) => addon.syncDirectory(directory, done)),
    syncFileSystem: (directory) => settled((done) => addon.syncFileSystem(directory, done)),
    allocate: (fd, bytes) => settled((done) => addon.allocate(fd, bytes, done)),
    truncate: (fd, bytes) => settled((done) => addon.truncate(fd, bytes, done)),
    freeBytes: (directory) => settled((done) => addon.freeBytes(directory, done)),
    lock: (fd) => settled((done) => addon.lock(fd, done)),
    writeFiles: ({ buffer, names, numbers, mtimesNs, temporaryPrefix }) =>
      settled((done) => addon.writeFiles(buffer, names, numbers, mtimesNs, temporaryPrefix, done)),
    errnoName,
    close: (fd) => settled((done) => addon.close(fd, done)),
  };
}

/** A call with a callback as a promise; what it throws for a wrong argument rejects too. */
function settled<Value>(call: (done: Done<Value>) => void): Promise<Value> {
  return new Promise((resolve, reject) => {
    call((error, value) => {
      if (error === null) resolve(value);
      else reject(error);
    });
  });
}
