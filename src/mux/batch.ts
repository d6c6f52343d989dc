import { frameHeaderBytes } from './frame.js';
import { writeHeader } from './encode.js';
import type { Loan } from './loan.js';

const slabBytes = 16 * 1024;
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

/** One for all connections, so that idle ones have none; left to the collector when it is full, and what is cut from it is gone. */
const shared = { slab: new Uint8Array(0), view: new DataView(new ArrayBuffer(0)), at: 0 };

/** Fills batches, one after the other. */
export class BatchWriter {
  /** The run of small pieces that is being written lies there; none behind the end of a batch, or it would be kept for nothing. */
  #slab: Uint8Array | undefined;
  #from = 0;
  #to = 0;
  #batch = new Batch();

  start(): Batch {
    this.#batch = new Batch();
    return this.#batch;
  }

  finish(): Batch {
    this.#closeRun();
    return this.#batch;
  }

  header(type: number, flags: number, payloadBytes: number, id: number): void {
    const at = this.#reserve(frameHeaderBytes);
    writeHeader(shared.view, at, type, flags, payloadBytes, id);
  }

  /** Small pieces are copied, others referenced: the caller keeps `bytes` as they are until the batch is done. */
  append(bytes: Uint8Array): void {
    if (bytes.length < copyBelow) {
      const at = this.#reserve(bytes.length);
      shared.slab.set(bytes, at);
      return;
    }
    this.#closeRun();
    this.#batch.chunks.push(bytes);
    this.#batch.bytes += bytes.length;
  }

  /** Where to write them: right behind the run that is being written, if nobody else has written there since. */
  #reserve(bytes: number): number {
    if (shared.at + bytes > shared.slab.length) {
      shared.slab = new Uint8Array(slabBytes);
      shared.view = new DataView(shared.slab.buffer);
      shared.at = 0;
    }
    if (this.#slab !== shared.slab || this.#to !== shared.at) {
      this.#closeRun();
      this.#slab = shared.slab;
      this.#from = shared.at;
    }
    const { at } = shared;
    shared.at += bytes;
    this.#to = shared.at;
    this.#batch.bytes += bytes;
    return at;
  }

  #closeRun(): void {
    if (this.#slab) this.#batch.chunks.push(this.#slab.subarray(this.#from, this.#to));
    this.#slab = undefined;
  }
}
