import { constants, type BigIntStats } from 'node:fs';
import { lstat, unlink } from 'node:fs/promises';
import type { FilesApi, WriteFilesJob } from './api.js';
import {
  requireBigInts,
  requireBytes,
  requireDoubles,
  requireFd,
  requireInteger,
  requireMode,
  requireOwner,
  requireText,
  requireTexts,
} from './arguments.js';
import { errnoError, errnoOf } from './errno-name.js';
import { close, fchmod, fchown, fstat, open, setModificationTime, write } from './file-calls.js';
import type { HeldPaths } from './held-paths.js';
import { requireName } from './names.js';
import { hasCode, renameTwin } from './rename-twin.js';
import { isUnchanged, requireWatched } from './small-file-twin.js';
import { timing } from './stage-clock.js';

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
const numbersAFile = 7;

interface BatchFile {
  readonly directory: number;
  readonly name: string;
  readonly temporary: string;
  readonly content: Uint8Array;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly replace: boolean;
  readonly mtimeNs: bigint;
}

/** Batches without the addon: the same calls one after the other, so no faster than one file at a time. */
export function batchTwin({ at, call }: HeldPaths): Pick<FilesApi, 'writeFiles' | 'writesUnnamed'> {
  return {
    writesUnnamed: () => Promise.resolve(false),

    writeFiles: (job) =>
      call(async () => {
        const files = filesOf(job);
        if (job.watched && !(await isUnchanged(job.watched))) throw errnoError('ESTALE', 'stat');
        const isWritten = timing('writeMs');
        const errors = new Int32Array(files.length);
        const stamps = new BigInt64Array(3 * files.length);
        for (const [i, file] of files.entries()) {
          try {
            const { dev, ino, ctimeNs } = await writeFile(file);
            stamps.set([dev, ino, ctimeNs], 3 * i);
          } catch (error) {
            errors[i] = errnoOf(await absentDirectory(error, file.directory));
          }
        }
        isWritten();
        return { errors, stamps };
      }),
  };

  async function writeFile(file: BatchFile): Promise<BigIntStats> {
    requireName(file.name);
    requireName(file.temporary);
    const from = at(file.directory, file.temporary);
    const to = at(file.directory, file.name);
    const fd = await open(from, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY, 0o600);
    try {
      await fillAndClose(fd, file);
      await renameTwin(from, to, file.replace);
    } catch (error) {
      await unlink(from).catch(() => undefined);
      throw error;
    }
    // Only now, since renaming changes the ctime on most file systems.
    return lstat(to, { bigint: true });
  }
}

function filesOf(job: WriteFilesJob): readonly BatchFile[] {
  const { buffer, names, numbers, mtimesNs, temporaryPrefix } = job;
  requireBytes(buffer, 'buffer');
  requireTexts(names, 'names');
  requireDoubles(numbers, 'numbers');
  requireBigInts(mtimesNs, 'mtimesNs');
  requireText(temporaryPrefix, 'temporaryPrefix');
  if (job.watched) requireWatched(job.watched);
  if (numbers.length !== numbersAFile * names.length || mtimesNs.length !== names.length)
    throw new RangeError('numbers must be seven a file and mtimesNs one');
  return names.map((name, i) => {
    const number = (column: number): number => numbers[numbersAFile * i + column] ?? NaN;
    const directory = number(0);
    const offset = number(1);
    const bytes = number(2);
    requireFd(directory);
    requireInteger(offset, 'an offset', buffer.length);
    requireInteger(bytes, 'the bytes of a file', buffer.length - offset);
    requireMode(number(3));
    requireOwner(number(4), 'uid');
    requireOwner(number(5), 'gid');
    requireInteger(number(6), 'replace', 1);
    return {
      directory,
      name,
      temporary: `${temporaryPrefix}${String(i)}`,
      content: buffer.subarray(offset, offset + bytes),
      mode: number(3),
      uid: number(4),
      gid: number(5),
      replace: number(6) === 1,
      mtimeNs: mtimesNs[i] ?? 0n,
    };
  });
}

/** Content, owner, mode and time, in the order in which none undoes another. */
async function fillAndClose(fd: number, { content, uid, gid, mode, mtimeNs }: BatchFile): Promise<void> {
  try {
    for (let written = 0; written < content.length;) {
      const { bytesWritten } = await write(fd, content, written, content.length - written, null);
      if (bytesWritten === 0) throw errnoError('EIO', 'write');
      written += bytesWritten;
    }
    if (uid !== -1 || gid !== -1) await fchown(fd, uid, gid);
    await fchmod(fd, mode);
    await setModificationTime(fd, mtimeNs);
  } catch (error) {
    await close(fd).catch(() => undefined);
    throw error;
  }
  // Before the rename: NFS tells of a full disk only here, and such a file must not get its name.
  await close(fd);
}

/** What fstat says where ENOENT comes from a descriptor that is not open, else the error. */
async function absentDirectory(error: unknown, directory: number): Promise<unknown> {
  if (!hasCode(error, ['ENOENT'])) return error;
  return fstat(directory).then(
    () => error,
    (absent: unknown) => absent,
  );
}
