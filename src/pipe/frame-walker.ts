import { XferError } from '../errors/index.js';
import { maxMessageBytes } from './endpoint.js';

/** The parts that one message has at most; without a bound empty parts would be memory for nothing. */
export const maxMessageParts = 65_536;

/** The top bit of a frame's length: the next frame is another part of the same message. */
export const moreBit = 0x8000_0000;

const headerBytes = 4;

/** Goes through content that is cut as len32, in any pieces, frame by frame. What the last `step` found is in its fields. */
export class FrameWalker {
  /** Where, in the bytes of the last step, its payload began; it went on to where the step ended. */
  payloadFrom = 0;
  /** The step got to the end of a frame, which may be of no bytes. */
  isFrameEnd = false;
  /** And of a message. */
  isMessageEnd = false;
  /** Of the message, as far as it is announced. */
  #messageBytes = 0;
  #parts = 0;
  /** The frame's header, as far as it is known, and what is still to come of it and of the payload. */
  #header = 0;
  #headerRest = headerBytes;
  #payloadRest = 0;

  /**
   * Goes from `at` to the end of the frame or of the bytes, and says where that is. Throws ERR_XFER_FRAMING for a message that
   * is too long, as soon as that is announced.
   */
  step(bytes: Uint8Array, at: number): number {
    this.isFrameEnd = this.isMessageEnd = false;
    this.payloadFrom = this.#headerRest > 0 ? this.#readHeader(bytes, at) : at;
    if (this.#headerRest > 0) return bytes.length;
    const end = Math.min(this.payloadFrom + this.#payloadRest, bytes.length);
    this.#payloadRest -= end - this.payloadFrom;
    if (this.#payloadRest === 0) this.#endFrame();
    return end;
  }

  /** The offset behind the header, or behind what there is of it. */
  #readHeader(bytes: Uint8Array, from: number): number {
    let at = from;
    for (; at < bytes.length && this.#headerRest > 0; at++) {
      this.#header = this.#header * 256 + (bytes[at] ?? 0);
      this.#headerRest -= 1;
    }
    if (this.#headerRest > 0) return at;
    this.#payloadRest = this.#header % moreBit;
    this.#messageBytes += this.#payloadRest;
    this.#parts += 1;
    checkMessage(this.#messageBytes, this.#parts);
    return at;
  }

  #endFrame(): void {
    this.isFrameEnd = true;
    this.isMessageEnd = this.#header < moreBit;
    this.#header = 0;
    this.#headerRest = headerBytes;
    if (this.isMessageEnd) this.#messageBytes = this.#parts = 0;
  }
}

/** Throws ERR_XFER_FRAMING for a message that is too long, or has too many parts. */
export function checkMessage(bytes: number, parts: number): void {
  if (bytes > maxMessageBytes) throw tooLong('message');
  if (parts > maxMessageParts)
    throw new XferError('ERR_XFER_FRAMING', `a message has more than ${maxMessageParts} parts`);
}

export function tooLong(what: 'line' | 'message'): XferError {
  return new XferError('ERR_XFER_FRAMING', `a ${what} is longer than 100 MiB`);
}

/** What content that is cut as len32 ends with unless it ends behind a message. */
export function cutShort(): XferError {
  return new XferError('ERR_XFER_FRAMING', 'the content ends within a message');
}
