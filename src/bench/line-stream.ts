import { XferError } from '../errors/index.js';
import { resetCode, type Stream } from '../transport/contract.js';
import { objectOfLine } from './json-line.js';

export interface LineLimits {
  /** Of one line. */
  readonly maxBytes: number;
  /** That nobody has taken yet: past it the stream is not read. */
  readonly maxLines: number;
}

const newLine = 0x0a;

/** Objects on a stream, each a line of JSON. The other side may send anything: what is no such line ends it. */
export class LineStream {
  readonly #stream: Stream;
  readonly #limits: LineLimits;
  readonly #lines: object[] = [];
  readonly #decoder = new TextDecoder();
  #parts: Uint8Array[] = [];
  #partBytes = 0;
  #error: XferError | undefined;
  #isEnded = false;
  #wake: (() => void) | undefined;

  constructor(stream: Stream, limits: LineLimits) {
    this.#stream = stream;
    this.#limits = limits;
    stream.onData((bytes) => this.#handleData(bytes));
    stream.onEnd(() => this.#handleEnd());
    stream.onReset(() =>
      this.#handleError(new XferError('ERR_XFER_CONNECTION_LOST', 'the other end ended the transfer')),
    );
    // Also where this side has ended it.
    void stream.closed.then(() => this.#handleEnd());
  }

  send(what: object): void {
    this.#stream.send(Buffer.from(`${JSON.stringify(what)}\n`));
  }

  /** undefined: the other side sends no more. Rejects with ERR_XFER_CONNECTION_LOST, or ERR_XFER_PROTOCOL. One call at a time. */
  async next(): Promise<object | undefined> {
    for (;;) {
      const line = this.#lines.shift();
      if (line) {
        if (this.#lines.length < this.#limits.maxLines) this.#stream.resume();
        return line;
      }
      if (this.#error) throw this.#error;
      if (this.#isEnded) return undefined;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  #handleData(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length && !this.#error;) {
      const end = bytes.indexOf(newLine, at);
      // A copy: the bytes are the transport's when this returns.
      const part = Uint8Array.from(bytes.subarray(at, end < 0 ? bytes.length : end));
      at += part.length + 1;
      this.#partBytes += part.length;
      if (this.#partBytes > this.#limits.maxBytes) return this.#handleBad();
      this.#parts.push(part);
      if (end < 0) break;
      const read = objectOfLine(this.#decoder.decode(Buffer.concat(this.#parts)));
      [this.#parts, this.#partBytes] = [[], 0];
      if (!read) return this.#handleBad();
      this.#lines.push(read);
      if (this.#lines.length >= this.#limits.maxLines) this.#stream.pause();
    }
    this.#wake?.();
  }

  /** Nothing more is read. */
  #handleBad(): void {
    this.#parts = [];
    this.#handleError(new XferError('ERR_XFER_PROTOCOL', 'the other end says what no bench says'));
    this.#stream.resume();
    this.#stream.stopReading(resetCode.protocol);
  }

  #handleEnd(): void {
    this.#isEnded = true;
    this.#wake?.();
  }

  #handleError(error: XferError): void {
    this.#error ??= error;
    this.#wake?.();
  }
}
