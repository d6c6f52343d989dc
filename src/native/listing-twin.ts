import type { BigIntStats, Dir } from 'node:fs';
import { lstat, opendir, readlink } from 'node:fs/promises';
import { listingProblem, type FilesApi, type Listing } from './api.js';
import { requireFd, requireMost } from './arguments.js';
import { errnoOf } from './errno-name.js';
import { exactStat } from './file-calls.js';
import type { HeldPaths } from './held-paths.js';

const second = 1_000_000_000n;
const numbersAnEntry = 14;

interface OpenListing {
  readonly entries: Dir;
  readonly dev: bigint;
  readonly ino: bigint;
}

export interface ListingTwin extends Pick<FilesApi, 'list'> {
  /** Lets go of what stands for the place in the directory of a descriptor that is about to be closed. */
  forget(fd: number): Promise<void>;
}

/** Listings without the addon: where one ended is kept beside the descriptor, since node:fs cannot read from one. */
export function listingTwin({ at, call }: HeldPaths): ListingTwin {
  const listings = new Map<number, OpenListing>();

  const forget = async (fd: number): Promise<void> => {
    const listing = listings.get(fd);
    listings.delete(fd);
    await listing?.entries.close();
  };

  return {
    forget,
    list: (fd, most) =>
      call(async () => {
        requireFd(fd);
        requireMost(most);
        const { dev, ino } = await exactStat(fd);
        const before = listings.get(fd);
        // The descriptor may have been closed behind our back, and be another directory's by now.
        if (before !== undefined && (before.dev !== dev || before.ino !== ino)) await forget(fd);
        const { entries } = listings.get(fd) ?? { entries: await opendir(at(fd, '.'), rawNames) };
        listings.set(fd, { entries, dev, ino });
        const names: Buffer[] = [];
        let isLast = false;
        while (names.length < most && !isLast) {
          const entry = await entries.read();
          if (entry === null) isLast = true;
          else names.push(entry.name as unknown as Buffer);
        }
        if (isLast) await forget(fd);
        return { ...(await look(names.sort(Buffer.compare), (name) => at(fd, name))), isLast };
      }, fd),
  };
}

/** The types know of names as text alone. */
const rawNames = { encoding: 'buffer' as BufferEncoding };

async function look(
  names: readonly Buffer[],
  pathOf: (name: string) => string,
): Promise<Omit<Listing, 'isLast'>> {
  const numbers = new Float64Array(numbersAnEntry * names.length);
  const targets = new Map<number, string>();
  const problemAt = (i: number): number => numbersAnEntry * i + 13;
  const lookAt = async (raw: Buffer, i: number): Promise<void> => {
    const name = textOf(raw);
    if (name === undefined) {
      numbers[problemAt(i)] = listingProblem.notText;
      return;
    }
    try {
      const found = await lstat(pathOf(name), { bigint: true });
      numbers.set(numbersOf(found), numbersAnEntry * i);
      if (!found.isSymbolicLink()) return;
      const target = textOf(await readlink(pathOf(name), { encoding: 'buffer' }));
      if (target === undefined) numbers[problemAt(i)] = listingProblem.notText;
      else targets.set(i, target);
    } catch (error) {
      numbers[problemAt(i)] = errnoOf(error);
    }
  };
  await Promise.all(names.map(lookAt));
  // In the order of the names, not of the answers.
  const sorted = new Map([...targets].sort(([a], [b]) => a - b));
  return { names: names.map((raw) => raw.toString()), numbers, targets: sorted };
}

/** As the numbers of an entry, without its problem. */
export function numbersOf(found: BigIntStats): number[] {
  const { mode, size, mtimeNs, ctimeNs, dev, ino, nlink, uid, gid, blocks } = found;
  const times = [mtimeNs, ctimeNs].flatMap((ns) => {
    const rest = ((ns % second) + second) % second;
    return [(ns - rest) / second, rest];
  });
  const numbers = [mode, size, ...times, dev, ino >> 32n, ino & 0xffff_ffffn, nlink, uid, gid, blocks];
  return numbers.map(Number);
}

/** Undefined for what is no UTF-8. */
function textOf(raw: Buffer): string | undefined {
  const text = raw.toString();
  return Buffer.from(text).equals(raw) ? text : undefined;
}
