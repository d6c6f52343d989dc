import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameScanner } from '../../../src/pipe/frame-scanner.js';
import { bytesOf, frame, len32, piecesOf } from './endpoint-fakes.js';

const MiB = 1024 * 1024;
const cuts = fc.array(fc.nat(), { maxLength: 12 });
const framingError: unknown = expect.objectContaining({ code: 'ERR_XFER_FRAMING' });

/** Offsets in the whole content that the scanner said while it saw the pieces; those without an end left out. */
const scanned = (scanner: FrameScanner, pieces: readonly Uint8Array[]): number[] => {
  let base = 0;
  return pieces.flatMap((piece) => {
    const end = scanner.scan(piece);
    base += piece.length;
    return end === 0 ? [] : [base - piece.length + end];
  });
};
const announced = (bytes: number) => {
  const header = Buffer.alloc(4);
  header.writeUInt32BE(bytes);
  return header;
};

describe('a frame scanner', () => {
  it('takes all of bytes, and is never within a frame', () => {
    const scanner = new FrameScanner('bytes');
    expect(scanner.scan(bytesOf('any'))).toBe(3);
    expect(scanner.isBetween).toBe(true);
  });

  it.each([
    ['nothing', '', 0, true],
    ['a line', 'a\n', 2, true],
    ['an empty line', '\n', 1, true],
    ['a line and the beginning of another', 'a\nb', 2, false],
    ['the beginning of a line', 'ab', 0, false],
  ])('finds the end of %s', (_, text, end, isBetween) => {
    const scanner = new FrameScanner('lines');
    expect([scanner.scan(bytesOf(text)), scanner.isBetween]).toEqual([end, isBetween]);
  });

  it('is between still behind nothing, and within still behind nothing', () => {
    const scanner = new FrameScanner('len32');
    scanner.scan(frame('x'));
    expect([scanner.scan(new Uint8Array(0)), scanner.isBetween]).toEqual([0, true]);
    scanner.scan(frame('x').subarray(0, 2));
    expect([scanner.scan(new Uint8Array(0)), scanner.isBetween]).toEqual([0, false]);
  });

  it.each([
    ['a message', frame('abc'), 7, true],
    ['an empty message', frame(''), 4, true],
    ['a part that is not the last', frame('abc', true), 0, false],
    ['an empty part that is not the last', frame('', true), 0, false],
    ['a header', frame('abc').subarray(0, 4), 0, false],
    ['half a header behind a message', Buffer.concat([frame('a'), frame('b').subarray(0, 2)]), 5, false],
  ])('finds the end of %s', (_, content, end, isBetween) => {
    const scanner = new FrameScanner('len32');
    expect([scanner.scan(content), scanner.isBetween]).toEqual([end, isBetween]);
  });

  it('finds the last end in each piece, wherever content is cut', () => {
    const parts = fc.array(fc.string({ maxLength: 40 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 12 }), cuts, (messages, at) => {
        const content = len32(messages.map((message) => message.map((part) => part.replace(/[^ -~]/g, '?'))));
        const ends: number[] = [];
        let end = 0;
        for (const message of messages)
          ends.push((end += message.reduce((sum, part) => sum + 4 + part.length, 0)));
        const pieces = piecesOf(content, at);
        let base = 0;
        const expected = pieces.flatMap((piece) => {
          const from = base;
          base += piece.length;
          return ends.filter((each) => each > from && each <= base).slice(-1);
        });
        const scanner = new FrameScanner('len32');
        expect(scanned(scanner, pieces)).toEqual(expected);
        expect(scanner.isBetween).toBe(true);
      }),
    );
  });

  it('takes a message of 100 MiB, and refuses one byte more as soon as that is announced', () => {
    expect(new FrameScanner('len32').scan(announced(100 * MiB))).toBe(0);
    expect(() => new FrameScanner('len32').scan(announced(100 * MiB + 1))).toThrow(framingError);
    expect(() => new FrameScanner('len32').scan(announced(0xffff_ffff))).toThrow(framingError);
  });

  it('counts all parts of a message together', () => {
    const scanner = new FrameScanner('len32');
    scanner.scan(frame('x', true));
    expect(() => scanner.scan(announced(100 * MiB))).toThrow(framingError);
  });

  it('begins to count anew with each message', () => {
    const scanner = new FrameScanner('len32');
    scanner.scan(frame('x'));
    expect(scanner.scan(announced(100 * MiB))).toBe(0);
  });

  it('refuses a message of parts without end, although they are empty', () => {
    const scanner = new FrameScanner('len32');
    const parts = Buffer.concat(Array.from({ length: 65_536 }, () => frame('', true)));
    expect(scanner.scan(parts)).toBe(0);
    expect(() => scanner.scan(frame(''))).toThrow(framingError);
  });

  it('takes a line of 100 MiB in pieces, and refuses one byte more', () => {
    const scanner = new FrameScanner('lines');
    const piece = new Uint8Array(4 * MiB);
    scanner.scan(bytesOf('a line before\n'));
    for (let i = 0; i < 25; i++) scanner.scan(piece);
    expect(() => scanner.scan(new Uint8Array(1))).toThrow(framingError);
  });
});
