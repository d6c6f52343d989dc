import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Framing } from '../../../src/pipe/channel.js';
import { reframer } from '../../../src/pipe/reframer.js';
import { bytesOf, frame, len32, piecesOf, textOf } from './endpoint-fakes.js';

const framingError: unknown = expect.objectContaining({ code: 'ERR_XFER_FRAMING' });

/** Each piece is overwritten as soon as what came of it was looked at. */
const reframed = (from: Framing, to: Framing, pieces: readonly Uint8Array[]): string => {
  const core = reframer(from, to);
  const out = pieces.map((piece) => {
    const text = core.reframe(piece).map(textOf).join('');
    piece.fill(0xff);
    return text;
  });
  return out.join('') + core.end().map(textOf).join('');
};

const messages = [['one'], [''], ['two', '', 'three'], ['x'.repeat(50_000)]];
const asLines = 'one\n\ntwothree\n' + 'x'.repeat(50_000) + '\n';
const joined = [['one'], [''], ['twothree'], ['x'.repeat(50_000)]];

describe('content', () => {
  it.each<[Framing, Framing, string, string]>([
    ['len32', 'lines', textOf(len32(messages)), asLines],
    ['len32', 'bytes', textOf(len32(messages)), asLines.replaceAll('\n', '')],
    ['len32', 'len32', textOf(len32(messages)), textOf(len32(messages))],
    ['lines', 'len32', asLines, textOf(len32(joined))],
    ['lines', 'len32', asLines.slice(0, -1), textOf(len32(joined))],
    ['lines', 'bytes', asLines, asLines],
    ['lines', 'lines', asLines, asLines],
    ['bytes', 'lines', asLines, asLines],
  ])('that is cut as %s becomes %s, wherever it is cut on its way', (from, to, content, expected) => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(), { maxLength: 12 }),
        (at) => reframed(from, to, piecesOf(bytesOf(content), at)) === expected,
      ),
    );
  });

  it.each<[Framing]>([['lines'], ['bytes'], ['len32']])(
    'that ends within a message is refused, whatever it becomes: %s',
    (to) => {
      expect(() => reframed('len32', to, [frame('abc').subarray(0, 5)])).toThrow(framingError);
      expect(() => reframed('len32', to, [frame('abc', true)])).toThrow(framingError);
    },
  );

  it('that has a newline in a message becomes no line', () => {
    expect(() => reframed('len32', 'lines', [frame('a\nb')])).toThrow(framingError);
  });

  it('that is not cut becomes no messages', () => {
    expect(() => reframer('bytes', 'len32')).toThrow(framingError);
  });

  it('of a long message goes on before the message has ended', () => {
    const content = frame('y'.repeat(40_000));
    const core = reframer('len32', 'bytes');
    expect(core.reframe(content.subarray(0, 30_000)).map((chunk) => chunk.length)).toEqual([29_996]);
  });
});
