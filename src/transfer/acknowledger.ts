import { transferDefaults } from '../config/index.js';
import type { Session } from '../session/session.js';
import type { TransferMessage } from './messages.js';
import { RangeSet } from './range-set.js';

/** Acknowledgements wait this long for company, or for this share of the window. */
const acknowledgeAfterMs = 10;
const acknowledgeBytes = transferDefaults.windowBytes / 4;
/** Ranges of one message. */
const mostRanges = 1024;

/** Tells the sender which records are written, many at a time, and only as fast as it takes control messages. */
export class Acknowledger {
  readonly #session: Pick<Session, 'hasControlRoom'>;
  readonly #say: (message: TransferMessage) => void;
  readonly #written = new RangeSet();
  #bytes = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(session: Pick<Session, 'hasControlRoom'>, say: (message: TransferMessage) => void) {
    this.#session = session;
    this.#say = say;
  }

  /** The record takes no memory here any more. */
  add(number: number, bytes: number): void {
    this.#written.claim(number, number + 1);
    this.#bytes += bytes;
    if (this.#bytes >= acknowledgeBytes && this.#session.hasControlRoom) return this.flush();
    this.#wait();
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#written.size === 0) return;
    if (!this.#session.hasControlRoom) return this.#wait();
    this.#bytes = 0;
    const ranges = this.#written.take();
    for (let at = 0; at < ranges.length; at += mostRanges)
      this.#say({ type: 'received', ranges: ranges.slice(at, at + mostRanges) });
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#written.take();
  }

  #wait(): void {
    this.#timer ??= setTimeout(() => this.flush(), acknowledgeAfterMs);
  }
}
