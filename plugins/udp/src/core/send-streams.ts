import type { PulledContent } from './contract.js';
import { SendStream } from './send-stream.js';
import type { SentRun } from './sent-run.js';

/** The streams that have content under way, and how much of the other side's credit they use. */
export class SendStreams {
  readonly #streams = new Map<number, SendStream>();
  #outstandingBytes = 0;

  /** Σ over streams of what was sent and is not known to be delivered in order. */
  get outstandingBytes(): number {
    return this.#outstandingBytes;
  }

  get count(): number {
    return this.#streams.size;
  }

  /** Whether all that was sent has arrived, or is of no use any more. */
  get isIdle(): boolean {
    for (const stream of this.#streams.values()) if (stream.hasUnacked) return false;
    return true;
  }

  add(content: PulledContent): SendStream {
    let stream = this.#streams.get(content.streamId);
    if (stream === undefined) {
      stream = new SendStream(content.streamId, content.offset);
      this.#streams.set(content.streamId, stream);
    }
    stream.add(content);
    this.#count(stream);
    return stream;
  }

  handleAcked(stream: SendStream, run: SentRun): void {
    if (stream.isForgotten) return;
    // May call for anything, this stream to be forgotten included.
    stream.handleAcked(run.offset, run.bytes, run.fin);
    this.#count(stream);
    if (stream.isFinished && this.#streams.get(stream.id) === stream) this.#streams.delete(stream.id);
  }

  forget(streamId: number): void {
    const stream = this.#streams.get(streamId);
    if (stream === undefined) return;
    this.#streams.delete(streamId);
    stream.forget();
    this.#count(stream);
  }

  /** Nothing is sent any more. */
  forgetAll(): void {
    for (const streamId of [...this.#streams.keys()]) this.forget(streamId);
  }

  #count(stream: SendStream): void {
    const { outstandingBytes } = stream;
    this.#outstandingBytes += outstandingBytes - stream.countedBytes;
    stream.countedBytes = outstandingBytes;
  }
}
