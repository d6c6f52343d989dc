import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BatchWriter } from '../../../src/mux/batch.js';
import { SendQueue } from '../../../src/mux/send-queue.js';

/** A send of so many bytes, in so many chunks, each byte by its place among all. */
function push(queue: SendQueue, from: number, bytes: number, chunks = 1): void {
  const whole = Uint8Array.from({ length: bytes }, (_, at) => (from + at) % 251);
  const each = Math.ceil(bytes / chunks);
  queue.push(
    Array.from({ length: chunks }, (_, at) => whole.subarray(at * each, (at + 1) * each)),
    undefined,
  );
}

function queueOf(...sends: readonly number[]): SendQueue {
  const queue = new SendQueue();
  let from = 0;
  for (const bytes of sends) {
    push(queue, from, bytes);
    from += bytes;
  }
  return queue;
}

/** The lengths of all that is taken, `most` at once. */
function lengths(queue: SendQueue, most: number, aloneBytes: number): number[] {
  const taken: number[] = [];
  while (queue.bytes > 0) taken.push(take(queue, most, aloneBytes).length);
  return taken;
}

function take(queue: SendQueue, most: number, aloneBytes: number): Buffer {
  const writer = new BatchWriter();
  const batch = writer.start(false);
  queue.take(queue.pieceBytes(most, aloneBytes), writer, batch);
  return Buffer.concat(writer.finish().chunks);
}

describe('SendQueue.pieceBytes', () => {
  it.each([
    ['joins short sends', [10, 20, 30], [60]],
    ['gives a long send by itself', [100, 200], [100, 200]],
    ['ends what is short before a long send, and does not go on behind it', [10, 20, 100, 30], [30, 100, 30]],
    ['ends short sends once they are long together', [60, 60, 10], [120, 10]],
    ['cuts what is longer than most, and does not join the rest with a long one', [250, 100], [200, 50, 100]],
    ['does not join the short rest of a long one either', [210, 20], [200, 10, 20]],
    ['cuts short ones where they do not fit', [90, 90, 90], [180, 90]],
  ])('%s', (_what, sends, expected) => {
    expect(lengths(queueOf(...sends), 200, 100)).toEqual(expected);
  });

  it('gives nothing of an empty queue', () => {
    expect(new SendQueue().pieceBytes(100, 10)).toBe(0);
  });

  it('keeps every byte in its place, and no piece crosses an end of a long send', () => {
    const sends = fc.array(
      fc.record({ bytes: fc.integer({ min: 0, max: 3000 }), chunks: fc.integer({ min: 1, max: 3 }) }),
    );
    const mosts = fc.array(fc.integer({ min: 1, max: 2500 }), { minLength: 1 });
    fc.assert(
      fc.property(sends, mosts, fc.integer({ min: 1, max: 2000 }), (all, most, aloneBytes) => {
        const queue = new SendQueue();
        const ends = new Set<number>();
        let pushed = 0;
        for (const { bytes, chunks } of all) {
          push(queue, pushed, bytes, chunks);
          if (bytes >= aloneBytes) ends.add(pushed).add(pushed + bytes);
          pushed += bytes;
        }
        let at = 0;
        for (let turn = 0; queue.bytes > 0; turn++) {
          const limit = most[turn % most.length] ?? 1;
          const piece = take(queue, limit, aloneBytes);
          expect(piece.length).toBeGreaterThan(0);
          expect(piece.length).toBeLessThanOrEqual(limit);
          expect(piece.every((byte, index) => byte === (at + index) % 251)).toBe(true);
          for (const end of ends) expect(end > at && end < at + piece.length).toBe(false);
          at += piece.length;
        }
        expect(at).toBe(pushed);
      }),
    );
  });

  it('gives a long send whole, wherever it fits', () => {
    const sends = fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 1 });
    fc.assert(
      fc.property(sends, fc.integer({ min: 1, max: 1000 }), (all, aloneBytes) => {
        const taken = lengths(queueOf(...all), 1000, aloneBytes);
        const long = all.filter((bytes) => bytes >= aloneBytes);
        let at = 0;
        for (const bytes of taken) if (bytes === long[at]) at++;
        expect(at).toBe(long.length);
      }),
    );
  });
});
