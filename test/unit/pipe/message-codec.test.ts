import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { GrowingBytes } from '../../../src/pipe/growing-bytes.js';
import { encodeMessages, messageDecoder } from '../../../src/pipe/message-codec.js';
import type { Message } from '../../../src/pipe/endpoint.js';
import { bytesOf, frame, len32, piecesOf, textOf } from './endpoint-fakes.js';

const MiB = 1024 * 1024;
const framingError: unknown = expect.objectContaining({ code: 'ERR_XFER_FRAMING' });
const cuts = fc.array(fc.nat(), { maxLength: 12 });
/** Most parts are short, some are long enough to be chunks of their own. */
const part = fc.oneof(
  { weight: 9, arbitrary: fc.uint8Array({ maxLength: 60 }) },
  { weight: 1, arbitrary: fc.integer({ min: 15_000, max: 70_000 }).map((n) => new Uint8Array(n).fill(7)) },
);
const message = fc.array(part, { minLength: 1, maxLength: 4 });
const line = fc.uint8Array({ maxLength: 60 }).map((bytes) => bytes.map((byte) => (byte === 10 ? 11 : byte)));
const texts = (messages: readonly Message[]) => messages.map((parts) => parts.map(textOf));

/** What the decoder gives when each piece is overwritten as soon as all from it was looked at. */
const decoded = (framing: 'len32' | 'lines', pieces: readonly Uint8Array[]): string[][] => {
  const decoder = messageDecoder(framing);
  const all = pieces.flatMap((piece) => {
    const messages = texts(decoder.decode(piece));
    piece.fill(0xff);
    return messages;
  });
  return [...all, ...texts(decoder.end())];
};

describe('messages as len32', () => {
  it('are what the protocol says', () => {
    const content = Buffer.concat(
      encodeMessages([[bytesOf('ab')], [bytesOf('c'), new Uint8Array(0), bytesOf('d')]], 'len32'),
    );
    expect(content.toString('hex')).toBe('000000026162' + '8000000163' + '80000000' + '0000000164');
  });

  it('come back whole, wherever the content is cut', () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 10 }), cuts, (messages, at) => {
        const content = Buffer.concat(encodeMessages(messages, 'len32'));
        expect(decoded('len32', piecesOf(content, at))).toEqual(texts(messages));
      }),
    );
  });

  it('leave large parts where they are, and put small ones together', () => {
    const large = new Uint8Array(100_000);
    const chunks = encodeMessages(
      [...Array.from({ length: 100 }, () => [bytesOf('small')]), [large], [bytesOf('x')]],
      'len32',
    );
    expect(chunks).toHaveLength(3);
    expect(chunks[1]?.buffer).toBe(large.buffer);
  });

  it('that lie in one piece are given as parts of it', () => {
    const content = len32([['one'], ['two', 'three']]);
    for (const given of messageDecoder('len32').decode(content).flat())
      expect(given.buffer).toBe(content.buffer);
  });

  it('of 100 MiB and a byte are refused before memory is taken for them', () => {
    const decoder = messageDecoder('len32');
    expect(() => decoder.decode(Buffer.from([0x06, 0x40, 0x00, 0x01]))).toThrow(framingError);
    const long = new Uint8Array(100 * MiB);
    expect(() => encodeMessages([[long, new Uint8Array(1)]], 'len32')).toThrow(framingError);
  });

  it('that are announced take no memory before they come', () => {
    const before = process.memoryUsage().arrayBuffers;
    const decoders = Array.from({ length: 100 }, () => messageDecoder('len32'));
    for (const decoder of decoders) decoder.decode(Buffer.from([0x06, 0x40, 0x00, 0x00, 1]));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10 * MiB);
  });

  it.each([
    ['a header', frame('abc').subarray(0, 3)],
    ['a payload', frame('abc').subarray(0, 6)],
    ['a message, behind a part', frame('abc', true)],
  ])('that end within %s are refused', (_, content) => {
    const decoder = messageDecoder('len32');
    decoder.decode(content);
    expect(() => decoder.end()).toThrow(framingError);
  });
});

describe('messages as lines', () => {
  it('have their parts joined, and a newline', () => {
    const chunks = encodeMessages([[bytesOf('ab')], [bytesOf('c'), bytesOf('d')], [bytesOf('')]], 'lines');
    expect(Buffer.concat(chunks).toString()).toBe('ab\ncd\n\n');
  });

  it('come back whole, wherever the content is cut', () => {
    fc.assert(
      fc.property(fc.array(line, { maxLength: 10 }), cuts, (lines, at) => {
        const content = Buffer.concat(
          encodeMessages(
            lines.map((each) => [each]),
            'lines',
          ),
        );
        expect(decoded('lines', piecesOf(content, at))).toEqual(lines.map((each) => [textOf(each)]));
      }),
    );
  });

  it('have a last one that needs no newline', () => {
    expect(decoded('lines', [bytesOf('a\nb')])).toEqual([['a'], ['b']]);
    expect(decoded('lines', [bytesOf('a\nb'), bytesOf('c')])).toEqual([['a'], ['bc']]);
    expect(decoded('lines', [bytesOf('a\n')])).toEqual([['a']]);
  });

  it('have no newline inside', () => {
    expect(() => encodeMessages([[bytesOf('a\nb')]], 'lines')).toThrow(framingError);
  });

  it('are refused past 100 MiB', () => {
    const decoder = messageDecoder('lines');
    const piece = new Uint8Array(20 * MiB);
    for (let i = 0; i < 5; i++) decoder.decode(piece);
    expect(() => decoder.decode(new Uint8Array(1))).toThrow(framingError);
  });
});

it('bytes that grow are copied a few times each, not once with every piece', () => {
  const growing = new GrowingBytes();
  const taken = vi.spyOn(Buffer, 'allocUnsafeSlow');
  for (let i = 0; i < 1024; i++) growing.add(new Uint8Array(1024).fill(i));
  const all = growing.takeWith(new Uint8Array([9]));
  expect(taken.mock.calls.length).toBeLessThan(12);
  taken.mockRestore();
  expect(all).toHaveLength(1024 * 1024 + 1);
  expect([all[0], all[1024], all[1024 * 1024], growing.length]).toEqual([0, 1, 9, 0]);
});
