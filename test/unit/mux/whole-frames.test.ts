import fc from 'fast-check';
import { expect, it } from 'vitest';
import { WholeFrames } from '../../../plugins/mux/src/whole-frames.js';

interface Frame {
  /** FIN, reserved bits and opcode. */
  readonly first: number;
  readonly isMasked: boolean;
  readonly bytes: number;
}

/** RFC 6455 §5.2, with the length in as few bytes as it takes. */
function encoded({ first, isMasked, bytes }: Frame, fill: number): Buffer {
  const length =
    bytes < 126
      ? Buffer.of(bytes)
      : bytes < 65_536
        ? Buffer.of(126, bytes >> 8, bytes & 255)
        : Buffer.from([127, 0, 0, 0, 0, ...uint32(bytes)]);
  if (isMasked) (length[0] as number) |= 0x80;
  return Buffer.concat([Buffer.of(first), length, Buffer.alloc(isMasked ? 4 : 0), Buffer.alloc(bytes, fill)]);
}

const uint32 = (value: number): number[] => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255);

/** Puts all of it in, in pieces of these sizes; what was given, as it was then and as it is in the end. */
function given(all: Buffer, pieces: readonly number[]): { readonly then: Buffer; readonly kept: Buffer }[] {
  const list: { then: Buffer; kept: Buffer }[] = [];
  const frames = new WholeFrames((bytes) => list.push({ then: Buffer.from(bytes), kept: bytes }));
  for (let at = 0, turn = 0; at < all.length; turn++) {
    const wanted = pieces[turn % pieces.length] as number;
    const count = all.copy(frames.room(), 0, at, Math.min(all.length, at + wanted));
    expect(count).toBeGreaterThan(0);
    frames.take(count);
    at += count;
  }
  frames.room().fill(0xee);
  return list;
}

const firstByte = fc.oneof(
  { weight: 4, arbitrary: fc.constant(0x82) },
  fc.constantFrom(0x02, 0x00, 0x80, 0x81, 0x88, 0x89, 0x8a, 0xc2, 0xff),
);
const frame: fc.Arbitrary<Frame> = fc.record({
  first: firstByte,
  isMasked: fc.boolean(),
  bytes: fc.oneof(fc.nat(200), fc.constantFrom(125, 126, 127, 65_535, 65_536), fc.nat(20_000)),
});

it('gives all bytes in order, cut where frames end, and never what a receiver may keep from its own buffer', () => {
  fc.assert(
    fc.property(
      fc.array(frame, { minLength: 1, maxLength: 30 }),
      fc.array(fc.integer({ min: 1, max: 70_000 }), { minLength: 1, maxLength: 5 }),
      fc.nat(3),
      (frames, pieces, missing) => {
        const encodings = frames.map((one, at) => encoded(one, at + 1));
        const all = Buffer.concat(encodings);
        const cut = all.subarray(0, Math.max(1, all.length - missing));
        const list = given(cut, pieces);
        const ends = new Set<number>([0]);
        let end = 0;
        for (const { length } of encodings) ends.add((end += length));
        let at = 0;
        for (const { then, kept } of list) {
          expect(then.equals(all.subarray(at, at + then.length))).toBe(true);
          const held = encodings.flatMap((one, index) =>
            startsIn(encodings, index, at, then.length) ? one[0] : [],
          );
          // What held anything but whole binary messages is as it was, whatever came into the buffer since.
          if (held.some((first) => first !== 0x82)) expect(kept.equals(then)).toBe(true);
          at += then.length;
          expect(ends.has(at)).toBe(true);
        }
        // Nothing that is whole is held back.
        expect(at).toBe(Math.max(...[...ends].filter((one) => one <= cut.length)));
      },
    ),
    { numRuns: 300 },
  );
});

function startsIn(encodings: readonly Buffer[], index: number, from: number, bytes: number): boolean {
  const start = encodings.slice(0, index).reduce((sum, { length }) => sum + length, 0);
  return start >= from && start < from + bytes;
}

it('allocates nothing for whole binary messages', () => {
  const message = encoded({ first: 0x82, isMasked: true, bytes: 16_384 }, 7);
  const [one, other] = given(Buffer.concat([message, message]), [message.length]);
  expect(one?.kept.buffer).toBe(other?.kept.buffer);
});

it('passes on, as it comes, a frame that is longer than any that is taken, and all behind it', () => {
  const huge = encoded({ first: 0x82, isMasked: false, bytes: 300_000 }, 5);
  const all = Buffer.concat([huge, encoded({ first: 0x82, isMasked: false, bytes: 9 }, 6)]);
  const list = given(all, [100_000]);
  expect(list.length).toBe(4);
  expect(Buffer.concat(list.map(({ kept }) => kept)).equals(all)).toBe(true);
});
