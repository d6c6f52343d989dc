import { transferDefaults } from '../config/index.js';

/** Most records in flight, whatever their size: bounds what the receiver parks and what is kept here. */
const mostRecords = 1024;

/**
 * Which records are in flight: the session's window (DESIGN §7), pure. A record leaves it when the receiver
 * says that it is authenticated and written.
 */
export class SentRecords {
  readonly #inFlight = new Map<number, number>();
  #next = 0;
  #bytes = 0;
  #received = 0;

  /** Records that were sent so far. */
  get count(): number {
    return this.#next;
  }

  /** Content that the receiver has. */
  get receivedBytes(): number {
    return this.#received;
  }

  get hasRoom(): boolean {
    return this.#bytes < transferDefaults.windowBytes && this.#inFlight.size < mostRecords;
  }

  /** The number of a new record with so much content. */
  add(bodyBytes: number): number {
    this.#inFlight.set(this.#next, bodyBytes);
    this.#bytes += bodyBytes;
    return this.#next++;
  }

  /** The file was shorter than declared: this much of the record is not content. */
  shorten(number: number, bodyBytes: number): void {
    const before = this.#inFlight.get(number);
    if (before === undefined) return;
    this.#inFlight.set(number, bodyBytes);
    this.#bytes -= before - bodyBytes;
  }

  /** False for a record that was never sent. */
  handleReceived(from: number, to: number): boolean {
    if (from >= to || to > this.#next) return false;
    // A range may span more numbers than are in flight, so the smaller of the two is walked.
    if (to - from > this.#inFlight.size) for (const n of this.#inFlight.keys()) this.#settle(n, from, to);
    else for (let n = from; n < to; n++) this.#settle(n, from, to);
    return true;
  }

  #settle(number: number, from: number, to: number): void {
    const bytes = this.#inFlight.get(number);
    if (bytes === undefined || number < from || number >= to) return;
    this.#inFlight.delete(number);
    this.#bytes -= bytes;
    this.#received += bytes;
  }
}
