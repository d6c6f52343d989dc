import type { BigIntStats } from 'node:fs';
import type { FilesApi } from '../native/api.js';

/** Where the numbers of an entry stand. */
export const listed = Object.freeze({
  /** Permission bits and type, as in st_mode. */
  mode: 0,
  size: 1,
  mtimeSeconds: 2,
  mtimeNanoseconds: 3,
  ctimeSeconds: 4,
  ctimeNanoseconds: 5,
  dev: 6,
  /** The inode's number by 2^32, and what remains: together they may have more bits than a number holds. */
  inoHigh: 7,
  inoLow: 8,
  links: 9,
  uid: 10,
  gid: 11,
  /** Of 512 bytes. */
  blocks: 12,
  /** 0, an errno number, or `notUtf8`; where it is not 0 the other numbers say nothing. */
  problem: 13,
  numbers: 14,
});

/** What identifies a file on this machine. */
export interface FileIdentity {
  readonly dev: bigint;
  readonly ino: bigint;
}

/** Listing directories of the user's own. */
export type ListingCalls = Pick<FilesApi, 'openListing' | 'list' | 'stampOf' | 'close'>;

/** Writes what Node says of a file as the numbers of entry `index`. */
export function writeNumbers(numbers: Float64Array, index: number, stats: BigIntStats): void {
  const at = index * listed.numbers;
  const mtimeSeconds = secondsOf(stats.mtimeNs);
  const ctimeSeconds = secondsOf(stats.ctimeNs);
  numbers[at + listed.mode] = Number(stats.mode);
  numbers[at + listed.size] = Number(stats.size);
  numbers[at + listed.mtimeSeconds] = Number(mtimeSeconds);
  numbers[at + listed.mtimeNanoseconds] = Number(stats.mtimeNs - mtimeSeconds * billion);
  numbers[at + listed.ctimeSeconds] = Number(ctimeSeconds);
  numbers[at + listed.ctimeNanoseconds] = Number(stats.ctimeNs - ctimeSeconds * billion);
  numbers[at + listed.dev] = Number(stats.dev);
  const { ino } = identityOf(stats);
  numbers[at + listed.inoHigh] = Number(ino >> 32n);
  numbers[at + listed.inoLow] = Number(ino & 0xffff_ffffn);
  numbers[at + listed.links] = Number(stats.nlink);
  numbers[at + listed.uid] = Number(stats.uid);
  numbers[at + listed.gid] = Number(stats.gid);
  numbers[at + listed.blocks] = Number(stats.blocks);
  numbers[at + listed.problem] = 0;
}

/** Node reads 64 bits as signed ones; an inode, which some file systems number from above, is not. */
export function identityOf(stats: FileIdentity): FileIdentity {
  return { dev: BigInt.asUintN(64, stats.dev), ino: BigInt.asUintN(64, stats.ino) };
}

const billion = 1_000_000_000n;
/** Rounded down, before 1970 too. */
const secondsOf = (ns: bigint) => ns / billion - (ns % billion < 0n ? 1n : 0n);
