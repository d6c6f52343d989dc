import { dirname, resolve } from 'node:path';
import { getSystemErrorName } from 'node:util';
import { scanDefaults } from '../config/index.js';
import { asXferError, fileError, XferError } from '../errors/index.js';
import { errnoError } from '../native/errno-name.js';
import { nativeApi } from '../native/index.js';
import { directoryReader, type DirectoryReader } from './directory-reader.js';
import { listGiven, unsupported, type GivenListings } from './given-paths.js';
import { HardLinks } from './hard-links.js';
import { listingProblem, type Listing } from '../native/api.js';
import { listed, type FileIdentity } from './listing.js';
import { ManifestBatch } from './manifest-batch.js';
import { entryKind } from './entry-codec.js';
import type { PathFilter } from './path-filter.js';
import { printable } from './printable.js';
import { listedKind, sourceEntry, type SourceEntry } from './source-entry.js';

export interface ScanOptions {
  /** An entry below a given directory that cannot be sent; the scan goes on. */
  onProblem(error: XferError): void;
  /** What is not to be sent; an excluded directory is never read. Default: everything is sent. */
  readonly filter?: PathFilter | undefined;
  /** The filter left this out, and what is below it. */
  onExcluded?(path: string): void;
  /** Directories on other file systems than the given path's are sent empty, as `rsync -x` does. Default: false. */
  readonly oneFileSystem?: boolean;
  /** What was found of given paths a moment ago. Default: they are looked at. */
  readonly listings?: GivenListings | undefined;
  /** Whether owners are told. Default: false. */
  readonly owners?: boolean;
  /** Adds what is not in a listing to an entry before it is declared. A rejection is a problem of that entry. */
  complete?(entry: SourceEntry): Promise<void>;
  /** Default: the system's calls. */
  readonly reader?: DirectoryReader;
  /** Files of several names that are told as such; past it, later names are files of their own. Default: a million. */
  readonly mostHardLinks?: number;
}

/**
 * Lists what `paths` name, a directory before what is in it, in batches of a manifest's size: nothing is read to the
 * end first. A given path that is a link is followed, links below are sent as links. Later names of one file have
 * `linkOf`. Rejects with an XferError for a given path that cannot be sent.
 *
 * Memory: a chunk of one directory, a batch, the table of hard links, and the paths of the directories that were found
 * and not read yet, of which there are never more than the tree has.
 */
export async function* scan(paths: readonly string[], options: ScanOptions): AsyncGenerator<SourceEntry[]> {
  const walk = new Walk(options);
  const batch = new ManifestBatch();
  for (const given of paths) {
    for await (const entries of walk.given(given)) {
      for (const entry of entries) {
        await options.complete?.(entry).catch((error: unknown) => options.onProblem(asXferError(error)));
        if (!batch.fits(entry)) yield batch.take();
        batch.add(entry);
      }
    }
  }
  if (batch.size > 0) yield batch.take();
}

/** A directory that was found and not read yet: there may be as many as the tree has, so what can be told from it is not kept. */
interface Waiting extends FileIdentity {
  /** As it arrives. */
  readonly path: string;
}

interface FirstName {
  readonly id: number;
  readonly path: string;
}

/** One walk through all given paths: ids and hard links are common to them. */
class Walk {
  readonly #options: ScanOptions;
  readonly #reader: DirectoryReader;
  readonly #hardLinks: HardLinks;
  /** Paths of the first names of files that have more than one. */
  readonly #firstPaths = new Map<number, string>();
  #id = 0;

  constructor(options: ScanOptions) {
    this.#options = options;
    this.#reader = options.reader ?? directoryReader(nativeApi().files);
    this.#hardLinks = new HardLinks(options.mostHardLinks ?? scanDefaults.maxHardLinks);
  }

