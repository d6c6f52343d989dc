import { XferError } from '../../../src/errors/index.js';
import type {
  ByteSink,
  ByteSource,
  Message,
  MessageSink,
  MessageSource,
} from '../../../src/pipe/endpoint.js';

export const bytesOf = (text: string): Uint8Array => Buffer.from(text, 'latin1');
export const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
export const brokenPipe = (): XferError => new XferError('ERR_XFER_BROKEN_PIPE', 'the reader has gone');

/** Gives what was pushed, piece by piece; a piece that is longer than what it is read into comes in several. */
export class HandSource implements ByteSource {
  readonly kind = 'bytes';
  isStopped = false;
  #pieces: (Uint8Array | XferError | 'end')[] = [];
  #wake: (() => void) | undefined;

  push(...pieces: (Uint8Array | string | XferError)[]): this {
    for (const piece of pieces) this.#pieces.push(typeof piece === 'string' ? bytesOf(piece) : piece);
    this.#wake?.();
    return this;
  }

  end(): this {
    this.#pieces.push('end');
    this.#wake?.();
    return this;
  }

  async read(into: Uint8Array): Promise<number> {
    while (this.#pieces.length === 0 && !this.isStopped)
      await new Promise<void>((resolve) => (this.#wake = resolve));
    const [piece] = this.#pieces;
    if (this.isStopped || piece === undefined || piece === 'end') return 0;
    this.#pieces.shift();
    if (piece instanceof XferError) throw piece;
    const part = piece.subarray(0, into.length);
    into.set(part);
    if (part.length < piece.length) this.#pieces.unshift(piece.subarray(part.length));
    return part.length;
  }

  stop(): void {
    this.isStopped = true;
    this.#wake?.();
  }
}

/** Gives each batch of messages with one read. */
export class HandMessages implements MessageSource {
  readonly kind = 'messages';
  isStopped = false;
  readonly #batches: (readonly Message[])[];

  constructor(batches: readonly (readonly Message[])[]) {
    this.#batches = [...batches];
  }

  async read(): Promise<readonly Message[] | undefined> {
    await Promise.resolve();
    return this.isStopped ? undefined : this.#batches.shift();
  }

  stop(): void {
    this.isStopped = true;
  }
}

/** What both kinds of sinks note; while `hold` is set, writes wait. */
abstract class NotingSink {
  isEnded = false;
  aborted: XferError | undefined;
  /** The next write rejects with it. */
  failure: XferError | undefined;
  writes = 0;
  broken: ((error: XferError) => void) | undefined;
  #held: Promise<void> | undefined;
  #letGo: (() => void) | undefined;
  #isBusy = false;

  hold(): void {
    this.#held = new Promise((resolve) => (this.#letGo = resolve));
  }

  letGo(): void {
    this.#held = undefined;
    this.#letGo?.();
  }

  end(): Promise<void> {
    return this.call(() => {
      this.isEnded = true;
    });
  }

  abort(error: XferError): void {
    this.aborted = error;
  }

  onBroken(handler: (error: XferError) => void): void {
    this.broken = handler;
  }

  protected async call(take: () => void): Promise<void> {
    if (this.#isBusy) throw new Error('two calls at a time');
    this.#isBusy = true;
    await (this.#held ?? Promise.resolve());
    this.#isBusy = false;
    if (this.failure) throw this.failure;
    take();
  }
}

export class NotingBytes extends NotingSink implements ByteSink {
  readonly kind = 'bytes';
  readonly #pieces: Uint8Array[] = [];

  get bytes(): Uint8Array {
    return Buffer.concat(this.#pieces);
  }

  get text(): string {
    return textOf(this.bytes);
  }

  /** Looks at the bytes when it lets go of them, so that memory that was used again too early shows. */
  write(bytes: Uint8Array): Promise<void> {
    this.writes += 1;
    return this.call(() => void this.#pieces.push(Uint8Array.from(bytes)));
  }
}

export class NotingMessages extends NotingSink implements MessageSink {
  readonly kind = 'messages';
  readonly messages: string[][] = [];

  write(messages: readonly Message[]): Promise<void> {
    this.writes += 1;
    return this.call(() => {
      for (const message of messages) this.messages.push(message.map(textOf));
    });
  }
}

/** One frame of len32, not cut short. */
export const frame = (payload: string, more = false): Uint8Array => {
  const header = Buffer.alloc(4);
  header.writeUInt32BE(payload.length + (more ? 0x8000_0000 : 0));
  return Buffer.concat([header, bytesOf(payload)]);
};

export const len32 = (messages: readonly (readonly string[])[]): Uint8Array =>
  Buffer.concat(
    messages.flatMap((parts) => parts.map((part, index) => frame(part, index < parts.length - 1))),
  );

/** `content` in pieces that end at these offsets (taken modulo its length), each in memory of its own. */
export const piecesOf = (content: Uint8Array, cuts: readonly number[]): Uint8Array[] => {
  const at = [0, ...cuts.map((cut) => cut % (content.length + 1)).sort((a, b) => a - b), content.length];
  return at.slice(1).map((end, index) => Uint8Array.from(content.subarray(at[index], end)));
};
