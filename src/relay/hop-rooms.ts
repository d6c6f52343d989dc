import { resetCode, type Stream } from '../transport/contract.js';
import { ownDetail } from './hop-errors.js';
import type { RefusalReason } from './refusal-reason.js';

export interface HopRoomsOptions {
  /** Takes the room, or says why not. */
  open(name: string): RefusalReason | undefined;
  close(name: string): void;
  /** Rooms of the relay have come or gone. */
  onChange(): void;
}

/** The rooms in which one peer waits, each as long as the stream by which it does. */
export class HopRooms {
  readonly #options: HopRoomsOptions;
  readonly #streams = new Map<string, Stream>();

  constructor(options: HopRoomsOptions) {
    this.#options = options;
  }

  /** Accepts the stream, or says why not. */
  wait(name: string, stream: Stream): RefusalReason | undefined {
    const refusal = this.#options.open(name);
    if (refusal) return refusal;
    const earlier = this.#streams.get(name);
    this.#streams.set(name, stream);
    earlier?.reset(resetCode.cancelled);
    this.#options.onChange();
    void stream.closed.then(() => {
      if (this.#streams.get(name) !== stream) return;
      this.#streams.delete(name);
      this.#options.close(name);
      this.#options.onChange();
    });
    stream.onData(() => undefined);
    stream.onEnd(() => stream.closeWrite());
    stream.accept();
    return undefined;
  }

  /** The time of a room is over: who waits in it may take another. */
  expire(name: string): void {
    this.#streams.get(name)?.reset(resetCode.timeout, ownDetail('ERR_XFER_TIMEOUT'));
  }

  /** Sends away who waits: another relay may have a room. */
  leave(): void {
    for (const stream of this.#streams.values()) stream.reset(resetCode.cancelled);
  }
}
