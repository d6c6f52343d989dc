import { benchDefaults } from '../config/index.js';
import { XferError } from '../errors/index.js';
import {
  OpenRefused,
  openErrorCode,
  resetCode,
  type Connection,
  type Stream,
} from '../transport/contract.js';
import { encodeStreamsHeader, type StreamsHeader } from './streams-message.js';

export interface WaveResult {
  /** Streams that were open at once, and that have ended. */
  readonly ended: number;
  /** Of the first one, by `performance.now()`: when it was opened, and when its first byte was answered. */
  readonly openedAt: number;
  readonly answeredAt: number;
}

/**
 * Streams that are opened at once, each with its content, and that end when all of them are open. Those that are refused for
 * a limit, or that nobody has answered when nothing else moves any more, are left out.
 */
export class StreamsWave {
  /** Rejects where another thing goes wrong with one. */
  readonly over: Promise<WaveResult>;
  readonly #wanted: number;
  readonly #all = new Set<Stream>();
  readonly #open = new Set<Stream>();
  #resolve: (result: WaveResult) => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;
  #leftOut = 0;
  #ended = 0;
  #isFinishing = false;
  #openedAt = 0;
  #answeredAt = 0;
  readonly #stall: NodeJS.Timeout;
  /** Of those that were open when the timer rang last. */
  #before = -1;

  constructor(connection: Connection, message: Uint8Array, wanted: number, asked: StreamsHeader) {
    this.#wanted = wanted;
    this.over = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#stall = setInterval(() => this.#handleStall(), benchDefaults.streamsStallMs);
    const header = encodeStreamsHeader(asked);
    this.#openedAt = performance.now();
    for (let at = 0; at < wanted; at++) this.#start(connection.openStream({ header }), message);
  }

  /** Ends what is still there. */
  end(): void {
    clearInterval(this.#stall);
    this.#isFinishing = true;
    this.over.catch(() => undefined);
    for (const stream of this.#all) stream.reset(resetCode.cancelled);
  }

  #start(stream: Stream, message: Uint8Array): void {
    this.#all.add(stream);
    stream.opened.catch((error: unknown) => this.#handleRefusal(stream, error));
    stream.onData(() => this.#handleData(stream));
    stream.onEnd(() => this.#handleEnd(stream));
    stream.onReset((code) => this.#fail(`the other end reset a stream (code ${code})`));
    stream.send(message);
  }

  #handleData(stream: Stream): void {
    if (this.#open.has(stream)) return;
    if (this.#open.size === 0) this.#answeredAt = performance.now();
    this.#open.add(stream);
    this.#finishIfAllAreOpen();
  }

  #handleRefusal(stream: Stream, error: unknown): void {
    if (!this.#all.has(stream)) return;
    if (!(error instanceof OpenRefused) || error.openCode !== openErrorCode.resourceLimit)
      return this.#reject(error);
    this.#leaveOut(stream);
  }

  #leaveOut(stream: Stream): void {
    this.#all.delete(stream);
    this.#leftOut++;
    this.#finishIfAllAreOpen();
  }

  #finishIfAllAreOpen(): void {
    if (this.#isFinishing || this.#open.size + this.#leftOut < this.#wanted) return;
    this.#isFinishing = true;
    for (const stream of this.#open) stream.closeWrite();
    this.#settleIfOver();
  }

  #handleEnd(stream: Stream): void {
    if (!this.#isFinishing) return this.#fail('the other end ended a stream too early');
    // With its end alone its place is not free yet.
    void stream.closed.then(() => {
      this.#all.delete(stream);
      this.#ended++;
      this.#settleIfOver();
    });
  }

  #settleIfOver(): void {
    if (this.#ended < this.#open.size) return;
    this.#resolve({ ended: this.#ended, openedAt: this.#openedAt, answeredAt: this.#answeredAt });
  }

  /** The rest waits for a place that is free only when others have ended. */
  #handleStall(): void {
    const isStalled = this.#open.size > 0 && this.#open.size === this.#before;
    this.#before = this.#open.size;
    if (!isStalled || this.#isFinishing) return;
    for (const stream of [...this.#all].filter((one) => !this.#open.has(one))) {
      this.#leaveOut(stream);
      stream.reset(resetCode.cancelled);
    }
  }

  #fail(message: string): void {
    this.#reject(new XferError('ERR_XFER_CONNECTION_LOST', message));
  }
}
