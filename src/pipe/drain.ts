import { transportDefaults } from '../config/index.js';
import { asXferError, XferError } from '../errors/index.js';
import type { Block, Framing, PipeReader } from './channel.js';
import type { ByteSink, PipeSink } from './endpoint.js';
import { ByteFlow, MessageFlow, type Flow } from './flow.js';
import { GatheredFlow } from './gathered-flow.js';
import { messageDecoder } from './message-codec.js';
import { reframer, uncut } from './reframer.js';
import { Turns } from './turns.js';

/** What a drain reads: a channel's half, and how its content is cut, which is looked at when the first content is there. */
export interface DrainInput {
  readonly reader: PipeReader;
  readonly framing: Framing;
  /** What is read comes from this machine. Default: false. */
  readonly isHere?: boolean;
}

export interface DrainOptions {
  /** How a byte sink wants its content cut; without it content goes as it is. Message sinks get messages in any case. */
  readonly framing?: Framing | undefined;
  /** Aborting it stops the readers and aborts the sink; `drain` rejects with its reason. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Aborts when nobody of another machine sends any more: the readers say so themselves, but not to who waits for a sink. Where
   * some of the content is missing, none is to come from this machine, and the sink takes nothing for closeTimeoutMs, it is
   * aborted, and `drain` rejects with the reason.
   */
  readonly gone?: AbortSignal | undefined;
  /** Of several readers one failed. By its place in `inputs`. */
  onDropped?(index: number, error: XferError): void;
  /** So many bytes have been taken by the sink in all, as they came on the channels. */
  onProgress?(bytes: number): void;
}

/**
 * Moves all content of channels into a sink, and tells the other sides when it has gone where it goes. What comes from several
 * is gathered by whole frames, lines where it is not cut otherwise, in fair turns. Rejects with the sink's error, and then the
 * readers are stopped with it; or with a reader's: of one alone at once, and the sink is aborted with it; of several at the
 * end of the others, whose content has then gone where it goes. What such a reader began and did not end is left out; where it
 * was too long to be kept, and has gone into the sink, that reader's error is everybody's.
 */
export async function drain(
  inputs: readonly DrainInput[],
  sink: PipeSink,
  options: DrainOptions = {},
): Promise<void> {
  await new Drain(inputs, sink, options).run();
}

class Drain {
  readonly #inputs: readonly Input[];
  readonly #sink: PipeSink;
  readonly #options: DrainOptions;
  readonly #turns = new Turns();
  /** How all that is gathered into a byte sink is cut. */
  #common: Framing | undefined;
  #bytes = 0;
  /** Inputs whose end has not come. */
  #unended: number;
  #patience: NodeJS.Timeout | undefined;
  #firstError: XferError | undefined;
  /** Nothing more is to be done at the sink. */
  #isOver = false;
  #reject!: (error: XferError) => void;
  /** Rejects as soon as all has failed, whatever still waits. */
  readonly #failed = new Promise<never>((_, reject) => (this.#reject = reject));

  constructor(inputs: readonly DrainInput[], sink: PipeSink, options: DrainOptions) {
    this.#inputs = inputs.map((input) => new Input(input));
    this.#unended = inputs.length;
    this.#sink = sink;
    this.#options = options;
  }

