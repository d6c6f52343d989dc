/** Reads the fields of a packet one behind the other. Past its end it gives zeros and empty arrays, and `isWhole` is false. */
export class FieldReader {
  readonly #bytes: Uint8Array;
  #at = 0;
  #isShort = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** All that was asked for was there, and nothing is left. */
  get isWhole(): boolean {
    return !this.#isShort && this.#at === this.#bytes.length;
  }

  /** A view of the next bytes, or an empty one. */
  take(bytes: number): Uint8Array {
    const end = this.#at + bytes;
    if (end > this.#bytes.length) {
      this.#isShort = true;
      return this.#bytes.subarray(0, 0);
    }
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }

  /** Takes all that is left; false where any of it is not zero. */
  takeZeros(): boolean {
    const end = this.#bytes.length;
    let any = 0;
    for (; this.#at < end; this.#at++) any |= this.#bytes[this.#at] ?? 0;
    return any === 0;
  }

  u8 = (): number => this.#number(1);
  u16 = (): number => this.#number(2);
  u32 = (): number => this.#number(4);

  #number(bytes: number): number {
    let value = 0;
    for (const byte of this.take(bytes)) value = value * 256 + byte;
    return value;
  }
}
