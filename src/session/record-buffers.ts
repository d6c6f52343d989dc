import { sessionDefaults } from '../config/index.js';
import { recordLayout } from '../native/api.js';

const { overheadBytes } = recordLayout;
/** A record of at most this size gets memory of its own size; a larger one a pooled buffer. */
export const smallRecordBytes = 64 * 1024;
/** Bodies of pooled records are rounded up to this, so that more of them fit. */
const stepBytes = 64 * 1024;
/** An idle buffer that is so many times as large as what is needed does too. */
const mostSpare = 2;

/**
 * Reused buffers for large records: a fresh mebibyte a record would cost more than sealing it. How many bytes are out at once is
 * bounded by the session's window, so a buffer must not be much larger than its record, or half of them would hold it twice.
 * Keeps idle ones of at most `keepBytes` in all: those used last, which the processor's cache may still have.
 */
export class RecordBuffers {
  /** The last used ones are last. */
  readonly #idle: Buffer[] = [];
  readonly #memory: (bytes: number) => Buffer;
  readonly #keepBytes: number;
  #idleBytes = 0;

  /** `memory`: where large ones come from, as SealApi.recordMemory. Default: anywhere. */
  constructor(
    memory = (bytes: number): Buffer => Buffer.allocUnsafeSlow(bytes),
    keepBytes = 32 * (overheadBytes + sessionDefaults.recordBytes),
  ) {
    this.#memory = memory;
    this.#keepBytes = keepBytes;
  }

  /** At least `bytes` long, contents undefined. */
  acquire(bytes: number): Buffer {
    if (bytes <= smallRecordBytes) return Buffer.allocUnsafe(bytes);
    const at = this.#fitting(bytes);
    if (at < 0) return this.#fresh(roundedUp(bytes));
    const [buffer] = this.#idle.splice(at, 1) as [Buffer];
    this.#idleBytes -= buffer.length;
    return buffer;
  }

  release(buffer: Buffer): void {
    if (buffer.length <= smallRecordBytes) return;
    this.#idle.push(buffer);
    this.#idleBytes += buffer.length;
    this.#keep(this.#keepBytes);
  }

  /** Takes the place of idle ones that do not fit, but for a quarter of them, so that sizes which change do not add up. */
  #fresh(bytes: number): Buffer {
    this.#keep(Math.max(this.#keepBytes / 4, this.#idleBytes - bytes));
    return this.#memory(bytes);
  }

  #keep(mostBytes: number): void {
    while (this.#idleBytes > mostBytes) this.#idleBytes -= this.#idle.shift()?.length ?? 0;
  }

  /** The smallest that is large enough, of several the one used last; -1 where none is. */
  #fitting(bytes: number): number {
    let [found, best] = [-1, mostSpare * bytes];
    for (let at = this.#idle.length - 1; at >= 0; at--) {
      const { length } = this.#idle[at] as Buffer;
      if (length < bytes || length >= best) continue;
      [found, best] = [at, length];
      // None is smaller.
      if (length < bytes + stepBytes) break;
    }
    return found;
  }
}

const roundedUp = (bytes: number): number =>
  overheadBytes + stepBytes * Math.ceil((bytes - overheadBytes) / stepBytes);
