import type { Content } from 'xfer/plugin';
import type { QuicConnection, QuicStream } from './binding.js';
import { writeAll } from './stream-writer.js';

/** Whom a stream tells of what became of content. */
export interface OutgoingUser {
  /** Its bytes are needed no more; `copied`: quinn has them, else it came to nothing. */
  handleDone(content: Content, copied: boolean): void;
  /** Nothing more goes on this stream of QUIC. */
  handleEnd(): void;
}

export interface OutgoingOptions {
  readonly connection: Pick<QuicConnection, 'outboundStream'>;
  /** What its first bytes say. */
  readonly opening: Uint8Array;
  /** Before each content; the shared stream's. */
  readonly headerOf?: (content: Content) => Uint8Array;
  readonly user: OutgoingUser;
}

/** A stream of QUIC that content goes on, one write at a time: that of one of our streams, which ends with it, or the shared one. */
export class OutgoingStream {
  readonly #options: OutgoingOptions;
  #stream: QuicStream | undefined;
  #waiting: Content[] = [];
  #isRunning = false;
  #isOver = false;
  #isFinished = false;

  constructor(options: OutgoingOptions) {
    this.#options = options;
  }

  push(content: Content): void {
    if (this.#isOver) return this.#doneSoon([content]);
    this.#waiting.push(content);
    if (!this.#isRunning) void this.#run();
  }

  /** Drops what waits of the stream. */
  forget(streamId: number): void {
    const gone = this.#waiting.filter((content) => content.streamId === streamId);
    if (gone.length === 0) return;
    this.#waiting = this.#waiting.filter((content) => content.streamId !== streamId);
    this.#doneSoon(gone);
  }

  /** Nothing more goes out; what quinn has of it is thrown away, unless its end is with it. */
  drop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#doneSoon(this.#waiting.splice(0));
    if (this.#isFinished || this.#isRunning) return;
    this.#reset();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    const { connection, opening } = this.#options;
    let open: readonly Uint8Array[] = [];
    try {
      if (!this.#stream) {
        this.#stream = await connection.outboundStream();
        // The other direction of it is never used.
        this.#stream.stopRead().catch(ignored);
        open = [opening];
      }
      for (let content; (content = this.#waiting.shift());) {
        await this.#write(this.#stream, content, open);
        open = [];
      }
    } catch {
      // The connection is over, or the other side wants nothing more of it; control says which.
      this.#isOver = true;
    }
    this.#isRunning = false;
    if (!this.#isOver) return;
    this.#doneSoon(this.#waiting.splice(0));
    if (!this.#isFinished) this.#reset();
  }

  async #write(stream: QuicStream, content: Content, open: readonly Uint8Array[]): Promise<void> {
    const { headerOf, user } = this.#options;
    let copied = false;
    try {
      await writeAll(stream, [...open, ...(headerOf ? [headerOf(content)] : []), ...content.chunks]);
      copied = true;
    } finally {
      user.handleDone(content, copied);
    }
    if (!content.fin || headerOf || this.#isOver) return;
    this.#isFinished = true;
    this.#isOver = true;
    await stream.finishWrite();
    user.handleEnd();
  }

  #reset(): void {
    this.#stream?.resetWrite().catch(ignored);
    this.#options.user.handleEnd();
  }

  #doneSoon(contents: readonly Content[]): void {
    if (contents.length === 0) return;
    queueMicrotask(() => {
      for (const content of contents) this.#options.user.handleDone(content, false);
    });
  }
}

/** What the connection's end makes of a promise that nobody waits for. */
const ignored = (): void => undefined;
