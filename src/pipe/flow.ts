import type { Block } from './channel.js';
import type { ByteSink, Message, MessageSink } from './endpoint.js';
import type { MessageDecoder } from './message-codec.js';
import type { Reframer } from './reframer.js';
import type { Turns } from './turns.js';

/** What content of one channel becomes on its way into a sink. One call at a time; `gathered-flow.ts` is another. */
export interface Flow {
  /**
   * Takes over the block. Resolves when what of it can go has gone into the sink; rejects with what the sink rejects with, or
   * with ERR_XFER_FRAMING.
   */
  pass(block: Block): Promise<void>;
  /** The content is over. Rejects with ERR_XFER_FRAMING where it ends within a message. */
  end(): Promise<void>;
  /** False: the beginning of a frame is in the sink, and its end is not. */
  readonly isWhole: boolean;
}

export type Write<Sink extends ByteSink | MessageSink> = Sink['write'];

/** Bytes as they are, or cut another way. */
export class ByteFlow implements Flow {
  readonly isWhole = true;
  readonly #write: Write<ByteSink>;
  readonly #reframer: Reframer | undefined;

  constructor(write: Write<ByteSink>, reframer?: Reframer) {
    this.#write = write;
    this.#reframer = reframer;
  }

  async pass(block: Block): Promise<void> {
    try {
      if (this.#reframer) await this.#writeAll(this.#reframer.reframe(block.bytes));
      else await this.#write(block.bytes);
    } finally {
      block.release();
    }
  }

  async end(): Promise<void> {
    if (this.#reframer) await this.#writeAll(this.#reframer.end());
  }

  async #writeAll(chunks: readonly Uint8Array[]): Promise<void> {
    for (const chunk of chunks) await this.#write(chunk);
  }
}

/** Whole messages; several flows write in turns. */
export class MessageFlow implements Flow {
  readonly isWhole = true;
  readonly #write: Write<MessageSink>;
  readonly #decoder: MessageDecoder;
  readonly #turns: Turns;

  constructor(write: Write<MessageSink>, decoder: MessageDecoder, turns: Turns) {
    this.#write = write;
    this.#decoder = decoder;
    this.#turns = turns;
  }

  async pass(block: Block): Promise<void> {
    try {
      await this.#writeInTurn(this.#decoder.decode(block.bytes));
    } finally {
      block.release();
    }
  }

  end(): Promise<void> {
    return this.#writeInTurn(this.#decoder.end());
  }

  async #writeInTurn(messages: readonly Message[]): Promise<void> {
    if (messages.length === 0 || !(await this.#turns.take())) return;
    try {
      await this.#write(messages);
    } finally {
      this.#turns.pass();
    }
  }
}
