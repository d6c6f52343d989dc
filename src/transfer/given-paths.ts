import type { BigIntStats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { fileError, XferError } from '../errors/index.js';
import type { Listing } from '../native/api.js';
import { listed, writeNumbers } from './listing.js';
import type { PathFilter } from './path-filter.js';
import { printable } from './printable.js';

/** A listing that is older says too little of what is there now. */
const freshMs = 100;

/** What was found of given paths a moment ago, so that who lists them right behind need not look again. */
export class GivenListings {
  readonly #found = new Map<string, { readonly stats: BigIntStats; readonly at: number }>();

  add(given: string, stats: BigIntStats): void {
    this.#found.set(given, { stats, at: performance.now() });
  }

  /** To be had once. */
  take(given: string): Listing | undefined {
    const found = this.#found.get(given);
    this.#found.delete(given);
    return found && performance.now() - found.at < freshMs ? listingOf(given, found.stats) : undefined;
  }
}

/**
 * Fails early, before anything is dialled, for a given path that is not there, not readable or not of a kind that is
 * sent, and where the filter leaves nothing at all. What it finds is in `listings` then.
 */
export async function checkGiven(
  paths: readonly string[],
  filter?: PathFilter,
  listings?: GivenListings,
): Promise<void> {
  const names = new Map<string, string>();
  for (const given of paths) {
    const found = await statGiven(given);
    listings?.add(given, found);
    const name = givenName(given);
    if (filter?.excludes(name, found.isDirectory())) continue;
    if (!found.isFile() && !found.isDirectory()) throw unsupported(given);
    const other = names.get(name);
    if (other !== undefined)
      throw new XferError(
        'ERR_XFER_USAGE',
        `${printable(other)} and ${printable(given)} would arrive under the same name`,
      );
    names.set(name, given);
  }
  if (names.size === 0 && paths.length > 0)
    throw new XferError(
      'ERR_XFER_USAGE',
      paths.length === 1
        ? `${printable(paths[0] ?? '')} is excluded, so there is nothing to send`
        : `all of the ${String(paths.length)} given paths are excluded, so there is nothing to send`,
      { remedy: 'include it again with a later --include, where what is in it is meant' },
    );
}

/** A given path as a listing of one. Rejects with an XferError where it cannot be sent. */
export async function listGiven(given: string): Promise<Listing> {
  return listingOf(given, await statGiven(given));
}

function listingOf(given: string, stats: BigIntStats): Listing {
  const numbers = new Float64Array(listed.numbers);
  writeNumbers(numbers, 0, stats);
  return { names: [givenName(given)], numbers, targets: new Map(), isLast: true };
}

export const unsupported = (path: string) =>
  new XferError('ERR_XFER_UNSUPPORTED_FILE', `${printable(path)} is neither a file, a directory nor a link`);

/** A link that the user names is followed, as scp and cp -H do: he means what it points to. */
async function statGiven(given: string): Promise<BigIntStats> {
  try {
    return await stat(given, { bigint: true });
  } catch (cause) {
    throw fileError(cause, `cannot send ${printable(given)}`);
  }
}

/** The name under which a given path arrives. */
export function givenName(given: string): string {
  const name = basename(resolve(given));
  if (name === '')
    throw new XferError(
      'ERR_XFER_USAGE',
      'the root directory has no name to arrive under: name what is in it',
    );
  return name;
}
