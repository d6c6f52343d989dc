import { constants, type BigIntStats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { requireBigInts, requireSmall, requireText } from './arguments.js';
import { errnoError } from './errno-name.js';
import type { FilesApi, WatchedFile } from './files-api.js';
import { close, exactStat, open, read } from './file-calls.js';
import type { HeldPaths } from './held-paths.js';
import { numbersOf } from './listing-twin.js';
import { timing } from './stage-clock.js';

const numbersAState = 5;
const numbersAnEntry = 14;

/** Small files of the user's own, read without the addon. */
export function smallFileTwin({ call }: HeldPaths): Pick<FilesApi, 'readSmall'> {
  return {
    readSmall: (path, into) =>
      call(async () => {
        requireText(path, 'path');
        requireSmall(into);
        if (path.includes('\0')) throw errnoError('EINVAL', 'open');
        // Before it is opened: to open a fifo lets whoever waits to write to it go on.
        const found = await stat(path, { bigint: true });
        const numbers = new Float64Array(numbersAnEntry);
        numbers.set(numbersOf(found));
        const isSmall = found.isFile() && found.size <= BigInt(into.length);
        return { numbers, content: isSmall ? await contentOf(path, found, into) : undefined };
      }),
  };
}

/** Whether the file is there, and is what it was. */
export async function isUnchanged({ path, state }: WatchedFile): Promise<boolean> {
  try {
    return stateOf(await stat(path, { bigint: true })).every((value, i) => value === state[i]);
  } catch {
    return false;
  }
}

export function requireWatched({ path, state }: WatchedFile): void {
  requireText(path, 'the path of a watched file');
  requireBigInts(state, 'the stamp of a watched file');
  if (state.length !== numbersAState)
    throw new RangeError('the stamp of a watched file must be five numbers');
}

/** Undefined where it is not, or does not stay, what was found. */
async function contentOf(
  path: string,
  found: BigIntStats,
  into: Uint8Array,
): Promise<Uint8Array | undefined> {
  const isRead = timing('readMs');
  const fd = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!isSame(found, await exactStat(fd))) return undefined;
    const content = into.subarray(0, Number(found.size));
    for (let bytes = 0; bytes < content.length;) {
      const { bytesRead } = await read(fd, content, bytes, content.length - bytes, bytes);
      if (bytesRead === 0) return undefined;
      bytes += bytesRead;
    }
    return isSame(found, await exactStat(fd)) ? content : undefined;
  } finally {
    await close(fd);
    isRead();
  }
}

function isSame(before: BigIntStats, now: BigIntStats): boolean {
  const state = stateOf(now);
  return stateOf(before).every((value, i) => value === state[i]);
}

/** As WatchedFile has it. */
function stateOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): readonly bigint[] {
  return [BigInt.asIntN(64, dev), BigInt.asIntN(64, ino), size, mtimeNs, ctimeNs];
}
