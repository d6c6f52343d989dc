import { freeMemory } from 'xfer/plugin';
import type { QuicConnection, QuicStream } from './binding.js';
import type { QuicConfig } from './config.js';
import { IncomingContent, violation, type IncomingUser } from './incoming-content.js';
import { ReadSize } from './read-size.js';
import { SharedPieces } from './shared-pieces.js';
import { decodeId, idBytes, sharedId } from './wire.js';

export interface ContentUser extends IncomingUser {
  /** The other side broke the rules, or something of the layer above threw. */
  handleThrown(thrown: unknown): void;
}

export interface ContentReceiverOptions {
  readonly connection: QuicConnection;
  readonly config: QuicConfig;
  readonly user: ContentUser;
}

/**
 * Reads every stream of QUIC that the other side opens for content. Each read has memory of its own: V8, which collects all that it has
 * after every 16 MiB of them, would take a quarter of a receiver's time.
 */
export class ContentReceiver {
  readonly #options: ContentReceiverOptions;
  /** Made with the first of it, as what follows is: most connections of a listener with many are idle. */
  #content: IncomingContent | undefined;
  #someStreams: Map<number, QuicStream> | undefined;
  #isOver = false;

  constructor(options: ContentReceiverOptions) {
    this.#options = options;
  }

  /** Those that are being read, by the stream that they bring content of. */
  get #streams(): Map<number, QuicStream> {
    return (this.#someStreams ??= new Map());
  }

  /** Until the connection is over. */
  async run(): Promise<void> {
    const { connection } = this.#options;
    try {
      while (!this.#isOver) void this.#read(await connection.inboundStream());
    } catch {
      // The connection is over; control says so.
    }
  }

  opened(streamId: number): void {
    this.#guard(() => this.#content?.opened(streamId));
  }

  forget(streamId: number): void {
    this.#content?.forget(streamId);
    const stream = this.#streams.get(streamId);
    this.#streams.delete(streamId);
    stream?.stopRead().catch(ignored);
  }

  /** Nothing is given out any more. */
  end(): void {
    this.#isOver = true;
    this.#someStreams?.clear();
  }

  async #read(stream: QuicStream): Promise<void> {
    // Nothing goes back on it, so that it is over when its content is. An end would fail where the other side's stop is here.
    stream.resetWrite().catch(ignored);
    try {
      const size = new ReadSize(this.#options.config.readBytes);
      const first = await this.#readId(stream, size);
      if (!first) return;
      const id = decodeId(first);
      const rest = first.subarray(idBytes);
      if (this.#streams.has(id)) throw violation('content of one stream on two of QUIC');
      this.#streams.set(id, stream);
      if (id === sharedId) await this.#readShared(stream, size, rest);
      else await this.#readOwn(stream, size, id, rest);
    } catch (thrown) {
      // Nobody sends anything else on it.
      stream.stopRead().catch(ignored);
      this.#options.user.handleThrown(thrown);
    }
  }

  /** What came first, and is long enough to say whose content it is; undefined: it came to nothing. */
  async #readId(stream: QuicStream, size: ReadSize): Promise<Uint8Array | undefined> {
    let first: Uint8Array = new Uint8Array(0);
    while (first.length < idBytes) {
      const bytes = await this.#next(stream, size);
      if (bytes === undefined) return undefined;
      if (bytes === null) throw violation('a stream of QUIC without content');
      first = first.length === 0 ? bytes : Buffer.concat([first, bytes]);
    }
    return first;
  }

  async #readOwn(stream: QuicStream, size: ReadSize, id: number, first: Uint8Array): Promise<void> {
    let isWanted = first.length === 0 || this.#give(id, first, false);
    while (isWanted) {
      const bytes = await this.#next(stream, size);
      // Forgotten while it was read; what is kept of it, if it was reset before it was opened, goes with it.
      if (this.#streams.get(id) !== stream) return;
      if (bytes === undefined) {
        this.#streams.delete(id);
        return this.#content?.forget(id);
      }
      if (bytes === null) this.#streams.delete(id);
      isWanted = this.#give(id, bytes ?? nothing, bytes === null) && bytes !== null;
      if (bytes === null) return;
      freeMemory(bytes);
    }
    if (this.#streams.get(id) === stream) this.#streams.delete(id);
    stream.stopRead().catch(ignored);
  }

  async #readShared(stream: QuicStream, size: ReadSize, first: Uint8Array): Promise<void> {
    const pieces = new SharedPieces((id, bytes, fin) => void this.#give(id, bytes, fin));
    pieces.push(first);
    for (;;) {
      const bytes = await this.#next(stream, size);
      if (bytes === undefined || this.#isOver) return;
      if (bytes === null) throw violation('the end of what is shared');
      pieces.push(bytes);
      freeMemory(bytes);
    }
  }

  /** Whether anybody wants more of the stream. */
  #give(id: number, bytes: Uint8Array, fin: boolean): boolean {
    this.#content ??= new IncomingContent(this.#options.user, this.#options.config);
    return this.#content.handle(id, bytes, fin);
  }

  /** Null is the end; undefined a reset, or the end of the connection. */
  async #next(stream: QuicStream, size: ReadSize): Promise<Uint8Array | null | undefined> {
    try {
      const bytes = await stream.read(size.bytes);
      if (bytes) size.handleRead(bytes.length);
      return this.#isOver ? undefined : bytes;
    } catch {
      return undefined;
    }
  }

  #guard(work: () => void): void {
    try {
      work();
    } catch (thrown) {
      this.#options.user.handleThrown(thrown);
    }
  }
}

const nothing = new Uint8Array(0);
/** What the connection's end makes of a promise that nobody waits for. */
const ignored = (): void => undefined;
