import { isUtf8 } from 'node:buffer';
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  lstat,
  opendir,
  readlink,
  type BigIntStats,
  type Dir,
} from 'node:fs';
import { constants as systemConstants } from 'node:os';
import { promisify } from 'node:util';
import { errnoError } from '../native/errno-name.js';
import { open } from '../native/file-calls.js';
import { identityOf, listed, notUtf8, writeNumbers, type Listing, type ListingCalls } from './listing.js';

/**
 * Listing by Node alone. On Linux everything goes through the descriptor, whatever its path is by now; elsewhere
 * entries are looked at by path, so there only the check of who was opened stands between a link and its target.
 */
export function nodeListing(): ListingCalls {
  const held = new Map<number, OpenDirectory>();
  return {
    openListing: async (path) => {
      const fd = await openDirectory(path);
      held.set(fd, { base: throughDescriptors ? `/proc/self/fd/${String(fd)}` : path });
      return fd;
    },
    list: async (fd, most) => {
      const directory = held.get(fd);
      if (!directory) throw errnoError('EBADF', 'list');
      return list(directory, most);
    },
    // What is open is known without waiting, and closing what was only read waits for nothing.
    stampOf: (fd) => settled(() => identityOf(fstatSync(fd, { bigint: true }))),
    close: (fd) =>
      settled(() => {
        const directory = held.get(fd);
        held.delete(fd);
        directory?.dir?.closeSync();
        closeSync(fd);
      }),
  };
}

interface OpenDirectory {
  readonly base: string;
  dir?: Dir;
}

const settled = <Value>(work: () => Value) => new Promise<Value>((resolve) => resolve(work()));
const throughDescriptors = process.platform === 'linux' && existsSync('/proc/self/fd');
const openDirectory = (path: string) => open(path, constants.O_RDONLY | constants.O_DIRECTORY);

/** Looked at beside each other: all threads that Node has are busy with it, and others wait for a few at most. */
const mostAtOnce = 64;

async function list(directory: OpenDirectory, most: number): Promise<Listing> {
  // Each byte of a name as a character: what a name is does not depend on its encoding.
  directory.dir ??= await promisify<Dir>((done) => {
    opendir(directory.base, { encoding: 'latin1', bufferSize: most }, done);
  })();
  const found = await nextNames(directory.dir, most);
  found.sort();
  const chunk = new Chunk(directory.base, found);
  await chunk.describe();
  return {
    names: chunk.names,
    numbers: chunk.numbers,
    targets: chunk.targets,
    isLast: found.length < most,
  };
}

/** The first is waited for; the others stand in the buffer that was read with it. */
async function nextNames(dir: Dir, most: number): Promise<string[]> {
  const found: string[] = [];
  for (let entry = await dir.read(); entry; entry = dir.readSync()) {
    found.push(entry.name);
    if (found.length === most) break;
  }
  return found;
}

const errnoOf = (error: NodeJS.ErrnoException) => -(error.errno ?? -systemConstants.errno.EIO);

/** Entries as their states come in, at the places of their names. */
class Chunk {
  readonly names: string[];
  readonly numbers: Float64Array;
  readonly targets = new Map<number, string>();
  readonly #base: string;
  #next = 0;
  #left: number;
  #done: () => void = () => undefined;

  constructor(base: string, found: readonly string[]) {
    this.#base = base;
    this.#left = found.length;
    this.numbers = new Float64Array(found.length * listed.numbers);
    this.names = found.map((name, index) => this.#decoded(name, index));
  }

  async describe(): Promise<void> {
    if (this.#left === 0) return;
    await new Promise<void>((resolve) => {
      this.#done = resolve;
      for (let started = 0; started < mostAtOnce; started++) this.#describeNext();
    });
  }

  #decoded(name: string, index: number): string {
    if (!/[\u0080-\u00ff]/.test(name)) return name;
    const bytes = Buffer.from(name, 'latin1');
    if (!isUtf8(bytes)) this.#fail(index, notUtf8);
    return bytes.toString();
  }

  #describeNext(): void {
    const index = this.#next++;
    const name = this.names[index];
    if (name === undefined) return;
    if (this.#problemOf(index) !== 0) return this.#finish();
    const path = `${this.#base}/${name}`;
    lstat(path, { bigint: true }, (error, stats) => {
      if (error) this.#fail(index, errnoOf(error));
      else if (stats.isSymbolicLink()) return this.#readLink(path, index, stats);
      else writeNumbers(this.numbers, index, stats);
      this.#finish();
    });
  }

  #readLink(path: string, index: number, stats: BigIntStats): void {
    readlink(path, { encoding: 'buffer' }, (error, target) => {
      if (error) this.#fail(index, errnoOf(error));
      else if (!isUtf8(target)) this.#fail(index, notUtf8);
      else {
        writeNumbers(this.numbers, index, stats);
        this.targets.set(index, target.toString());
      }
      this.#finish();
    });
  }

  #problemOf(index: number): number {
    return this.numbers[index * listed.numbers + listed.problem] ?? 0;
  }

  #fail(index: number, problem: number): void {
    this.numbers[index * listed.numbers + listed.problem] = problem;
  }

  #finish(): void {
    if (--this.#left === 0) this.#done();
    else this.#describeNext();
  }
}
