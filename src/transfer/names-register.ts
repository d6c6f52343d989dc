import { XferError } from '../errors/index.js';
import { textHash, type Hash64, type TextHash } from './names-hash.js';
import { printable } from './printable.js';

export type NamedKind = 'file' | 'directory' | 'link';

/**
 * Every name of a transfer, across batches: refuses a name that is there already, one that differs from another
 * only in case (on many file systems that is the same name), and one that lies below a file or a link.
 *
 * A million names are kept in 24 MiB (36 MiB while the table grows): of each name only a keyed 62-bit hash of its
 * case-folded form, its kind and 32 bits of a hash of its exact form. Two honest names meet in one hash with
 * probability n²/2⁶³: 10⁻⁷ for a million names, 10⁻⁵ for the ten million that a receiver takes at most; then an
 * honest transfer is refused, never a file overwritten, for files are created with O_EXCL. A sender does not know
 * the key, so it cannot look for such names.
 */
export class NameRegister {
  readonly #fold: TextHash;
  readonly #exact: TextHash;
  readonly #hash: Hash64 = { low: 0, high: 0 };
  #slots: Uint32Array;
  #size = 0;
  #lastParent = '';

  /** `seed`: 16 random bytes. */
  constructor(seed: Uint8Array) {
    if (seed.length < 16) throw new RangeError('a NameRegister takes 16 bytes of seed');
    this.#fold = textHash(seed.subarray(0, 8));
    this.#exact = textHash(seed.subarray(8, 16));
    this.#slots = new Uint32Array(firstSlots * slotWords);
  }

  /** Names kept, the directories on the way to each included. */
  get size(): number {
    return this.#size;
  }

  /** Takes a path that passed `checkPath`; returns ERR_XFER_HOSTILE_NAME where it cannot stand beside those before it. */
  add(path: string, kind: NamedKind): XferError | undefined {
    const parent = path.slice(0, Math.max(0, path.lastIndexOf('/')));
    if (parent !== this.#lastParent) {
      const refusal = this.#addParents(parent);
      if (refusal !== undefined) return refusal;
      this.#lastParent = parent;
    }
    const { kind: before, exact } = this.#put(path, kind === 'directory' ? kindOf.directory : kindOf.leaf);
    if (before === kindOf.none) return undefined;
    if (!exact) return collision(path, 'it differs from another name only in case');
    if (before === kindOf.implied && kind === 'directory') return undefined;
    return collision(path, 'the name is there twice');
  }

  /** Whether a name like this one is there. */
  has(path: string): boolean {
    return ((this.#slots[this.#placeOf(path) + 1] ?? 0) & kindMask) !== kindOf.none;
  }

  /** Whether this very name is there, and no directory. */
  hasLeaf(path: string): boolean {
    this.#exact(path, this.#hash);
    const exact = this.#hash.low;
    const at = this.#placeOf(path);
    return ((this.#slots[at + 1] ?? 0) & kindMask) === kindOf.leaf && this.#slots[at + 2] === exact;
  }

  #placeOf(path: string): number {
    this.#fold(foldCase(path), this.#hash);
    return slotOf(this.#slots, this.#hash.low, (this.#hash.high & ~kindMask) >>> 0);
  }

  #addParents(parent: string): XferError | undefined {
    for (let end = parent.indexOf('/'); parent !== ''; end = parent.indexOf('/', end + 1)) {
      const path = end < 0 ? parent : parent.slice(0, end);
      const { kind, exact } = this.#put(path, kindOf.implied);
      if (kind !== kindOf.none && !exact) return collision(path, 'it differs from another name only in case');
      if (kind === kindOf.leaf) return collision(parent, 'a part of it is a file or a link');
      if (end < 0) break;
    }
    return undefined;
  }

  /** Looks the name up and puts it in; answers what was there before. A directory stays one, said or implied. */
  #put(path: string, kind: number): { kind: number; exact: boolean } {
    if (this.#size >= (this.#slots.length / slotWords) * fullest) this.#grow();
    this.#exact(path, this.#hash);
    const exact = this.#hash.low;
    this.#fold(foldCase(path), this.#hash);
    const low = this.#hash.low;
    const high = (this.#hash.high & ~kindMask) >>> 0;
    const at = slotOf(this.#slots, low, high);
    const there = this.#slots[at + 1] ?? 0;
    const before = there & kindMask;
    if (before === kindOf.none) {
      this.#size++;
      this.#slots[at] = low;
      this.#slots[at + 1] = (high | kind) >>> 0;
      this.#slots[at + 2] = exact;
      return { kind: kindOf.none, exact: true };
    }
    const same = this.#slots[at + 2] === exact;
    if (same && before === kindOf.implied && kind === kindOf.directory)
      this.#slots[at + 1] = (high | kind) >>> 0;
    return { kind: before, exact: same };
  }

  #grow(): void {
    const grown = new Uint32Array(this.#slots.length * 2);
    for (let from = 0; from < this.#slots.length; from += slotWords) {
      const word = this.#slots[from + 1] ?? 0;
      if ((word & kindMask) === kindOf.none) continue;
      const at = slotOf(grown, this.#slots[from] ?? 0, (word & ~kindMask) >>> 0);
      grown.set(this.#slots.subarray(from, from + slotWords), at);
    }
    this.#slots = grown;
  }
}

/**
 * The form in which two names are one on a file system that ignores case: through upper case, so that what has
 * one capital in common (ß and ss, the two lower-case sigmas) meets too.
 */
export function foldCase(path: string): string {
  if (ascii.test(path)) return path.toLowerCase();
  return path.toLowerCase().toUpperCase().toLowerCase().normalize('NFC');
}

const ascii = /^[ -~]*$/;
const firstSlots = 64;
/** Low half of the hash; high half, its last two bits the kind; hash of the exact name. */
const slotWords = 3;
const fullest = 0.6;
const kindMask = 3;
const kindOf = { none: 0, leaf: 1, directory: 2, implied: 3 } as const;

/** The place of a hash in an open-addressing table (linear probing), or the empty place where it would go. */
function slotOf(slots: Uint32Array, low: number, high: number): number {
  const count = slots.length / slotWords;
  for (let slot = low % count; ; slot = (slot + 1) % count) {
    const at = slot * slotWords;
    const word = slots[at + 1] ?? 0;
    if ((word & kindMask) === kindOf.none) return at;
    if (slots[at] === low && (word & ~kindMask) >>> 0 === high) return at;
  }
}

const shownCharacters = 200;

function collision(path: string, reason: string): XferError {
  return new XferError(
    'ERR_XFER_HOSTILE_NAME',
    `refused the name "${printable(path.slice(0, shownCharacters))}": ${reason}`,
  );
}
