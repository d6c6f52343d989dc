/** Type bytes of docs/udp.md. */
export const frameType = Object.freeze({
  padding: 0,
  ping: 1,
  ack: 2,
  controlData: 3,
  pathChallenge: 4,
  pathResponse: 5,
  close: 6,
});

/** Bytes of an ACK of one range, and of each further range; of a CONTROL_DATA frame without its content. */
export const ackBytes = 25;
export const ackRangeBytes = 8;
export const controlDataBytes = 9;
/** PATH_CHALLENGE and PATH_RESPONSE bring so many bytes. */
export const pathTokenBytes = 8;

const maxReasonBytes = 255;

/** Of most control packets there is less; an idle connection has no more memory for them. */
const firstBytes = 256;
const encoder = new TextEncoder();

/** Writes the frames of one control packet after the other into one buffer, which grows to `maxBytes`; `take` gives a copy of what there is. */
export class FrameWriter {
  readonly #maxBytes: number;
  #bytes: Uint8Array;
  #view: DataView;
  #at = 0;
  #limit = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
    this.#bytes = new Uint8Array(Math.min(firstBytes, maxBytes));
    this.#view = new DataView(this.#bytes.buffer);
  }

  get writtenBytes(): number {
    return this.#at;
  }

  get roomBytes(): number {
    return this.#limit - this.#at;
  }

  begin(limitBytes: number): void {
    this.#at = 0;
    this.#limit = Math.min(limitBytes, this.#maxBytes);
  }

  /** Goes on, up to another limit. */
  extend(limitBytes: number): void {
    this.#limit = Math.min(limitBytes, this.#maxBytes);
  }

  take(): Uint8Array {
    return this.#bytes.slice(0, this.#at);
  }

  u8(value: number): void {
    if (this.#at === this.#bytes.length) this.#reserve(1);
    this.#bytes[this.#at++] = value;
  }

  u16(value: number): void {
    this.#reserve(2);
    this.#view.setUint16(this.#at, value);
    this.#at += 2;
  }

  u32(value: number): void {
    this.#reserve(4);
    this.#view.setUint32(this.#at, value);
    this.#at += 4;
  }

  u48(value: number): void {
    this.u16(Math.floor(value / 2 ** 32));
    this.u32(value >>> 0);
  }

  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  ping(): void {
    this.u8(frameType.ping);
  }

  /** The header; `length` bytes of content follow by `raw`. */
  controlData(offset: number, length: number): void {
    this.u8(frameType.controlData);
    this.u48(offset);
    this.u16(length);
  }

  pathChallenge(token: Uint8Array): void {
    this.u8(frameType.pathChallenge);
    this.raw(token);
  }

  pathResponse(token: Uint8Array): void {
    this.u8(frameType.pathResponse);
    this.raw(token);
  }

  /** A reason that does not fit is cut, between characters. */
  close(code: number, reason: string): void {
    const room = Math.min(maxReasonBytes, this.roomBytes - 4);
    this.#reserve(4 + room);
    const at = this.#at + 4;
    const { written } = encoder.encodeInto(reason, this.#bytes.subarray(at, at + room));
    this.u8(frameType.close);
    this.u16(code);
    this.u8(written);
    this.#at += written;
  }

  #reserve(bytes: number): void {
    const needed = this.#at + bytes;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.min(this.#maxBytes, Math.max(needed, 2 * this.#bytes.length)));
    grown.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}
