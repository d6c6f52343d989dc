import { sessionDefaults } from '../config/index.js';
import { recordLayout } from '../native/api.js';

/** A record of at most this size gets memory of its own size; a larger one a pooled buffer. */
const smallBytes = 64 * 1024;
const pooledBytes = recordLayout.overheadBytes + sessionDefaults.recordBytes;

/**
 * Reused buffers for large records: a fresh mebibyte a record would cost more than sealing it.
 * Keeps at most `keep` idle ones; how many are out at once is bounded by the session's window.
 */
export class RecordBuffers {
  readonly #idle: Buffer[] = [];
  readonly #keep: number;

  constructor(keep = 32) {
    this.#keep = keep;
  }

  /** At least `bytes` long, contents undefined. */
  acquire(bytes: number): Buffer {
    if (bytes <= smallBytes) return Buffer.allocUnsafe(bytes);
    return this.#idle.pop() ?? Buffer.allocUnsafeSlow(Math.max(bytes, pooledBytes));
  }

  release(buffer: Buffer): void {
    if (buffer.length >= pooledBytes && this.#idle.length < this.#keep) this.#idle.push(buffer);
  }
}
