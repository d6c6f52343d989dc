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

interface Slab {
  slab: Uint8Array;
  view: DataView;
  at: number;
}

/** Without memory yet; left to the collector when it is full, and what is cut from it is gone. */
const newSlab = (): Slab => ({ slab: new Uint8Array(0), view: new DataView(new ArrayBuffer(0)), at: 0 });

/** One for all connections of which nothing is under way, so that idle ones have none. */
const shared = newSlab();

/** Fills batches, one after the other. */
export class BatchWriter {
  /** The run of small pieces that is being written lies there; none behind the end of a batch, or it would be kept for nothing. */
  #slab: Uint8Array | undefined;
  #from = 0;
  #to = 0;
  #batch = new Batch();
  #target = shared;
  /** What waits in a link keeps all of the slab that it lies in: a link that is slow may keep its own, and not one for each batch. */
  #own: Slab | undefined;

  /** `isBusy`: something that was written before is with the link still. */
  start(isBusy: boolean): Batch {
    this.#target = isBusy ? (this.#own ??= newSlab()) : shared;
    this.#batch = new Batch();
    return this.#batch;
  }

  finish(): Batch {
    this.#closeRun();
    return this.#batch;
  }

  /** Nothing is with the link any more. */
  rest(): void {
    this.#own = undefined;
  }

  header(type: number, flags: number, payloadBytes: number, id: number): void {
    const at = this.#reserve(frameHeaderBytes);
    writeHeader(this.#target.view, at, type, flags, payloadBytes, id);
  }

  /** Small pieces are copied, others referenced: the caller keeps `bytes` as they are until the batch is done. */
  append(bytes: Uint8Array): void {
    if (bytes.length < copyBelow) {
      const at = this.#reserve(bytes.length);
      this.#target.slab.set(bytes, at);
      return;
    }
    this.#closeRun();
    this.#batch.chunks.push(bytes);
    this.#batch.bytes += bytes.length;
  }

  /** Where to write them: right behind the run that is being written, if nobody else has written there since. */
  #reserve(bytes: number): number {
    if (this.#target.at + bytes > this.#target.slab.length) {
      this.#target.slab = new Uint8Array(slabBytes);
      this.#target.view = new DataView(this.#target.slab.buffer);
      this.#target.at = 0;
    }
    if (this.#slab !== this.#target.slab || this.#to !== this.#target.at) {
      this.#closeRun();
      this.#slab = this.#target.slab;
      this.#from = this.#target.at;
    }
    const { at } = this.#target;
    this.#target.at += bytes;
    this.#to = this.#target.at;
    this.#batch.bytes += bytes;
    return at;
  }

  #closeRun(): void {
    if (this.#slab) this.#batch.chunks.push(this.#slab.subarray(this.#from, this.#to));
    this.#slab = undefined;
  }
}
