import { transferDefaults } from '../config/index.js';
import type { Session } from '../session/session.js';
import type { Ranges } from './messages.js';
import { RangeSet } from './range-set.js';

/** Acknowledgements wait this long for company, or for this share of the window. */
const acknowledgeAfterMs = 10;
const acknowledgeBytes = transferDefaults.windowBytes / 4;
/** Or for so many records, which are a quarter of those that may be under way. */
const acknowledgeRecords = 256;
/** Ranges of one message. */
const mostRanges = 1024;

/** Tells the sender which records are written, many at a time, and only as fast as it takes control messages. */
export class Acknowledger {
  readonly #session: Pick<Session, 'hasControlRoom'>;
  readonly #say: (message: { readonly type: 'received'; readonly ranges: Ranges }) => void;
  readonly #written = new RangeSet();
  readonly #mostBytes: number;
  #bytes = 0;
  #timer: NodeJS.Timeout | undefined;

  /** `mostBytes`: so many are told of at once, where the window is a smaller one than transfers have. */
  constructor(
    session: Pick<Session, 'hasControlRoom'>,
    say: (message: { readonly type: 'received'; readonly ranges: Ranges }) => void,
    mostBytes = acknowledgeBytes,
  ) {
    this.#mostBytes = Math.min(mostBytes, acknowledgeBytes);
    this.#session = session;
    this.#say = say;
  }

  /** The record takes no memory here any more. */
  add(number: number, bytes: number): void {
    this.#written.claim(number, number + 1);
    this.#bytes += bytes;
    const isDue = this.#bytes >= this.#mostBytes || this.#written.size >= acknowledgeRecords;
    if (isDue && this.#session.hasControlRoom) return this.flush();
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
