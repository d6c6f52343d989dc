import { pipeDefaults } from '../config/index.js';
import { asXferError, type XferError } from '../errors/index.js';
import { BlockPool, type SharedBlock } from './block-pool.js';
import type { Framing, PipeWriter } from './channel.js';
import { Coalescer } from './coalescer.js';
import type { ByteSource, PipeSource } from './endpoint.js';
import { FanOut } from './fan-out.js';
import type { Outlet } from './outlet.js';

export interface FeedOptions {
  /** How the content of a byte source is cut. Messages always go as len32. */
  readonly framing: Framing;
  /** For how long content may wait for more to go with it; 0: not at all. Default: pipeDefaults. */
  readonly coalesceMs?: number;
  /** What becomes of all others when one of several writers does not keep up. Default: wait. */
  readonly slow?: 'wait' | 'drop';
  /** Each frame (of `bytes`: each block) goes to one of the writers, not to all. Default: false. */
  readonly balance?: boolean;
  /** Aborting it stops the source and resets the writers; `feed` rejects with its reason. */
  readonly signal?: AbortSignal;
  /** Of several writers one failed, or was dropped; the others go on. By its place in `writers`. */
  onDropped?(index: number, error: XferError): void;
  /** So many bytes have been written in all. */
  onProgress?(bytes: number): void;
}

/**
 * Moves all content of a source into one or more channels. The source is read at once, whether or not the other side is there.
 * Resolves when every writer is done, which is when its other side has delivered all. Rejects with the source's error, and
 * then the writers are reset with it; with the last writer's end, and then the source is stopped at once; or, after the
 * others are done, with the first error of one of several writers.
 */
export async function feed(
  source: PipeSource,
  writers: readonly PipeWriter[],
  options: FeedOptions,
): Promise<void> {
  await new Feed(source, writers, options).run();
}

/** Memory that blocks are read into, of all feeds of this process. */
const pool = new BlockPool();

class Feed {
  readonly #source: PipeSource;
  readonly #outlet: Outlet;
  readonly #options: FeedOptions;
  readonly #coalescer: Coalescer;
  /** Why nothing more is to be read. */
  #error: XferError | undefined;
  #bytes = 0;

  constructor(source: PipeSource, writers: readonly PipeWriter[], options: FeedOptions) {
    this.#source = source;
    this.#options = options;
    this.#outlet = new FanOut(writers, {
      ...(options.slow === 'drop' ? { slow: pipeDefaults.slow } : {}),
      onDropped: (index, error) => options.onDropped?.(index, error),
      onGone: (error) => this.#stop(error),
    });
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
      throw this.#error ?? error;
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
    if (this.#error) throw this.#error;
  }

  async #pour(): Promise<void> {
    try {
      if (this.#source.kind === 'bytes') await this.#pourBytes(this.#source);
      if (this.#error) throw this.#error;
      this.#coalescer.flush();
    } catch (error) {
      this.#outlet.reset(asXferError(error));
      throw error;
    } finally {
      this.#coalescer.close();
    }
  }

  async #pourBytes(source: ByteSource): Promise<void> {
    while (!this.#error) {
      const bytes = await source.read(this.#coalescer.room());
      if (bytes === 0) return;
      this.#coalescer.filled(bytes);
      if (!this.#outlet.hasRoom) await this.#outlet.room();
    }
  }

  #write(block: SharedBlock): void {
    this.#bytes += block.bytes.length;
    this.#outlet.write(block);
    this.#options.onProgress?.(this.#bytes);
  }

  #stop(error: XferError): void {
    if (this.#error) return;
    this.#error = error;
    this.#source.stop();
    this.#outlet.reset(error);
  }
}