  async run(): Promise<void> {
    const { signal, gone } = this.#options;
    const onAbort = () => this.#abort(asXferError(signal?.reason));
    const onGone = () => this.#loseHope(asXferError(gone?.reason));
    signal?.addEventListener('abort', onAbort);
    gone?.addEventListener('abort', onGone);
    this.#sink.onBroken((error) => this.#fail(error));
    if (signal?.aborted) onAbort();
    if (gone?.aborted) onGone();
    try {
      await Promise.race([this.#move(), this.#failed]);
    } finally {
      signal?.removeEventListener('abort', onAbort);
      gone?.removeEventListener('abort', onGone);
      clearTimeout(this.#patience);
    }
  }

  /** Goes on as long as the sink takes something, or something may come from here, and where all content is here. */
  #loseHope(error: XferError): void {
    const before = this.#bytes;
    this.#patience = setTimeout(() => {
      if (this.#unended === 0) return;
      if (this.#bytes === before && !this.#inputs.some(({ isFed }) => isFed)) this.#abort(error);
      else this.#loseHope(error);
    }, transportDefaults.closeTimeoutMs);
  }

  async #move(): Promise<void> {
    await Promise.all(this.#inputs.map((input) => this.#pump(input)));
    if (!this.#isOver) await this.#end();
    if (this.#firstError) throw this.#firstError;
  }

  async #end(): Promise<void> {
    try {
      await this.#sink.end();
    } catch (error) {
      this.#fail(asXferError(error));
    }
    if (this.#isOver) return;
    this.#isOver = true;
    for (const input of this.#inputs) if (!input.isOver) input.reader.delivered();
  }

  /** Reads the next block while the last one is on its way into the sink. */
  async #pump(input: Input): Promise<void> {
    let passing = Promise.resolve();
    try {
      for (;;) {
        const block = await input.reader.read();
        if (!block) {
          this.#unended--;
          input.hasEnded = true;
        }
        await passing;
        if (input.isOver) return block?.release();
        if (!block) break;
        passing = this.#pass(input, block);
      }
      await this.#flowOf(input).end();
    } catch (error) {
      await passing;
      this.#failInput(input, asXferError(error));
    }
  }

  async #pass(input: Input, block: Block): Promise<void> {
    const { length } = block.bytes;
    try {
      await this.#flow(input, block).pass(block);
      this.#bytes += length;
      this.#options.onProgress?.(this.#bytes);
    } catch (error) {
      this.#failInput(input, asXferError(error));
    }
  }

  #flow(input: Input, block: Block): Flow {
    try {
      return this.#flowOf(input);
    } catch (error) {
      block.release();
      throw error;
    }
  }

  /** Made with the first content: only then it is known how that is cut. */
  #flowOf(input: Input): Flow {
    input.flow ??= this.#newFlow(input);
    return input.flow;
  }

  #newFlow({ framing }: Input): Flow {
    const sink = this.#sink;
    if (sink.kind === 'messages') {
      if (framing === 'bytes') throw uncut();
      return new MessageFlow(
        (messages) => this.#guarded(() => sink.write(messages)),
        messageDecoder(framing),
        this.#turns,
      );
    }
    const wanted = this.#options.framing;
    const write: ByteSink['write'] = (bytes) => this.#guarded(() => sink.write(bytes));
    if (this.#inputs.length === 1)
      return new ByteFlow(write, wanted === undefined ? undefined : reframer(framing, wanted));
    // Lines and bytes are the same to whoever gathers.
    const from = framing === 'bytes' ? 'lines' : framing;
    this.#common ??= wanted ?? from;
    if (wanted === undefined && this.#common !== from) throw mixed();
    return new GatheredFlow({
      write,
      turns: this.#turns,
      framing: from,
      reframer: from === this.#common ? undefined : reframer(from, this.#common),
    });
  }

  /** One call at the sink, whose error is everybody's. */
  async #guarded(call: () => Promise<void>): Promise<void> {
    if (this.#isOver) throw this.#firstError ?? new XferError('ERR_XFER_INTERNAL', 'a write behind the end');
    try {
      await call();
    } catch (error) {
      this.#fail(asXferError(error));
      throw error;
    }
  }

  #failInput(input: Input, error: XferError): void {
    if (input.isOver) return;
    this.#firstError ??= error;
    const isWhole = input.end(error);
    if (this.#inputs.length > 1) this.#options.onDropped?.(this.#inputs.indexOf(input), error);
    if (!isWhole || this.#inputs.every(({ isOver }) => isOver)) this.#abort(error);
  }

  #abort(error: XferError): void {
    if (this.#isOver) return;
    this.#fail(error);
    try {
      this.#sink.abort(error);
    } catch {
      // A plugin's fault; nothing more is done here in any case, and signals and timers call this.
    }
  }

  #fail(error: XferError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#firstError ??= error;
    for (const input of this.#inputs) input.end(error);
    this.#turns.close();
    this.#reject(error);
  }
}

class Input {
  readonly reader: PipeReader;
  flow: Flow | undefined;
  /** It failed, or was stopped. */
  isOver = false;
  /** All of it is read. */
  hasEnded = false;
  readonly #input: DrainInput;

  constructor(input: DrainInput) {
    this.#input = input;
    this.reader = input.reader;
  }

  get framing(): Framing {
    return this.#input.framing;
  }

  /** Whether more may come of it, whoever leaves. */
  get isFed(): boolean {
    return this.#input.isHere === true && !this.isOver && !this.hasEnded;
  }

  /** Whether nothing of it is left half in the sink. */
  end(error: XferError): boolean {
    if (this.isOver) return true;
    this.isOver = true;
    this.reader.stop(error);
    return this.flow?.isWhole ?? true;
  }
}

const mixed = (): XferError =>
  new XferError('ERR_XFER_FRAMING', 'one side sends messages and another lines', {
    remedy: 'say which is wanted here with --frame lines or len32',
  });
