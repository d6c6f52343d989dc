import type { Addon, AddonListing, AddonSmallFile, Done } from './addon.js';
import { requireBytes, requirePosition, requireSize, requireSmall } from './arguments.js';
import { errnoName } from './errno-name.js';
import type { FilesApi } from './files-api.js';

/** A multiple of every block size, so that all parts but the last can share blocks. */
const copyPartBytes = 2 ** 26;
/** A file up to this is written at once where that waits for nothing: by way of the pool it takes several times as long. */
const mostAtOnceBytes = 128 * 1024;
const noState = new BigInt64Array();

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
    openDirect: async (fd) => {
      const [direct, alignBytes, memoryAlignBytes] = await settled<Float64Array>((done) =>
        addon.openDirect(fd, done),
      );
      if (direct === undefined || alignBytes === undefined || memoryAlignBytes === undefined)
        return undefined;
      return { fd: direct, alignBytes, memoryAlignBytes };
    },
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
    writesUnnamed: (directory) => settled((done) => addon.writesUnnamed(directory, done)),
    freeBytes: (directory) => settled((done) => addon.freeBytes(directory, done)),
    lock: (fd) => settled((done) => addon.lock(fd, done)),
    writeFiles: async ({ buffer, names, numbers, mtimesNs, temporaryPrefix, watched }) => {
      const { path = '', state = noState } = watched ?? {};
      const job = [buffer, names, numbers, mtimesNs, temporaryPrefix, path, state] as const;
      const isSmall = names.length === 1 && buffer.length <= mostAtOnceBytes;
      return (
        (isSmall ? addon.writeInMemory(...job) : undefined) ??
        settled((done) => addon.writeFiles(...job, done))
      );
    },
    openListing: (path) => settled((done) => addon.openRoot(path, done)),
    list: async (fd, most) => {
      const listed = await settled<AddonListing>((done) => addon.list(fd, most, done));
      const { numbers, links, isLast } = listed;
      const targets = textsOf(listed.targets);
      return {
        names: textsOf(listed.names),
        numbers,
        targets: new Map(targets.map((target, i) => [links[i] ?? 0, target])),
        isLast,
      };
    },
    readSmall: async (path, into) => {
      requireSmall(into);
      // By way of the pool it takes some ten times as long.
      const { numbers, isRead } =
        addon.readCached(path, into) ??
        (await settled<AddonSmallFile>((done) => addon.readSmall(path, into, done)));
      const [, size = 0] = numbers;
      return { numbers, content: isRead ? into.subarray(0, size) : undefined };
    },
    dataRegions: (fd, from, most) => settled((done) => addon.dataRegions(fd, from, most, done)),
    attributesOf: (fd) => settled((done) => addon.attributesOf(fd, done)),
    setAttributes: (fd, attributes) =>
      settled((done) => {
        for (const [, value] of attributes) requireBytes(value, 'a value');
        const names = attributes.map(([name]) => name);
        const sizes = Float64Array.from(attributes, ([, value]) => value.length);
        const contents = Buffer.concat(attributes.map(([, value]) => value));
        addon.setAttributes(fd, names, contents, sizes, done);
      }),
    copyRegion: (from, to, position, bytes) => copyInParts(addon, from, to, position, bytes),
    errnoName,
    close: (fd) => settled((done) => addon.close(fd, done)),
  };
}

/** In parts, so that a process that ends waits for one of them at most. */
async function copyInParts(
  addon: Addon,
  from: number,
  to: number,
  position: number,
  bytes: number,
): Promise<void> {
  requireSize(bytes);
  requirePosition(position, bytes);
  let copied = 0;
  do {
    const part = Math.min(bytes - copied, copyPartBytes);
    const at = position + copied;
    await settled((done: Done) => addon.copyRegion(from, to, at, part, done));
    copied += part;
  } while (copied < bytes);
}

/** Texts that each have a NUL behind them. */
function textsOf(joined: string): readonly string[] {
  return joined.split('\0').slice(0, -1);
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