  /** Iterative, so that the depth of a tree does not become the depth of the stack. */
  async *given(given: string): AsyncGenerator<SourceEntry[]> {
    const source = resolve(given);
    const listing = this.#options.listings?.take(given) ?? (await listGiven(given));
    // A path as it arrives begins with the last name of the given one.
    const around = dirname(source).replace(/\/?$/, '/');
    const top = this.#entry(listing, 0, { path: listing.names[0] ?? '', source });
    if (!top) return;
    yield [top];
    if (top.kind !== entryKind.directory) return;
    const { dev, ino } = top.stamp;
    const waiting: Waiting[] = [{ path: top.path, dev, ino }];
    for (let directory = waiting.pop(); directory; directory = waiting.pop()) {
      const below: Waiting[] = [];
      for await (const entries of this.#read(directory, around)) {
        for (const entry of entries) {
          if (entry.kind !== entryKind.directory) continue;
          const { path, stamp } = entry;
          // The same number, and not one that is equal, for the same reason.
          if (stamp.dev === dev) below.push({ path, dev, ino: stamp.ino });
          else if (!this.#options.oneFileSystem) below.push({ path, dev: stamp.dev, ino: stamp.ino });
        }
        yield entries;
      }
      for (const found of below.reverse()) waiting.push(found);
    }
  }

  async *#read(directory: Waiting, around: string): AsyncGenerator<SourceEntry[]> {
    const chunks = this.#reader.read(`${around}${directory.path}`, directory);
    try {
      for await (const listing of chunks) yield this.#entries(listing, directory.path, around);
    } catch (error) {
      this.#options.onProblem(asXferError(error));
    }
  }

  #entries(listing: Listing, parent: string, around: string): SourceEntry[] {
    const entries: SourceEntry[] = [];
    for (const [index, name] of listing.names.entries()) {
      const path = `${parent}/${name}`;
      const place = { path, source: `${around}${path}` };
      const problem = listedProblem(listing, index, place.source);
      if (problem) {
        // Of what vanished nobody knows whether it was a directory.
        if (!this.#isExcluded(place.path, false)) this.#options.onProblem(problem);
        continue;
      }
      try {
        const entry = this.#entry(listing, index, place);
        if (entry) entries.push(entry);
      } catch (error) {
        this.#options.onProblem(asXferError(error));
      }
    }
    return entries;
  }

  /** Undefined for what is excluded. Throws for what is of no kind that is sent. */
  #entry(listing: Listing, index: number, place: { path: string; source: string }): SourceEntry | undefined {
    const kind = listedKind(listing.numbers, index);
    if (this.#isExcluded(place.path, kind === entryKind.directory)) return undefined;
    if (kind === undefined) throw unsupported(place.source);
    const id = this.#id++;
    const linkOf =
      kind === entryKind.file ? this.#firstName(listing, index, { id, path: place.path }) : undefined;
    return sourceEntry(listing, index, { ...place, id, linkOf, owners: this.#options.owners ?? false });
  }

  #isExcluded(path: string, isDirectory: boolean): boolean {
    if (!this.#options.filter?.excludes(path, isDirectory)) return false;
    this.#options.onExcluded?.(path);
    return true;
  }

  #firstName({ numbers }: Listing, index: number, own: FirstName): FirstName | undefined {
    const at = index * listed.numbers;
    if ((numbers[at + listed.links] ?? 1) <= 1) return undefined;
    const first = this.#hardLinks.firstOf(
      numbers[at + listed.dev] ?? 0,
      numbers[at + listed.inoHigh] ?? 0,
      numbers[at + listed.inoLow] ?? 0,
      own.id,
    );
    const path = first === undefined ? undefined : this.#firstPaths.get(first);
    if (first !== undefined && path !== undefined) return { id: first, path };
    if (this.#firstPaths.size < (this.#options.mostHardLinks ?? scanDefaults.maxHardLinks))
      this.#firstPaths.set(own.id, own.path);
    return undefined;
  }
}

function listedProblem({ numbers }: Listing, index: number, source: string): XferError | undefined {
  const problem = numbers[index * listed.numbers + listed.problem] ?? 0;
  if (problem === 0) return undefined;
  if (problem === listingProblem.notText)
    return new XferError(
      'ERR_XFER_UNSUPPORTED_FILE',
      `${printable(source)}: its name, or what it links to, is not UTF-8`,
    );
  return fileError(errnoError(getSystemErrorName(-problem), 'lstat'), `cannot read ${printable(source)}`);
}
