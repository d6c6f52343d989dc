import { wsDefaults } from 'xfer/plugin';

/** What is read at once at most; the same that a socket of tcp reads (see `adopt-socket.ts`). */
const bufferBytes = 256 * 1024;

/** RFC 6455 §5.2: FIN and the opcode of a binary message, nothing else. */
const wholeBinary = 0x82;
/** With its header; what is longer the receiver refuses as soon as it sees the beginning. */
const mostFrameBytes = wsDefaults.maxMessageBytes + 14;
const maskBit = 0x80;
const lengthBits = 0x7f;

/**
 * Gives a WebSocket receiver the bytes of a socket from one buffer that is used again and again, cut where frames end: of whole
 * binary messages it keeps nothing, so nothing has to be allocated for them. Whatever it may keep is given as a copy: frames of
 * messages in several, pings, text, and all from a frame on that is too long. Nothing is judged here.
 */
export class WholeFrames {
  readonly #give: (bytes: Buffer) => void;
  readonly #buffer = Buffer.allocUnsafeSlow(bufferBytes);
  /** At the beginning of the buffer: of a frame that has not come wholly. */
  #heldBytes = 0;
  #isCut = true;

  /** `give` may use the bytes until it returns; those of a frame that is not a whole binary message for as long as it likes. */
  constructor(give: (bytes: Buffer) => void) {
    this.#give = give;
  }

  /** Where the next bytes are to be put. */
  room(): Buffer {
    return this.#buffer.subarray(this.#heldBytes);
  }

  /** So many have been put into `room()`. */
  take(count: number): void {
    const end = this.#heldBytes + count;
    const { at, isPlain } = this.#isCut ? this.#wholeUntil(end) : { at: end, isPlain: false };
    this.#heldBytes = end - at;
    if (at > 0) {
      const whole = this.#buffer.subarray(0, at);
      this.#give(isPlain ? whole : Buffer.from(whole));
    }
    this.#buffer.copyWithin(0, at, end);
  }

  /** Where the last whole frame ends, and whether all of them are binary messages. */
  #wholeUntil(end: number): { readonly at: number; readonly isPlain: boolean } {
    let at = 0;
    let isPlain = true;
    for (;;) {
      const bytes = frameBytes(this.#buffer, at, end);
      if (bytes === undefined) return { at, isPlain };
      if (bytes > mostFrameBytes) {
        this.#isCut = false;
        return { at: end, isPlain: false };
      }
      if (at + bytes > end) return { at, isPlain };
      isPlain &&= this.#buffer[at] === wholeBinary;
      at += bytes;
    }
  }
}

/** Of the frame that begins at `at`, its header included; undefined: not enough of it is there. */
function frameBytes(buffer: Buffer, at: number, end: number): number | undefined {
  if (end - at < 2) return undefined;
  const second = buffer[at + 1] as number;
  const length = second & lengthBits;
  const wide = length === 126 ? 2 : length === 127 ? 8 : 0;
  const headerBytes = 2 + wide + (second & maskBit ? 4 : 0);
  if (end - at < headerBytes) return undefined;
  if (wide === 0) return headerBytes + length;
  if (wide === 2) return headerBytes + buffer.readUInt16BE(at + 2);
  return headerBytes + Number(buffer.readBigUInt64BE(at + 2));
}
