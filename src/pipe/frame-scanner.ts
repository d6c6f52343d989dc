import type { Framing } from './channel.js';
import { maxMessageBytes } from './endpoint.js';
import { FrameWalker, tooLong } from './frame-walker.js';

export const newline = 10;

/** Finds where frames end in content that comes in any pieces. A frame is here a line, or a message with all its parts. */
export class FrameScanner {
  readonly #framing: Framing;
  readonly #walker = new FrameWalker();
  /** Of the line that has begun. */
  #lineBytes = 0;
  #isBetween = true;

  constructor(framing: Framing) {
    this.#framing = framing;
  }

  /** Everything that was scanned is whole frames. */
  get isBetween(): boolean {
    return this.#isBetween;
  }

  /**
   * Looks at the next content. The offset just behind the last frame that ends within it, 0 where none does. Throws
   * ERR_XFER_FRAMING for a frame that is too long.
   */
  scan(bytes: Uint8Array): number {
    if (this.#framing === 'bytes') return bytes.length;
    const end = this.#framing === 'lines' ? this.#scanLines(bytes) : this.#scanMessages(bytes);
    if (bytes.length > 0) this.#isBetween = end === bytes.length;
    return end;
  }

  /** Only the line that goes on behind `bytes` is measured: one that ends within them is hardly longer than they are. */
  #scanLines(bytes: Uint8Array): number {
    const end = bytes.lastIndexOf(newline) + 1;
    this.#lineBytes = end === 0 ? this.#lineBytes + bytes.length : bytes.length - end;
    if (this.#lineBytes > maxMessageBytes) throw tooLong('line');
    return end;
  }

  #scanMessages(bytes: Uint8Array): number {
    let end = 0;
    for (let at = 0; at < bytes.length;) {
      at = this.#walker.step(bytes, at);
      if (this.#walker.isMessageEnd) end = at;
    }
    return end;
  }
}
