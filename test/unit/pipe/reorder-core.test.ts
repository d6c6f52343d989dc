import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ReorderCore } from '../../../src/pipe/reorder-core.js';
import { Blocks } from './pipe-kit.js';

const KiB = 1024;
const windowBytes = 64 * 1024 * KiB;

function taken(core: ReorderCore): string {
  let text = '';
  for (let block = core.take(); block; block = core.take()) {
    text += Buffer.from(block.bytes).toString();
    block.release();
  }
  return text;
}

describe('content that comes in any order', () => {
  it('is given in order, as soon as nothing is missing before it', () => {
    const [core, blocks] = [new ReorderCore(8), new Blocks()];
    const come = (offset: number, text: string) => {
      expect(core.claim(offset, text.length)).toBe(true);
      core.put(offset, blocks.text(text), windowBytes);
      return taken(core);
    };
    expect([come(3, 'de'), come(0, 'abc'), come(6, 'g'), come(5, 'f')]).toEqual(['', 'abcde', '', 'fg']);
    expect([blocks.out, core.waitingBytes, core.takenBytes]).toEqual([0, 0, 7]);
  });

  it('is taken once: what overlaps is refused, what did not verify may come again', () => {
    const core = new ReorderCore(8);
    expect([core.claim(2, 4), core.claim(0, 3), core.claim(5, 2), core.claim(3, 1)]).toEqual([
      ...[true, false, false, false],
    ]);
    core.giveBack(2, 4);
    expect(core.claim(0, 3)).toBe(true);
  });

  it('ends where it was said to, and not before what has come', () => {
    const core = new ReorderCore(8);
    core.claim(0, 4);
    expect([core.handleEnd(3), core.handleEnd(6), core.handleEnd(6)]).toEqual([false, true, false]);
    expect([core.claim(4, 3), core.claim(4, 2)]).toEqual([false, true]);
  });

  it('leaves so many gaps at most', () => {
    const core = new ReorderCore(3);
    expect([core.claim(2, 1), core.claim(4, 1), core.claim(6, 1), core.claim(8, 1)]).toEqual([
      ...[true, true, true, false],
    ]);
    expect(core.islands).toBe(3);
  });

  it('costs no more than its bytes where it comes a byte at a time', () => {
    const [core, blocks] = [new ReorderCore(8), new Blocks()];
    for (let at = 0; at < 100 * KiB; at++) {
      core.claim(at, 1);
      core.put(at, blocks.text('x'), windowBytes);
    }
    // The first waits as it came; all others are copied into a few.
    expect(blocks.out).toBe(1);
    let count = 0;
    for (let block = core.take(); block; block = core.take()) {
      count++;
      block.release();
    }
    expect([count, core.takenBytes, blocks.out]).toEqual([3, 100 * KiB, 0]);
  });

  it.each([
    [64 * 1024, 10_240, 32],
    [256, 256, 0],
  ])(
    'does not keep large memory for little content that waits: in a window of %d KiB',
    (window, heldKiB, most) => {
      const core = new ReorderCore(8);
      let out = 0;
      for (let at = 0; at < heldKiB / 128; at++) {
        out++;
        core.claim(at * 128 * KiB, 128 * KiB);
        const bytes = Buffer.allocUnsafeSlow(1024 * KiB).subarray(0, 128 * KiB);
        core.put(at * 128 * KiB, { bytes, release: () => out-- }, window * KiB);
      }
      expect(out).toBeLessThanOrEqual(most);
    },
  );

  it('is released, all of it, when nobody wants it', () => {
    const [core, blocks] = [new ReorderCore(8), new Blocks()];
    for (const [offset, text] of [
      [0, 'abc'],
      [10, 'x'.repeat(5_000)],
    ] as const) {
      core.claim(offset, text.length);
      core.put(offset, blocks.text(text), windowBytes);
    }
    core.close();
    expect([blocks.out, core.waitingBytes, core.take()]).toEqual([0, 0, undefined]);
  });

  it('is what was sent, in whatever pieces and order', () => {
    const pieces = fc.array(fc.integer({ min: 1, max: 6_000 }), { minLength: 1, maxLength: 40 });
    const property = fc.property(pieces, fc.infiniteStream(fc.nat()), (sizes, random) => {
      const [core, blocks] = [new ReorderCore(64), new Blocks()];
      let at = 0;
      const waiting = sizes.map((bytes) => ({ offset: (at += bytes) - bytes, bytes }));
      const whole = Array.from({ length: at }, (_, i) => String.fromCharCode(97 + (i % 26))).join('');
      core.handleEnd(at);
      let text = '';
      while (waiting.length > 0) {
        const [next] = waiting.splice((random.next().value as number) % waiting.length, 1);
        if (!next) break;
        const { offset, bytes } = next;
        expect(core.claim(offset, bytes)).toBe(true);
        core.put(offset, blocks.text(whole.slice(offset, offset + bytes)), windowBytes);
        if ((random.next().value as number) % 2) text += taken(core);
      }
      text += taken(core);
      expect([text === whole, core.isAtEnd, blocks.out, core.waitingBytes]).toEqual([true, true, 0, 0]);
    });
    fc.assert(property, { numRuns: 200 });
  });
});
