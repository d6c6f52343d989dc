import { XferError } from 'xfer/plugin';
import type { QuicStream } from './binding.js';
import { ReadSize } from './read-size.js';
import { writeAll } from './stream-writer.js';
import { checkPreface, encodePreface, prefaceBytes } from './wire.js';

export interface ControlUser {
  pullControl(maxBytes: number): Uint8Array | undefined;
  handleControl(bytes: Uint8Array): void;
  /** All that the other side had to say. */
  handleEnd(): void;
  /** The other side broke the rules, or something of the layer above threw. */
  handleThrown(thrown: unknown): void;
}

const writeBytes = 64 * 1024;
const maxReadBytes = 64 * 1024;
/** Of an idle connection, which has a read waiting, and hears keepalives. */
const leastReadBytes = 128;

/** The dialer's first stream: everything but content, in both directions. */
export class ControlStream {
  readonly #user: ControlUser;
  #stream: QuicStream | undefined;
  /** What has come of it, until it is whole. */
  #preface: Uint8Array | undefined = nothing;
  #isWriting = false;
  #isClosing = false;
  #isOver = false;

  constructor(user: ControlUser) {
    this.#user = user;
  }

  /** Our direction has ended, behind all that was pulled. */
  isFinished = false;

  /** Until the other side ends it. Rejects as the binding does. */
  run(stream: QuicStream): Promise<void> {
    this.#stream = stream;
    void this.#write(stream, [encodePreface()]);
    return this.#read(stream);
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
    try {
      return this.#user.pullControl(writeBytes);
    } catch (thrown) {
      this.#user.handleThrown(thrown);
      return undefined;
    }
  }

  async #read(stream: QuicStream): Promise<void> {
    const size = new ReadSize(maxReadBytes, leastReadBytes);
    // Nothing is kept while it waits for more: the binding gives each read all the memory that it asked for.
    while (this.#handleRead(await stream.read(size.bytes), size));
  }

  /** Whether to go on. */
  #handleRead(bytes: Uint8Array | null, size: ReadSize): boolean {
    if (this.#isOver) return false;
    try {
      if (bytes === null) {
        if (this.#preface)
          throw new XferError('ERR_XFER_PROTOCOL', 'a connection that ends before it begins');
        this.#user.handleEnd();
        return false;
      }
      size.handleRead(bytes.length);
      const control = this.#afterPreface(bytes);
      if (control.length > 0) this.#user.handleControl(control);
      return true;
    } catch (thrown) {
      this.#user.handleThrown(thrown);
      return false;
    }
  }

  #afterPreface(bytes: Uint8Array): Uint8Array {
    if (!this.#preface) return bytes;
    this.#preface = Buffer.concat([this.#preface, bytes]);
    if (this.#preface.length < prefaceBytes) return nothing;
    const whole = this.#preface;
    checkPreface(whole);
    this.#preface = undefined;
    return whole.subarray(prefaceBytes);
  }
}

const nothing = new Uint8Array(0);
