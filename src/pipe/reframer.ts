import { XferError } from '../errors/index.js';
import type { Framing } from './channel.js';
import { ChunkWriter } from './chunk-writer.js';
import { FrameScanner, newline } from './frame-scanner.js';
import { cutShort, FrameWalker } from './frame-walker.js';
import { encodeMessages, messageDecoder, refuseNewline } from './message-codec.js';

/** Turns content that is cut one way into content that is cut another way, as it comes. */
export interface Reframer {
  /** Chunks in order, some of them parts of `bytes`. Throws ERR_XFER_FRAMING. */
  reframe(bytes: Uint8Array): readonly Uint8Array[];
  /** The content is over. Throws ERR_XFER_FRAMING where it ends within a message. */
  end(): readonly Uint8Array[];
}

/** Lines are bytes as well, and bytes lines; bytes as messages would have no ends: ERR_XFER_FRAMING. */
export function reframer(from: Framing, to: Framing): Reframer {
  if (from === 'len32') return to === 'len32' ? new Checked() : new Unframer(to);
  if (to !== 'len32') return asItIs;
  if (from === 'bytes') throw uncut();
  return new LinesToFrames();
}

/** Content without cuts cannot become messages. */
export function uncut(): XferError {
  return new XferError('ERR_XFER_FRAMING', 'messages are wanted here, and what comes is not cut into any', {
    remedy: 'start the other side with --frame lines or len32',
  });
}

const asItIs: Reframer = { reframe: (bytes) => [bytes], end: () => [] };

/** Messages to messages: all that is done is to see that they are whole. */
class Checked implements Reframer {
  readonly #scanner = new FrameScanner('len32');

  reframe(bytes: Uint8Array): readonly Uint8Array[] {
    this.#scanner.scan(bytes);
    return [bytes];
  }

  end(): readonly Uint8Array[] {
    if (!this.#scanner.isBetween) throw cutShort();
    return [];
  }
}

class LinesToFrames implements Reframer {
  readonly #decoder = messageDecoder('lines');

  reframe(bytes: Uint8Array): readonly Uint8Array[] {
    return encodeMessages(this.#decoder.decode(bytes), 'len32');
  }

  end(): readonly Uint8Array[] {
    return encodeMessages(this.#decoder.end(), 'len32');
  }
}

/** Payloads alone, or a line for each message. A payload goes on before its end has come. */
class Unframer implements Reframer {
  readonly #to: 'bytes' | 'lines';
  readonly #walker = new FrameWalker();
  #isBetween = true;

  constructor(to: 'bytes' | 'lines') {
    this.#to = to;
  }

  reframe(bytes: Uint8Array): readonly Uint8Array[] {
    const chunks = new ChunkWriter();
    for (let at = 0; at < bytes.length;) {
      at = this.#walker.step(bytes, at);
      this.#isBetween = this.#walker.isMessageEnd;
      const piece = bytes.subarray(this.#walker.payloadFrom, at);
      if (this.#to === 'lines') refuseNewline(piece);
      chunks.add(piece);
      if (this.#to === 'lines' && this.#isBetween) chunks.addByte(newline);
    }
    return chunks.take();
  }

  end(): readonly Uint8Array[] {
    if (!this.#isBetween) throw cutShort();
    return [];
  }
}
