import { asXferError, XferError } from '../errors/index.js';
import { resetCode, type Stream } from '../transport/contract.js';
import { LineStream, type LineLimits } from './line-stream.js';
import { RunningEnd } from './running-end.js';
import type { Check } from './same-content.js';
import { toldError } from './told-error.js';
import {
  readTransfersAnswer,
  type TransferRequest,
  type TransfersAnswer,
  type TransfersAsk,
} from './transfers-message.js';

/** Of what the other end says. */
export const farLineLimits: LineLimits = { maxBytes: 64 * 1024, maxLines: 64 };

/** An end that runs on the other machine, as the stream asks for it. */
export class FarChild extends RunningEnd {
  readonly pid = undefined;
  readonly #stream: Stream;
  readonly #lines: LineStream;
  #cpuSeconds = 0;
  #digest: { resolve(digest: string): void; reject(error: Error): void } | undefined;
  #lost: XferError | undefined;

  /** The stream has been opened for it. */
  constructor(name: string, stream: Stream, request: TransferRequest) {
    super(name);
    this.#stream = stream;
    this.#lines = new LineStream(stream, farLineLimits);
    this.#ask({ ask: 'start', request });
    void this.#read();
  }

  get cpuSeconds(): number {
    return this.#cpuSeconds;
  }

  countFromHere(): void {
    this.#ask({ ask: 'count' });
  }

  endProducer(): void {
    if (!this.isClosed) this.#ask({ ask: 'end-producer' });
  }

  stop(): Promise<void> {
    if (!this.isClosed) this.#stream.reset(resetCode.cancelled);
    return Promise.resolve();
  }

  /** Of what arrived there, or of the first bytes of what it sent, once it has ended: see `contentDigest`. */
  digest(check: Check, sentBytes?: number): Promise<string> {
    return new Promise((resolve, reject) => {
      if (this.#lost) return reject(this.#lost);
      this.#digest = { resolve, reject };
      this.#ask({ ask: 'digest', check, ...(sentBytes === undefined ? {} : { sentBytes }) });
    });
  }

  protected whyEnded(): XferError {
    return new XferError('ERR_XFER_CONNECTION_LOST', `xfer ${this.name} ended without a word`);
  }

  #ask(ask: TransfersAsk): void {
    this.#lines.send(ask);
  }

  async #read(): Promise<void> {
    try {
      for (let line = await this.#lines.next(); line; line = await this.#lines.next()) {
        const answer = readTransfersAnswer(line);
        if (!answer) throw new XferError('ERR_XFER_PROTOCOL', 'the other end says what no bench says');
        this.#handle(answer);
      }
      throw new XferError('ERR_XFER_CONNECTION_LOST', 'the other end says nothing more');
    } catch (thrown) {
      this.#lost = asXferError(thrown);
      this.#digest?.reject(this.#lost);
      if (this.isClosed) return;
      this.handleFailure(this.#lost);
      this.#handleEnd();
    }
  }

  #handle(answer: TransfersAnswer): void {
    switch (answer.answer) {
      case 'event':
        return this.handleLine(JSON.stringify(answer.event));
      case 'ended':
        this.#cpuSeconds = answer.cpuSeconds;
        this.output = answer.output;
        return this.#handleEnd();
      case 'digest':
        return this.#digest?.resolve(answer.digest);
      case 'failed':
        throw toldError(answer);
      default:
    }
  }

  #handleEnd(): void {
    this.endedAt = performance.now();
    this.handleClosed();
  }
}
