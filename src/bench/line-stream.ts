import { XferError } from '../errors/index.js';
import type { Stream } from '../transport/contract.js';
import { objectOfLine } from './json-line.js';

/** A line with an event of a transfer has less. */
const mostLineBytes = 256 * 1024;
/** Lines that nobody has taken yet; past it the stream is not read. */
const mostLines = 64;
const newLine = 0x0a;

/** Objects on a stream, each a line of JSON. The other side may send anything: what is no such line ends the stream. */
export class LineStream {
  readonly #stream: Stream;
  readonly #lines: object[] = [];
  readonly #decoder = new TextDecoder();
  #parts: Uint8Array[] = [];
  #partBytes = 0;
  #error: XferError | undefined;
  #isEnded = false;
  #wake: (() => void) | undefined;

  constructor(stream: Stream) {
    this.#stream = stream;
    stream.onData((bytes) => this.#handleData(bytes));
    stream.onEnd(() => {
      this.#isEnded = true;
      this.#wake?.();
    });
    stream.onReset(() =>
      this.#handleError(new XferError('ERR_XFER_CONNECTION_LOST', 'the other end ended the transfer')),
    );
  }

  send(what: object): void {
    this.#stream.send(Buffer.from(`${JSON.stringify(what)}\n`));
  }

  /** undefined: the other side sends no more. Rejects with ERR_XFER_CONNECTION_LOST, or ERR_XFER_PROTOCOL. One call at a time. */
  async next(): Promise<object | undefined> {
    for (;;) {
      const line = this.#lines.shift();
      if (line) {
        if (this.#lines.length < mostLines) this.#stream.resume();
        return line;
      }
      if (this.#error) throw this.#error;
      if (this.#isEnded) return undefined;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  #handleData(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      const end = bytes.indexOf(newLine, at);
      // The bytes are the transport's when this returns.
      const part = bytes.slice(at, end < 0 ? bytes.length : end);
      this.#parts.push(part);
      this.#partBytes += part.length;
      if (this.#partBytes > mostLineBytes) return this.#handleBad();
      at += part.length + 1;
      if (end < 0) return;
      const read = objectOfLine(this.#decoder.decode(Buffer.concat(this.#parts)));
      [this.#parts, this.#partBytes] = [[], 0];
      if (!read) return this.#handleBad();
      this.#lines.push(read);
      if (this.#lines.length >= mostLines) this.#stream.pause();
    }
    this.#wake?.();
  }

  #handleBad(): void {
    this.#handleError(new XferError('ERR_XFER_PROTOCOL', 'the other end says what no bench says'));
  }

  #handleError(error: XferError): void {
    this.#error ??= error;
    this.#wake?.();
  }
}
