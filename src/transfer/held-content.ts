import { sessionDefaults, transferDefaults } from '../config/index.js';

/** Records, and their content, that arrived and are not written: an honest sender's window keeps to that. */
export const mostHeldRecords = 1024;
const mostHeldBytes = transferDefaults.maxWindowBytes + sessionDefaults.recordBytes;

/** Counts what a receiver holds, and for how long there was anything. */
export class HeldContent {
  #records = 0;
  #bytes = 0;
  #ms = 0;
  #since = 0;

  get isEmpty(): boolean {
    return this.#records === 0;
  }

  /** How long something was held so far, in milliseconds. */
  get heldMs(): number {
    return this.#ms + (this.isEmpty ? 0 : performance.now() - this.#since);
  }

  /** Whether a record of so many bytes may be held. */
  mayTake(bytes: number): boolean {
    return this.#records < mostHeldRecords && this.#bytes + bytes <= mostHeldBytes;
  }

  take(bytes: number): void {
    if (this.#records++ === 0) this.#since = performance.now();
    this.#bytes += bytes;
  }

  /** A record that is held takes so many bytes more, or less; false where that is too much. */
  grow(bytes: number): boolean {
    if (this.#bytes + bytes > mostHeldBytes) return false;
    this.#bytes += bytes;
    return true;
  }

  free(bytes: number): void {
    if (--this.#records === 0) this.#ms += performance.now() - this.#since;
    this.#bytes -= bytes;
  }
}
