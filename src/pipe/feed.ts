import { pipeDefaults, slowDefaults } from '../config/index.js';
import { asXferError, type XferError } from '../errors/index.js';
import { Balancer } from './balancer.js';
import { blockBytes, BlockPool, type SharedBlock } from './block-pool.js';
import type { Framing, PipeWriter } from './channel.js';
import { Coalescer } from './coalescer.js';
import type { ByteSource, MessageSource, PipeSource } from './endpoint.js';
import { FanOut } from './fan-out.js';
import { FrameScanner } from './frame-scanner.js';
import { cutShort } from './frame-walker.js';
import { encodeMessages } from './message-codec.js';
import type { Outlet, OutletOptions } from './outlet.js';

export interface FeedOptions {
  /** How the content of the channels is cut. Of messages `lines` makes lines, and all else len32. */
  readonly framing: Framing;
  /** For how long content may wait for more to go with it; 0: not at all. Default: pipeDefaults. */
  readonly coalesceMs?: number;
  /**
   * What becomes of all others when one of several writers does not keep up: they wait, or it is reset (slowDefaults). With
   * `balance` nobody waits for it but the end. Default: wait.
   */
  readonly slow?: 'wait' | 'drop';
  /** Each frame (of `bytes`: each block) goes to one of the writers, not to all. Default: false. */
  readonly balance?: boolean;
  /** Aborting it stops the source and resets the writers; `feed` rejects with its reason. */
  readonly signal?: AbortSignal;
  /** Of several writers one failed, or was dropped; any others go on. By its place in `writers`. */
  onDropped?(index: number, error: XferError): void;
  /** So many bytes have been written in all. */
  onProgress?(bytes: number): void;
}

/**
 * Moves all content of a source into one or more channels. The source is read at once, whether or not the other side is there.
 * Resolves when every writer is done, which is when its other side has delivered all. Rejects with the source's error,
 * which the other sides get behind all that came before it; with the last writer's end, and then the source is stopped at once;
 * or, after the others are done, with the first error of one of several writers.
 */
export async function feed(
  source: PipeSource,
  writers: readonly PipeWriter[],
  options: FeedOptions,
): Promise<void> {
  await new Feed(source, writers, options).run();
}

/** How what a feed of this source writes is cut: what the other side is to be told. */
function framingOf(source: PipeSource, wanted: Framing): Framing {
  return source.kind === 'messages' && wanted === 'bytes' ? 'len32' : wanted;
}

/** Memory that blocks are read into, of all feeds of this process. */
const pool = new BlockPool();

class Feed {
  readonly #source: PipeSource;
  readonly #outlet: Outlet;
  readonly #options: FeedOptions;
  readonly #framing: Framing;
  /** Sees that what a byte source says are messages are whole messages. */
  readonly #checked: FrameScanner | undefined;
  readonly #coalescer: Coalescer;
  /** Why nothing more is to be read. */
  #error: XferError | undefined;
  #bytes = 0;

  constructor(source: PipeSource, writers: readonly PipeWriter[], options: FeedOptions) {
    this.#source = source;
    this.#options = options;
    this.#framing = framingOf(source, options.framing);
    this.#outlet = this.#outletOf(writers);
    const isChecked = this.#framing === 'len32' && source.kind === 'bytes';
    this.#checked = isChecked ? new FrameScanner('len32') : undefined;
    this.#coalescer = new Coalescer({
      pool,
      coalesceMs: options.coalesceMs ?? pipeDefaults.coalesceMs,
      onBlock: (block) => this.#write(block),
    });
  }

  async run(): Promise<void> {
    const { signal } = this.#options;
    const onAbort = () => this.#stop(asXferError(signal?.reason));
    if (signal?.aborted) onAbort();
    signal?.addEventListener('abort', onAbort);
    try {
      await this.#pour();
      await this.#outlet.finish();
    } catch (error) {
      throw this.#error ?? asXferError(error);
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
    if (this.#error) throw this.#error;
  }

  #outletOf(writers: readonly PipeWriter[]): Outlet {
    const { balance, slow } = this.#options;
    const told: OutletOptions = {
      onDropped: (index, error) => this.#options.onDropped?.(index, error),
      onGone: (error) => this.#stop(error),
    };
    const isDropping = slow === 'drop';
    if (!balance || writers.length === 1)
      return new FanOut(writers, isDropping ? { ...told, slow: slowDefaults } : told);
    const { standstillMs } = slowDefaults;
    return new Balancer(writers, {
      ...told,
      framing: this.#framing,
      ...(isDropping ? { standstillMs } : {}),
    });
  }

  async #pour(): Promise<void> {
    try {
      if (this.#source.kind === 'bytes') await this.#pourBytes(this.#source);
      else await this.#pourMessages(this.#source);
      this.#coalescer.flush();
      if (this.#error) throw this.#error;
      if (this.#checked?.isBetween === false) throw cutShort();
    } catch (error) {
      await this.#fail(asXferError(error));
      throw error;
    } finally {
      this.#coalescer.close();
    }
  }

  /** A source that fails has given what it has given. */
  async #fail(error: XferError): Promise<void> {
    if (!this.#error) {
      this.#coalescer.flush();
      await this.#outlet.finish(error).catch(() => undefined);
    }
    this.#outlet.reset(error);
  }

  async #pourBytes(source: ByteSource): Promise<void> {
    while (!this.#error) {
      const readable = source.readable?.();
      if (readable) await this.#rest(readable);
      const bytes = await source.read(this.#coalescer.room());
      if (bytes === 0) return;
      this.#coalescer.filled(bytes);
      if (!this.#outlet.hasRoom) await this.#outlet.room();
    }
  }

  /** Memory is kept for a while: each bit of a slow stream in memory of its own would take as much as the window has bits. */
  async #rest(readable: Promise<void>): Promise<void> {
    const timer = setTimeout(() => this.#coalescer.rest(), pipeDefaults.restMs);
    await readable.finally(() => clearTimeout(timer));
  }

  async #pourMessages(source: MessageSource): Promise<void> {
    const framing = this.#framing === 'lines' ? 'lines' : 'len32';
    while (!this.#error) {
      const messages = await source.read(blockBytes);
      if (!messages) return;
      for (const chunk of encodeMessages(messages, framing)) this.#coalescer.add(chunk);
      if (!this.#outlet.hasRoom) await this.#outlet.room();
    }
  }

  /** Called by the coalescer, from its timer too: what is wrong with the content shows in `run`. */
  #write(block: SharedBlock): void {
    const { length } = block.bytes;
    try {
      this.#checked?.scan(block.bytes);
    } catch (error) {
      block.release();
      this.#stop(asXferError(error));
      return;
    }
    try {
      this.#outlet.write(block);
    } catch (error) {
      this.#stop(asXferError(error));
    }
    this.#bytes += length;
    this.#options.onProgress?.(this.#bytes);
  }

  #stop(error: XferError): void {
    if (this.#error) return;
    this.#error = error;
    try {
      this.#source.stop();
    } catch {
      // A plugin's fault, which is to keep nobody from the rest: this is called by signals and timers, too.
    }
    this.#outlet.reset(error);
  }
}
