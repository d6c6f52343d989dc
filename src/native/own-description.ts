import { closeSync, constants, fstatSync, openSync, readlinkSync, type Stats } from 'node:fs';
import { isatty } from 'node:tty';
import type { DescriptorOptions } from './descriptors-api.js';

/** What a descriptor is; the numbers are those of `Descriptor` in native/descriptor-io.h. */
export const descriptorKind = Object.freeze({ pipe: 0, socket: 1, file: 2, shared: 3, terminal: 4 });
export type DescriptorKind = (typeof descriptorKind)[keyof typeof descriptorKind];

export interface OwnDescription {
  readonly kind: DescriptorKind;
  /** What to read or write: `given` itself, or a description of our own of the same. */
  readonly fd: number;
  readonly given: number;
}

/**
 * How to read or write a descriptor without waiting and without O_NONBLOCK on a description that others share, which would
 * outlive us: of `(xfer pipe x; cat)` the second would hear EAGAIN.
 *
 * - A pipe or FIFO, opened again through /proc/self/fd, is the same pipe by a description of our own.
 * - So is a terminal (with O_NOCTTY); not the master of one, which opened again would be another (ptmx).
 * - A socket cannot be opened again, and need not be: MSG_DONTWAIT does it call by call.
 * - A regular file never waits. Opened again it would have an offset of its own and begin where others have read.
 * - Any other device is left as it is, since opening it may do something; so is what may not be opened again, such as the
 *   pipe of another user. They are touched when poll(2) says that they are ready.
 */
export function ownDescription(
  fd: number,
  use: 'read' | 'write',
  { isOwn = false }: DescriptorOptions = {},
): OwnDescription {
  const found = fstatSync(fd);
  const shared = { kind: descriptorKind.shared, fd, given: fd };
  if (found.isSocket()) return { ...shared, kind: descriptorKind.socket };
  if (found.isFile() || found.isBlockDevice()) return { ...shared, kind: descriptorKind.file };
  const kind = kindToReopen(fd, found);
  if (kind === undefined) return shared;
  if (isOwn) return { ...shared, kind };
  const mode = use === 'read' ? constants.O_RDONLY : constants.O_WRONLY;
  try {
    const own = openSync(`/proc/self/fd/${fd}`, mode | constants.O_NONBLOCK | constants.O_NOCTTY);
    return { kind, fd: own, given: fd };
  } catch {
    return shared;
  }
}

/** Closes both. Throws what closing the one that was used says. */
export function closeDescription({ fd, given }: OwnDescription, replaceByNull: (fd: number) => void): void {
  if (fd !== given) closeSync(fd);
  // Whoever opens something next must not get the number that others take for standard input or output.
  if (given <= 2) replaceByNull(given);
  else closeSync(given);
}

function kindToReopen(fd: number, found: Stats): DescriptorKind | undefined {
  if (found.isFIFO()) return descriptorKind.pipe;
  return isatty(fd) && !isMaster(fd) ? descriptorKind.terminal : undefined;
}

function isMaster(fd: number): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`).endsWith('ptmx');
  } catch {
    return true;
  }
}
