import { XferError } from '../errors/index.js';
import { sessionDefaults } from '../config/index.js';
import { recordLayout } from '../native/api.js';
import type { Retain } from '../transport/contract.js';
import { smallRecordBytes, type RecordBuffers } from './record-buffers.js';

const { lengthBytes, overheadBytes } = recordLayout;
const leastTotal = overheadBytes;
const mostTotal = overheadBytes + Math.max(sessionDefaults.recordBytes, sessionDefaults.maxControlBytes);

/**
 * Cuts a lane's bytes into sealed records. The length in clear is checked before anything is allocated; the one copy of a
 * record's bytes is made here, out of the transport's buffer. There is none where a large record comes by itself and the
 * transport can spare the memory that it came in.
 */
export class RecordReader {
  readonly #buffers: RecordBuffers;
  readonly #onRecord: (record: Buffer, release: () => void) => void;
  readonly #prefix = Buffer.alloc(lengthBytes);
  #record: Buffer | undefined;
  #have = 0;
  #lent = false;
  #total = 0;

  /** `onRecord` owns the record's memory until it calls `release`, once. */
  constructor(buffers: RecordBuffers, onRecord: (record: Buffer, release: () => void) => void) {
    this.#buffers = buffers;
    this.#onRecord = onRecord;
  }

  /** Whether the bytes so far end between two records. */
  get atBoundary(): boolean {
    return this.#have === 0;
  }

  /** Throws ERR_XFER_TAMPERED for a length that no record has. */
  push(bytes: Uint8Array, retain?: Retain): void {
    this.#lent = false;
    const source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const release = retain && this.#isRecord(source) ? retain() : undefined;
    if (release) return this.#onRecord(source, release);
    let at = 0;
    while (at < source.length) {
      if (this.#have < lengthBytes) {
        at += this.#readPrefix(source, at);
        continue;
      }
      const record = (this.#record ??= this.#begin());
      const end = Math.min(source.length, at + this.#total - this.#have);
      if (!this.#isPlaced(source, at)) source.copy(record, this.#have, at, end);
      this.#have += end - at;
      at = end;
      if (this.#have === this.#total) this.#complete(record);
    }
  }

  /** The rest of the record at work: what comes next may be read into it. It is not reused before it came. */
  place(): Uint8Array | undefined {
    if (!this.#record) return undefined;
    this.#lent = true;
    return this.#record.subarray(this.#have, this.#total);
  }

  /** Gives back the buffer of a record that never became whole. */
  discard(): void {
    // Something may still be read into memory that was lent.
    if (this.#record && !this.#lent) this.#buffers.release(this.#record);
    this.#record = undefined;
    this.#have = 0;
  }

  /** Whether it is a large record, from its first byte to its last. */
  #isRecord(source: Buffer): boolean {
    if (this.#have > 0 || source.length <= smallRecordBytes || source.length > mostTotal) return false;
    return source.readUInt32BE(0) === source.length - lengthBytes;
  }

  #isPlaced(source: Buffer, at: number): boolean {
    const record = this.#record;
    return record?.buffer === source.buffer && record.byteOffset + this.#have === source.byteOffset + at;
  }

  #readPrefix(source: Buffer, at: number): number {
    const taken = source.copy(this.#prefix, this.#have, at, at + lengthBytes - this.#have);
    this.#have += taken;
    if (this.#have === lengthBytes) {
      this.#total = lengthBytes + this.#prefix.readUInt32BE(0);
      if (this.#total < leastTotal || this.#total > mostTotal)
        throw new XferError('ERR_XFER_TAMPERED', `a record of ${this.#total} bytes cannot be`);
    }
    return taken;
  }

  #begin(): Buffer {
    const record = this.#buffers.acquire(this.#total);
    this.#prefix.copy(record, 0);
    return record;
  }

  #complete(record: Buffer): void {
    const total = this.#total;
    this.#record = undefined;
    this.#have = 0;
    this.#onRecord(record.subarray(0, total), () => this.#buffers.release(record));
  }
}
