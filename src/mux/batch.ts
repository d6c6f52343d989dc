import { frameHeaderBytes } from './frame.js';
import { writeHeader } from './encode.js';
import type { Loan } from './loan.js';

/** The first one is small, as an idle connection holds it as long as it lives; each later one is twice as large, up to the most. */
const firstSlabBytes = 1024;
const maxSlabBytes = 16 * 1024;
/** Below this a copy is cheaper than one more element of the writev. */
const copyBelow = 512;

/**
 * What goes to the link in one piece: slices of the callers' bytes between headers and small pieces that are copied
 * into a slab.
 */
export class Batch {
  readonly chunks: Uint8Array[] = [];
  /** What the callers have lent, of which a part is in here: once each. */
  readonly loans: Loan[] = [];
  bytes = 0;
  /** Whether an answer can be expected: anything but KEEPALIVE_ACK. */
  expectsLife = false;

  /** The link needs the bytes no more. Called once. */
  handleDone(): void {
    for (const loan of this.loans) loan.handleDone();
  }
}

/** Fills batches; the slab goes on from one batch to the next and is left to the collector when it is full. */
export class BatchWriter {
  #slab = new Uint8Array(firstSlabBytes);
  #view = new DataView(this.#slab.buffer);
  #at = 0;
  #runFrom = 0;
  #batch = new Batch();

  start(): Batch {
    this.#batch = new Batch();
    this.#runFrom = this.#at;
    return this.#batch;
  }

  finish(): Batch {
    this.#closeRun();
    return this.#batch;
  }

  header(type: number, flags: number, payloadBytes: number, id: number): void {
    const at = this.#reserve(frameHeaderBytes);
    writeHeader(this.#view, at, type, flags, payloadBytes, id);
  }

  /** Small pieces are copied, others referenced: the caller keeps `bytes` as they are until the batch is done. */
  append(bytes: Uint8Array): void {
    if (bytes.length < copyBelow) {
      const at = this.#reserve(bytes.length);
      this.#slab.set(bytes, at);
      return;
    }
    this.#closeRun();
    this.#batch.chunks.push(bytes);
    this.#batch.bytes += bytes.length;
  }

  #reserve(bytes: number): number {
    if (this.#at + bytes > this.#slab.length) {
      this.#closeRun();
      this.#slab = new Uint8Array(Math.min(2 * this.#slab.length, maxSlabBytes));
      this.#view = new DataView(this.#slab.buffer);
      this.#at = 0;
      this.#runFrom = 0;
    }
    const at = this.#at;
    this.#at += bytes;
    this.#batch.bytes += bytes;
    return at;
  }

  #closeRun(): void {
    if (this.#at > this.#runFrom) this.#batch.chunks.push(this.#slab.subarray(this.#runFrom, this.#at));
    this.#runFrom = this.#at;
  }
}
