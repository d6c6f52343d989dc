import { fileError, XferError } from '../errors/index.js';
import type { Listing } from '../native/api.js';
import type { FileIdentity, ListingCalls } from './listing.js';
import { printable } from './printable.js';

/** Reads directories of the user's own, a bounded part of one at a time. */
export interface DirectoryReader {
  /**
   * What is in `path`, in chunks; sorted by name within a chunk. Nothing is open any more when it ends, or is left
   * early. Rejects with an XferError: a directory that cannot be read, and ERR_XFER_FILE_CHANGED where another one,
   * or a link to one, stands there than `expected`.
   */
  read(path: string, expected: FileIdentity): AsyncGenerator<Listing, void>;
}

/** Entries of a chunk: as many as a directory of a million needs to be read fast, few enough to be held. */
const chunkEntries = 1024;

export function directoryReader(calls: ListingCalls): DirectoryReader {
  return {
    async *read(path, expected) {
      const what = `cannot list ${printable(path)}`;
      const fd = await calls.openListing(path).catch((cause: unknown) => {
        throw fileError(cause, what);
      });
      try {
        yield* chunks(calls, fd, { path, expected });
      } catch (cause) {
        throw cause instanceof XferError ? cause : fileError(cause, what);
      } finally {
        await calls.close(fd);
      }
    },
  };
}

async function* chunks(
  calls: ListingCalls,
  fd: number,
  { path, expected }: { path: string; expected: FileIdentity },
): AsyncGenerator<Listing, void> {
  // Links in the path were followed, and one may have been put there since the directory was found.
  const { dev, ino } = await calls.stampOf(fd);
  if (dev !== expected.dev || ino !== expected.ino)
    throw new XferError('ERR_XFER_FILE_CHANGED', `${printable(path)} was replaced while it was listed`);
  for (let isLast = false; !isLast;) {
    const listing = await calls.list(fd, chunkEntries);
    yield listing;
    isLast = listing.isLast;
  }
}
