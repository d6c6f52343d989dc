import { recordLayout } from '../../src/native/api.js';
import type { TransportMemory } from '../../src/transport/contract.js';

const pageBytes = 4096;
const before = pageBytes - recordLayout.bodyAt;

/** A transport's memory that knows what is out, and refuses what is not given back as it should be. */
export class PagedMemory implements TransportMemory {
  readonly #most: number;
  readonly #out = new Set<Buffer>();
  #acquired = 0;

  /** `most`: so many at once. Default: as many as are asked for. */
  constructor(most = Infinity) {
    this.#most = most;
  }

  /** How many are out now. */
  get out(): number {
    return this.#out.size;
  }

  /** How many there ever were. */
  get acquired(): number {
    return this.#acquired;
  }

  acquire(bytes: number): Buffer | undefined {
    if (this.#out.size >= this.#most) return undefined;
    const buffer = Buffer.from(new ArrayBuffer(before + bytes), before);
    this.#out.add(buffer);
    this.#acquired++;
    return buffer;
  }

  release(buffer: Buffer): void {
    if (!this.#out.delete(buffer)) throw new Error('memory was given back twice, or is not from here');
    buffer.fill(0xdd);
  }

  /** Whether the bytes lie in memory that is out. */
  has(bytes: Uint8Array): boolean {
    return [...this.#out].some(({ buffer }) => buffer === bytes.buffer);
  }
}
