import { XferError } from '../errors/index.js';
import { ChunkWriter } from './chunk-writer.js';
import { maxMessageBytes, type Message } from './endpoint.js';
import { newline } from './frame-scanner.js';
import { checkMessage, cutShort, FrameWalker, moreBit, tooLong } from './frame-walker.js';
import { GrowingBytes } from './growing-bytes.js';

/**
 * Messages as content, in chunks. Small parts are copied together, large ones are chunks of their own, in the memory of the
 * message. As lines: all parts of a message one line. Throws ERR_XFER_FRAMING for what is too long, or is no line.
 */
export function encodeMessages(messages: readonly Message[], framing: 'len32' | 'lines'): Uint8Array[] {
  const chunks = new ChunkWriter();
  for (const message of messages) {
    let bytes = 0;
    for (const part of message) bytes += part.length;
    checkMessage(bytes, message.length);
    if (framing === 'lines') addLine(chunks, message);
    else addFrames(chunks, message);
  }
  return chunks.take();
}

function addFrames(chunks: ChunkWriter, message: Message): void {
  const last = message.length - 1;
  message.forEach((part, index) => {
    chunks.addLength(index < last ? part.length + moreBit : part.length);
    chunks.add(part);
  });
}

function addLine(chunks: ChunkWriter, message: Message): void {
  for (const part of message) {
    refuseNewline(part);
    chunks.add(part);
  }
  chunks.addByte(newline);
}

/** Throws ERR_XFER_FRAMING where a message that is to be a line has a newline inside. */
export function refuseNewline(part: Uint8Array): void {
  if (part.includes(newline))
    throw new XferError('ERR_XFER_FRAMING', 'a message with a newline in it cannot be a line', {
      remedy: 'use --frame len32 on both sides',
    });
}

/**
 * Messages out of content that comes in any pieces. A message that lies in one piece as a whole is given as a part of it; what
 * goes on into the next piece is copied. Memory is taken for content that is there, not for lengths that are announced.
 */
export interface MessageDecoder {
  /** All messages that end within `bytes`. */
  decode(bytes: Uint8Array): Message[];
  /** The content is over: a last line. Throws ERR_XFER_FRAMING where a message is not all. */
  end(): Message[];
}

export function messageDecoder(framing: 'len32' | 'lines'): MessageDecoder {
  return framing === 'lines' ? new LineDecoder() : new FrameDecoder();
}

class LineDecoder implements MessageDecoder {
  readonly #begun = new GrowingBytes();

  decode(bytes: Uint8Array): Message[] {
    const messages: Message[] = [];
    let from = 0;
    for (;;) {
      const end = bytes.indexOf(newline, from);
      const rest = bytes.subarray(from, end === -1 ? bytes.length : end);
      if (this.#begun.length + rest.length > maxMessageBytes) throw tooLong('line');
      if (end === -1) {
        this.#begun.add(rest);
        return messages;
      }
      messages.push([this.#begun.length === 0 ? rest : this.#begun.takeWith(rest)]);
      from = end + 1;
    }
  }

  end(): Message[] {
    return this.#begun.length === 0 ? [] : [[this.#begun.take()]];
  }
}

class FrameDecoder implements MessageDecoder {
  readonly #walker = new FrameWalker();
  /** Of the message: the parts that are whole, and the one that has begun. */
  #parts: Uint8Array[] = [];
  readonly #part = new GrowingBytes();
  #isBetween = true;

  decode(bytes: Uint8Array): Message[] {
    const messages: Message[] = [];
    /** As many of the parts are in memory of their own. */
    let owned = this.#parts.length;
    for (let at = 0; at < bytes.length;) {
      at = this.#walker.step(bytes, at);
      this.#isBetween = this.#walker.isMessageEnd;
      const piece = bytes.subarray(this.#walker.payloadFrom, at);
      if (!this.#walker.isFrameEnd) {
        this.#part.add(piece);
        break;
      }
      this.#parts.push(this.#part.length === 0 ? piece : this.#part.takeWith(piece));
      if (!this.#walker.isMessageEnd) continue;
      messages.push(this.#parts);
      this.#parts = [];
      owned = 0;
    }
    for (; owned < this.#parts.length; owned++)
      this.#parts[owned] = Uint8Array.from(this.#parts[owned] ?? []);
    return messages;
  }

  end(): Message[] {
    if (!this.#isBetween) throw cutShort();
    return [];
  }
}
