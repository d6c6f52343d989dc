import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SendQueueCore, type OutgoingPiece } from '../../../src/pipe/send-queue-core.js';
import { Blocks } from './pipe-kit.js';

const textOf = (piece: OutgoingPiece | undefined) => piece && Buffer.concat(piece.parts).toString();

function queueOf(limit: number, ...texts: readonly string[]) {
  const [queue, blocks] = [new SendQueueCore(limit), new Blocks()];
  for (const text of texts) queue.push(blocks.text(text));
  return { queue, blocks };
}

describe('a queue of what is to be sent', () => {
  it('cuts a block into records, and releases it when the other side has all of them', () => {
    const { queue, blocks } = queueOf(100, 'abcdefgh');
    const pieces = [queue.cut(3), queue.cut(3), queue.cut(3)];
    expect(pieces.map(textOf)).toEqual(['abc', 'def', 'gh']);
    expect(pieces.map((piece) => piece?.offset)).toEqual([0, 3, 6]);
    expect(queue.cut(3)).toBeUndefined();
    for (const piece of [pieces[2], pieces[0]]) piece?.handleReceived();
    expect([blocks.out, queue.heldBytes]).toEqual([1, 3]);
    pieces[1]?.handleReceived();
    expect([blocks.out, queue.heldBytes]).toEqual([0, 0]);
  });

  it('puts small blocks that wait into one record, and leaves a large one its own', () => {
    const { queue } = queueOf(1000, 'a', 'bc', 'd'.repeat(30), 'e', 'f'.repeat(100), 'g');
    const cuts = Array.from({ length: 6 }, () => queue.cut(100)?.bytes);
    expect(cuts).toEqual([3, 30, 1, 100, 1, undefined]);
  });

  it('goes no further than the limit of the other side, which only rises', () => {
    const { queue } = queueOf(4, 'abcdef');
    expect(textOf(queue.cut(100))).toBe('abcd');
    expect([queue.cut(100), queue.sendableBytes]).toEqual([undefined, 0]);
    expect([queue.handleCredit(3), queue.handleCredit(5)]).toEqual([false, true]);
    expect(textOf(queue.cut(100))).toBe('e');
  });

  it('releases a block that is being sealed only when it is sealed', () => {
    const { queue, blocks } = queueOf(100, 'abc');
    const piece = queue.cut(100);
    piece?.handleSealing();
    queue.close();
    expect([blocks.out, textOf(piece)]).toEqual([1, '']);
    piece?.handleSealed();
    expect(blocks.out).toBe(0);
  });

  it('takes blocks after its end, and lets them go at once', () => {
    const { queue, blocks } = queueOf(100, 'abc');
    queue.close();
    queue.push(blocks.text('def'));
    expect([blocks.out, queue.heldBytes, queue.sendableBytes]).toEqual([0, 0, 0]);
  });

  it('is crowded by blocks, however small they are', () => {
    const { queue, blocks } = queueOf(100);
    for (let i = 0; i < 20_000; i++) queue.push(blocks.text('x'));
    expect(queue.isCrowded).toBe(true);
  });

  it('gives every byte once and in order, and every block back, whatever is done', () => {
    const step = fc.oneof(
      fc.record({ push: fc.nat(40) }),
      fc.record({ cut: fc.integer({ min: 1, max: 64 }) }),
      fc.record({ credit: fc.nat(50) }),
      fc.record({ receive: fc.nat(5) }),
    );
    const property = fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const [queue, blocks, underWay] = [new SendQueueCore(20), new Blocks(), [] as OutgoingPiece[]];
      let [limit, written, sent] = [20, '', ''];
      for (const each of steps) {
        if ('push' in each) {
          const text = String.fromCharCode(97 + (written.length % 26)).repeat(each.push);
          written += text;
          queue.push(blocks.text(text));
        } else if ('cut' in each) {
          const piece = queue.cut(each.cut);
          if (!piece) continue;
          expect([piece.offset, piece.bytes <= each.cut]).toEqual([sent.length, true]);
          sent += textOf(piece) ?? '';
          underWay.push(piece);
        } else if ('credit' in each) queue.handleCredit((limit += each.credit));
        else underWay.splice(each.receive, 1)[0]?.handleReceived();
        expect(sent.length).toBeLessThanOrEqual(limit);
      }
      expect(written.startsWith(sent)).toBe(true);
      queue.close();
      expect(blocks.out).toBe(0);
    });
    fc.assert(property, { numRuns: 300 });
  });
});
