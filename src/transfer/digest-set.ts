/** Bytes of a digest of the set. */
export const digestBytes = 12;

const words = digestBytes / 4;
const firstSlots = 64;
const fullest = 0.6;

/** A set of digests of 12 bytes, compact: a million take 24 MiB at most. The digests must be spread evenly. */
export class DigestSet {
  #slots = new Uint32Array(firstSlots * words);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** `digests`: any number of them, one behind the other. */
  addAll(digests: Uint8Array): void {
    for (let at = 0; at + digestBytes <= digests.length; at += digestBytes) {
      if (this.#size >= (this.#slots.length / words) * fullest) this.#grow();
      const digest = wordsOf(digests, at);
      const slot = slotOf(this.#slots, digest);
      if (this.#slots[slot] === 0) this.#size++;
      this.#slots.set(digest, slot);
    }
  }

  has(digest: Uint8Array): boolean {
    return this.#slots[slotOf(this.#slots, wordsOf(digest, 0))] !== 0;
  }

  #grow(): void {
    const grown = new Uint32Array(this.#slots.length * 2);
    for (let at = 0; at < this.#slots.length; at += words) {
      const digest = this.#slots.subarray(at, at + words);
      if (digest[0] !== 0) grown.set(digest, slotOf(grown, digest));
    }
    this.#slots = grown;
  }
}

/** The first word is never 0, which marks an empty place. */
function wordsOf(bytes: Uint8Array, at: number): Uint32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, digestBytes);
  return Uint32Array.of(view.getUint32(0) || 1, view.getUint32(4), view.getUint32(8));
}

/** The place of a digest in an open-addressing table (linear probing), or the empty place where it would go. */
function slotOf(slots: Uint32Array, digest: Uint32Array): number {
  const count = slots.length / words;
  for (let slot = (digest[1] ?? 0) % count; ; slot = (slot + 1) % count) {
    const at = slot * words;
    if (slots[at] === 0) return at;
    if (slots[at] === digest[0] && slots[at + 1] === digest[1] && slots[at + 2] === digest[2]) return at;
  }
}
