import { violation } from './message-head.js';

/** Reads the fields of one message in order; throws where there are too few bytes or too many. */
export class BootstrapFields {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  uint8(): number {
    return this.#take(1).readUInt8();
  }

  uint16(): number {
    return this.#take(2).readUInt16BE();
  }

  uint32(): number {
    return this.#take(4).readUInt32BE();
  }

  uint64(): bigint {
    return this.#take(8).readBigUInt64BE();
  }

  /** A copy. */
  bytes(length: number): Uint8Array {
    return new Uint8Array(this.#take(length));
  }

  /** UTF-8 of so many bytes, without what steers terminals. */
  text(length: number, most: number): string {
    if (length > most) throw violation('an exchange with words that are too long');
    return this.#take(length).toString('utf8').replace(/\p{C}/gu, '?');
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw violation('an exchange with more than belongs to it');
  }

  #take(length: number): Buffer {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw violation('an exchange that is cut off');
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }
}

/** Writes them. */
export class BootstrapWriter {
  readonly #parts: Uint8Array[] = [];

  uint8(value: number): this {
    return this.bytes(Uint8Array.of(value));
  }

  uint16(value: number): this {
    const part = Buffer.alloc(2);
    part.writeUInt16BE(value);
    return this.bytes(part);
  }

  uint32(value: number): this {
    const part = Buffer.alloc(4);
    part.writeUInt32BE(value);
    return this.bytes(part);
  }

  uint64(value: bigint): this {
    const part = Buffer.alloc(8);
    part.writeBigUInt64BE(value);
    return this.bytes(part);
  }

  bytes(part: Uint8Array): this {
    this.#parts.push(part);
    return this;
  }

  /** Its length u8, then UTF-8; what is past `most` bytes is left out. */
  text8(text: string, most: number): this {
    const part = cut(text, most);
    return this.uint8(part.length).bytes(part);
  }

  /** Its length u16, then UTF-8. */
  text16(text: string, most: number): this {
    const part = cut(text, most);
    return this.uint16(part.length).bytes(part);
  }

  take(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

/** At most so many bytes, never half a character. */
function cut(text: string, most: number): Buffer {
  const bytes = Buffer.from(text);
  if (bytes.length <= most) return bytes;
  let end = most;
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.subarray(0, end);
}
