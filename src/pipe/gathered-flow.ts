import { blockBytes } from './block-pool.js';
import type { Block, Framing } from './channel.js';
import type { ByteSink } from './endpoint.js';
import type { Flow, Write } from './flow.js';
import { FrameScanner, newline } from './frame-scanner.js';
import { cutShort } from './frame-walker.js';
import { GrowingBytes } from './growing-bytes.js';
import type { Reframer } from './reframer.js';
import type { Turns } from './turns.js';

export interface GatheredFlowOptions {
  readonly write: Write<ByteSink>;
  /** Shared by all flows into the sink. */
  readonly turns: Turns;
  /** How the content is cut as it comes; `bytes` counts as lines. */
  readonly framing: Framing;
  /** Where the sink wants it cut another way. */
  readonly reframer: Reframer | undefined;
}

/**
 * One of several flows into a sink of bytes, which must not tear each other's frames. It writes whole frames when it is its
 * turn, and keeps the beginning of one until its end comes: a copy, so that the reader has room. A frame of more than a block
 * is written as it comes, and the turn lasts until its end.
 */
export class GatheredFlow implements Flow {
  readonly #options: GatheredFlowOptions;
  readonly #scanner: FrameScanner;
  /** The beginning of a frame. */
  readonly #kept = new GrowingBytes();
  #hasTurn = false;

  constructor(options: GatheredFlowOptions) {
    this.#options = options;
    this.#scanner = new FrameScanner(options.framing === 'bytes' ? 'lines' : options.framing);
  }

  async pass(block: Block): Promise<void> {
    const { bytes } = block;
    try {
      const end = this.#scanner.scan(bytes);
      if (end > 0) await this.#writeFrames(bytes.subarray(0, end));
      if (end < bytes.length) await this.#begin(bytes.subarray(end));
    } finally {
      block.release();
    }
  }

  /** A last line gets its newline: others may follow it. */
  async end(): Promise<void> {
    if (this.#scanner.isBetween) return;
    if (this.#options.framing === 'len32') throw cutShort();
    await this.#writeFrames(Uint8Array.of(newline));
  }

  get isWhole(): boolean {
    return !this.#hasTurn;
  }

  /** What was kept, and `rest`, which ends with a frame. */
  async #writeFrames(rest: Uint8Array): Promise<void> {
    await this.#write(rest);
    if (this.#hasTurn) this.#options.turns.pass();
    this.#hasTurn = false;
  }

  async #begin(bytes: Uint8Array): Promise<void> {
    if (this.#hasTurn || this.#kept.length + bytes.length > blockBytes) await this.#write(bytes);
    else this.#kept.add(bytes);
  }

  async #write(bytes: Uint8Array): Promise<void> {
    const { reframer, turns, write } = this.#options;
    const pieces = this.#kept.length === 0 ? [bytes] : [this.#kept.take(), bytes];
    // What cannot become what the sink wants shows before anything of it is written.
    const chunks = reframer ? pieces.flatMap((piece) => reframer.reframe(piece)) : pieces;
    this.#hasTurn ||= await turns.take();
    if (!this.#hasTurn) return;
    for (const chunk of chunks) await write(chunk);
  }
}
