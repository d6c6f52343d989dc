import { expect } from 'vitest';
import type { Batch } from '../../../src/mux/batch.js';
import { describeTwoCores, FuzzEnd, fuzzConfig } from '../../support/mux-fuzz.js';

/** An end at one byte link. */
class OrderedEnd extends FuzzEnd {
  readonly #wire: Buffer[] = [];
  readonly #unwritten: Batch[] = [];

  flush(maxBytes: number): boolean {
    const batch = this.core.poll(this.now, maxBytes);
    if (!batch) return false;
    this.#unwritten.push(batch);
    return true;
  }

  finish(): boolean {
    const batch = this.#unwritten.shift();
    if (!batch) return false;
    // The link reads the chunks as late as it may.
    this.#wire.push(Buffer.concat(batch.chunks));
    this.core.handleWritten(this.now, batch);
    return true;
  }

  /** Moves up to `bytes` bytes; the buffer is overwritten behind the call, as the driver's is. */
  deliver(to: FuzzEnd, _pick: number, bytes: number): boolean {
    const first = this.#wire.shift();
    if (!first) return false;
    const piece = Buffer.from(first.subarray(0, bytes));
    if (first.length > bytes) this.#wire.unshift(first.subarray(bytes));
    expect(to.core.handleData(to.now, piece)?.reason).toBeUndefined();
    piece.fill(0xdd);
    return true;
  }
}

describeTwoCores('two cores', () => [
  new OrderedEnd({ dialer: true, config: fuzzConfig, hello: false }),
  new OrderedEnd({ config: fuzzConfig, hello: false }),
]);
