import type { BigIntStats } from 'node:fs';
import { lstat, readdir, readlink, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { transferDefaults } from '../config/index.js';
import { fileError, XferError } from '../errors/index.js';
import { entryBytes, entryKind, mostSeconds, type EntryKindNumber, type ManifestEntry } from './messages.js';
import { printable } from './printable.js';

/** An entry with what the sender knows of it on this machine. */
export interface SourceEntry extends Omit<ManifestEntry, 'token'> {
  readonly source: string;
  readonly stat: BigIntStats;
}

export interface ScanHandlers {
  /** An entry below a given directory that cannot be sent; the scan goes on. */
  onProblem(error: XferError): void;
}

/**
 * Lists what `paths` name, depth first, a directory before what is in it, in batches of a manifest's size: nothing
 * is read to the end first. A given path that is a link is followed, links below are sent as links. Rejects with an XferError
 * for a given path that cannot be sent.
 */
export async function* scan(paths: readonly string[], handlers: ScanHandlers): AsyncGenerator<SourceEntry[]> {
  const batch = new Batch();
  let id = 0;
  for (const given of paths) {
    for await (const found of walkGiven(given, handlers)) {
      const entry = { ...found, id: id++ };
      if (!batch.fits(entry)) yield batch.take();
      batch.add(entry);
    }
  }
  if (batch.size > 0) yield batch.take();
}

/** Fails early, before anything is dialled, for a given path that is not there, not readable or not of a kind that is sent. */
export async function checkGiven(paths: readonly string[]): Promise<void> {
  const names = new Map<string, string>();
  for (const given of paths) {
    const found = await statGiven(given);
    if (kindOf(found) === undefined) throw unsupported(given);
    const name = givenName(given);
    const other = names.get(name);
    if (other !== undefined)
      throw new XferError(
        'ERR_XFER_USAGE',
        `${printable(other)} and ${printable(given)} would arrive under the same name`,
      );
    names.set(name, given);
  }
}

type Found = Omit<SourceEntry, 'id'>;

async function* walkGiven(given: string, handlers: ScanHandlers): AsyncGenerator<Found> {
  const found = await statGiven(given);
  const entry = await describe(resolve(given), givenName(given), found);
  if (!entry) throw unsupported(given);
  yield entry;
  if (entry.kind === entryKind.directory) yield* walk(entry, handlers);
}

/** Iterative, so that the depth of a tree does not become the depth of the stack. */
async function* walk(top: Found, handlers: ScanHandlers): AsyncGenerator<Found> {
  const waiting = [top];
  for (let directory = waiting.pop(); directory; directory = waiting.pop()) {
    const { names, problem } = await listNames(directory.source);
    if (problem) handlers.onProblem(problem);
    const below: Found[] = [];
    for (const chunk of chunks(names, 64)) {
      const parent = directory;
      const described = await Promise.all(chunk.map((name) => describeBelow(parent, name, handlers)));
      for (const entry of described) {
        if (!entry) continue;
        yield entry;
        if (entry.kind === entryKind.directory) below.push(entry);
      }
    }
    for (const entry of below.reverse()) waiting.push(entry);
  }
}

async function listNames(path: string): Promise<{ names: string[]; problem?: XferError }> {
  try {
    return { names: (await readdir(path)).sort() };
  } catch (cause) {
    return { names: [], problem: fileError(cause, `cannot list ${printable(path)}`) };
  }
}

async function describeBelow(
  parent: Found,
  name: string,
  handlers: ScanHandlers,
): Promise<Found | undefined> {
  const source = join(parent.source, name);
  try {
    const entry = await describe(source, `${parent.path}/${name}`, await lstat(source, { bigint: true }));
    if (!entry) handlers.onProblem(unsupported(source));
    return entry;
  } catch (cause) {
    handlers.onProblem(fileError(cause, `cannot read ${printable(source)}`));
    return undefined;
  }
}

async function describe(source: string, path: string, found: BigIntStats): Promise<Found | undefined> {
  const kind = kindOf(found);
  if (kind === undefined) return undefined;
  const seconds = found.mtimeNs / 1_000_000_000n - (found.mtimeNs % 1_000_000_000n < 0n ? 1n : 0n);
  return {
    kind,
    path,
    source,
    stat: found,
    size: kind === entryKind.file ? Number(found.size) : 0,
    mode: Number(found.mode & 0o777n),
    mtimeSeconds: Math.max(-mostSeconds, Math.min(mostSeconds, Number(seconds))),
    mtimeNanoseconds: Number(found.mtimeNs - seconds * 1_000_000_000n),
    target: kind === entryKind.link ? await readlink(source) : '',
  };
}

/** A link that the user names is followed, as scp and cp -H do: he means what it points to. */
async function statGiven(given: string): Promise<BigIntStats> {
  try {
    return await stat(given, { bigint: true });
  } catch (cause) {
    throw fileError(cause, `cannot send ${printable(given)}`);
  }
}

/** The name under which a given path arrives. */
function givenName(given: string): string {
  const name = basename(resolve(given));
  if (name === '')
    throw new XferError(
      'ERR_XFER_USAGE',
      'the root directory has no name to arrive under: name what is in it',
    );
  return name;
}

function kindOf(found: BigIntStats): EntryKindNumber | undefined {
  if (found.isFile()) return entryKind.file;
  if (found.isDirectory()) return entryKind.directory;
  return found.isSymbolicLink() ? entryKind.link : undefined;
}

const unsupported = (path: string) =>
  new XferError('ERR_XFER_UNSUPPORTED_FILE', `${printable(path)} is neither a file, a directory nor a link`);

function* chunks<T>(items: readonly T[], size: number): Generator<readonly T[]> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size);
}

class Batch {
  #entries: SourceEntry[] = [];
  #bytes = 0;

  get size(): number {
    return this.#entries.length;
  }

  fits(entry: SourceEntry): boolean {
    if (this.#entries.length === 0) return true;
    const { manifestBatchEntries, manifestBatchBytes } = transferDefaults;
    return (
      this.#entries.length < manifestBatchEntries && this.#bytes + entryBytes(entry) <= manifestBatchBytes
    );
  }

  add(entry: SourceEntry): void {
    this.#entries.push(entry);
    this.#bytes += entryBytes(entry);
  }

  take(): SourceEntry[] {
    const entries = this.#entries;
    this.#entries = [];
    this.#bytes = 0;
    return entries;
  }
}
