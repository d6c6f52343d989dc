import { asXferError, type XferError } from '../errors/index.js';
import type { Block, Framing, PipeReader } from './channel.js';
import type { ByteSink, PipeSink } from './endpoint.js';

/** What a drain reads: a channel's half, and how its content is cut, which is looked at when the first content is there. */
export interface DrainInput {
  readonly reader: PipeReader;
  readonly framing: Framing;
}

export interface DrainOptions {
  /** How a byte sink wants its content cut; without it content goes as it is. Message sinks get messages in any case. */
  readonly framing?: Framing;
  /** Aborting it stops the readers and aborts the sink; `drain` rejects with its reason. */
  readonly signal?: AbortSignal;
  /** So many bytes have gone to the sink in all, as they came on the channels. */
  onProgress?(bytes: number): void;
}

/**
 * Moves all content of channels into a sink, and tells the other sides when it has gone where it goes. Rejects with the sink's
 * error, and then the readers are stopped with it; or with a reader's, and then the sink is aborted with it.
 */
export async function drain(
  inputs: readonly DrainInput[],
  sink: PipeSink,
  options: DrainOptions = {},
): Promise<void> {
  await new Drain(inputs, sink, options).run();
}

class Drain {
  readonly #inputs: readonly DrainInput[];
  readonly #sink: PipeSink;
  readonly #options: DrainOptions;
  #bytes = 0;
  #isOver = false;
  #reject!: (error: XferError) => void;
  /** Rejects as soon as the drain has failed, whatever else still waits. */
  readonly #failed = new Promise<never>((_, reject) => (this.#reject = reject));

  constructor(inputs: readonly DrainInput[], sink: PipeSink, options: DrainOptions) {
    this.#inputs = inputs;
    this.#sink = sink;
    this.#options = options;
  }

  async run(): Promise<void> {
    const { signal } = this.#options;
    const onAbort = () => this.#fail(asXferError(signal?.reason), true);
    if (signal?.aborted) onAbort();
    signal?.addEventListener('abort', onAbort);
    this.#sink.onBroken((error) => this.#fail(error, false));
    try {
      await Promise.race([this.#move(), this.#failed]);
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }

  async #move(): Promise<void> {
    const [input] = this.#inputs;
    if (input && this.#sink.kind === 'bytes') await this.#pump(input.reader, this.#sink);
    if (!this.#isOver) await this.#end();
  }

  async #end(): Promise<void> {
    try {
      await this.#sink.end();
    } catch (error) {
      this.#fail(asXferError(error), false);
      return;
    }
    if (this.#isOver) return;
    this.#isOver = true;
    for (const { reader } of this.#inputs) reader.delivered();
  }

  /** Reads the next block while the last one is being written. */
  async #pump(reader: PipeReader, sink: ByteSink): Promise<void> {
    let writing = Promise.resolve();
    for (;;) {
      const block = await this.#read(reader);
      await writing;
      if (!block) return;
      if (this.#isOver) return block.release();
      writing = this.#write(block, sink);
    }
  }

  async #read(reader: PipeReader): Promise<Block | undefined> {
    try {
      return await reader.read();
    } catch (error) {
      this.#fail(asXferError(error), true);
      return undefined;
    }
  }

  async #write(block: Block, sink: ByteSink): Promise<void> {
    try {
      await sink.write(block.bytes);
      this.#bytes += block.bytes.length;
      this.#options.onProgress?.(this.#bytes);
    } catch (error) {
      this.#fail(asXferError(error), false);
    } finally {
      block.release();
    }
  }

  #fail(error: XferError, isSinkWell: boolean): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const { reader } of this.#inputs) reader.stop(error);
    if (isSinkWell) this.#sink.abort(error);
    this.#reject(error);
  }
}
