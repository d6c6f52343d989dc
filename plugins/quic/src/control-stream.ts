import { XferError } from 'xfer/plugin';
import type { QuicStream } from './binding.js';
import { ReadSize } from './read-size.js';
import { writeAll } from './stream-writer.js';
import { checkPreface, encodePreface, prefaceBytes } from './wire.js';

export interface ControlOptions {
  pull(maxBytes: number): Uint8Array | undefined;
  handleControl(bytes: Uint8Array): void;
  /** All that the other side had to say. */
  handleEnd(): void;
  /** The other side broke the rules, or something of the layer above threw. */
  handleThrown(thrown: unknown): void;
}

const writeBytes = 64 * 1024;
const maxReadBytes = 64 * 1024;

/** The dialer's first stream: everything but content, in both directions. */
export class ControlStream {
  readonly #options: ControlOptions;
  #stream: QuicStream | undefined;
  #isWriting = false;
  #isClosing = false;
  #isOver = false;

  constructor(options: ControlOptions) {
    this.#options = options;
  }

  /** Our direction has ended, behind all that was pulled. */
  isFinished = false;

  /** Until the other side ends it. Rejects as the binding does. */
  async run(stream: QuicStream): Promise<void> {
    this.#stream = stream;
    void this.#write(stream, [encodePreface()]);
    await this.#read(stream);
  }

  ready(): void {
    if (this.#stream && !this.#isWriting) void this.#write(this.#stream, []);
  }

  close(): void {
    this.#isClosing = true;
    this.ready();
  }

  end(): void {
    this.#isOver = true;
  }

  async #write(stream: QuicStream, first: readonly Uint8Array[]): Promise<void> {
    this.#isWriting = true;
    let waiting = first;
    try {
      while (!this.#isOver && !this.isFinished) {
        const pulled = this.#pull();
        if (!pulled && waiting.length === 0) break;
        await writeAll(stream, pulled ? [...waiting, pulled] : waiting);
        waiting = [];
      }
      if (this.#isClosing && !this.#isOver && !this.isFinished) {
        this.isFinished = true;
        await stream.finishWrite();
      }
    } catch {
      // The connection is over; whoever reads hears of it.
    }
    this.#isWriting = false;
  }

  #pull(): Uint8Array | undefined {
    const { pull, handleThrown } = this.#options;
    try {
      return pull(writeBytes);
    } catch (thrown) {
      handleThrown(thrown);
      return undefined;
    }
  }

  async #read(stream: QuicStream): Promise<void> {
    const { handleControl, handleEnd, handleThrown } = this.#options;
    const size = new ReadSize(maxReadBytes);
    let preface: Uint8Array | undefined = new Uint8Array(0);
    for (;;) {
      let bytes = await stream.read(size.bytes);
      if (bytes) size.handleRead(bytes.length);
      if (this.#isOver) return;
      try {
        if (bytes === null) {
          if (preface) throw new XferError('ERR_XFER_PROTOCOL', 'a connection that ends before it begins');
          return handleEnd();
        }
        if (preface) {
          preface = Buffer.concat([preface, bytes]);
          if (preface.length < prefaceBytes) continue;
          checkPreface(preface);
          bytes = preface.subarray(prefaceBytes);
          preface = undefined;
        }
        if (bytes.length > 0) handleControl(bytes);
      } catch (thrown) {
        return handleThrown(thrown);
      }
    }
  }
}
