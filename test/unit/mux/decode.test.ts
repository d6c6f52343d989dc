import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameDecoder, type FrameSink } from '../../../src/mux/decode.js';
import { encodeFrame } from '../../../src/mux/encode.js';
import { fault, frameType } from '../../../src/mux/frame.js';

const limits = { maxHeaderBytes: 64, maxPayloadBytes: 16 * 1024 };

class Log implements FrameSink {
  readonly events: string[] = [];
  bytes = 0;
  /** Set where pieces must be slices of what was given. */
  input: ArrayBufferLike | undefined;
  copied = false;

  control(type: number, id: number, payload: Uint8Array): undefined {
    this.events.push(`${type} ${id} ${Buffer.from(payload).toString('hex')}`);
  }
  dataStart(id: number, flags: number, bytes: number): undefined {
    this.events.push(`start ${id} ${flags} ${bytes}`);
  }
  data(bytes: Uint8Array): undefined {
    if (this.input && bytes.buffer !== this.input) this.copied = true;
    this.bytes += bytes.length;
    const last = this.events.length - 1;
    const more = Buffer.from(bytes).toString('hex');
    if (this.events[last]?.startsWith('bytes')) this.events[last] += more;
    else this.events.push(`bytes ${more}`);
  }
  dataEnd(id: number): undefined {
    this.events.push(`end ${id}`);
  }
}

function feed(bytes: Uint8Array, cuts: readonly number[]): { log: Log; reason: string | undefined } {
  const log = new Log();
  const decoder = new FrameDecoder(log, limits);
  let at = 0;
  let reason: string | undefined;
  for (let i = 0; at < bytes.length; i++) {
    const size = Math.max(1, cuts.length > 0 ? (cuts[i % cuts.length] ?? 1) : bytes.length);
    reason = decoder.push(bytes.subarray(at, at + size))?.reason;
    at += size;
  }
  return { log, reason };
}

/** Frames that are mostly right, so that fuzzing gets past the first header. */
const frame = fc
  .record({
    type: fc.oneof(fc.constantFrom(...Object.values(frameType)), fc.integer({ min: 0, max: 255 })),
    flags: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 255 })),
    id: fc.oneof(fc.integer({ min: 0, max: 9 }), fc.maxSafeNat()),
    payload: fc.oneof(
      fc.uint8Array({ minLength: 8, maxLength: 8 }),
      fc.uint8Array({ minLength: 4, maxLength: 4 }),
      fc.uint8Array({ maxLength: 300 }),
    ),
  })
  .map(({ type, flags, id, payload }) => encodeFrame(type, flags, id, payload));

const stream = fc.oneof(
  fc.uint8Array({ maxLength: 2000 }),
  fc.array(frame, { maxLength: 20 }).map((frames) => new Uint8Array(Buffer.concat(frames))),
);

describe('FrameDecoder', () => {
  it('makes the same of any bytes however they are cut, and never throws', () => {
    fc.assert(
      fc.property(stream, fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 8 }), (bytes, cuts) => {
        const whole = feed(bytes, []);
        const cut = feed(bytes, cuts);
        expect(cut.log.events).toEqual(whole.log.events);
        expect(cut.reason).toBe(whole.reason);
        expect(whole.log.bytes).toBeLessThanOrEqual(bytes.length);
      }),
      { numRuns: 2000 },
    );
  });

  it('gives content as slices of the input, never gathered', () => {
    const log = new Log();
    const decoder = new FrameDecoder(log, limits);
    const bytes = encodeFrame(frameType.streamData, 0, 1, new Uint8Array(10_000));
    for (const [from, to] of [
      [0, 100],
      [100, 5000],
      [5000, bytes.length],
    ]) {
      log.input = bytes.buffer;
      decoder.push(bytes.subarray(from, to));
    }
    expect([log.bytes, log.copied]).toEqual([10_000, false]);
  });

  it('stays with its first fault', () => {
    const log = new Log();
    const decoder = new FrameDecoder(log, limits);
    const first = decoder.push(encodeFrame(0x10, 0, 1, new Uint8Array(0)));
    const good = encodeFrame(frameType.streamClose, 0, 1, new Uint8Array(0));
    expect(first?.kind).toBe('protocol');
    expect(decoder.push(good)).toBe(first);
    expect(log.events).toEqual([]);
  });

  it('stops at the fault of its sink', () => {
    const refused = fault('no');
    const seen: number[] = [];
    const decoder = new FrameDecoder(
      {
        control: (_t, id) => (seen.push(id), id === 2 ? refused : undefined),
        dataStart: () => undefined,
        data: () => undefined,
        dataEnd: () => undefined,
      },
      limits,
    );
    const frames = [1, 2, 3].map((id) => encodeFrame(frameType.streamClose, 0, id, new Uint8Array(0)));
    expect(decoder.push(Buffer.concat(frames))).toBe(refused);
    expect(seen).toEqual([1, 2]);
  });

  it('lets longer frames in only once that is agreed', () => {
    const bytes = encodeFrame(frameType.streamData, 0, 1, new Uint8Array(20_000));
    const strict = new FrameDecoder(new Log(), limits);
    expect(strict.push(bytes)?.reason).toMatch(/20000/);
    const agreed = new FrameDecoder(new Log(), limits);
    agreed.maxPayloadBytes = 20_000;
    expect(agreed.push(bytes)).toBeUndefined();
  });
});

describe('a payload', () => {
  it('is of plain bytes, whose slices are copies, whatever came in', () => {
    const slices: Uint8Array[] = [];
    const log = new Log();
    log.control = (_type: number, _id: number, payload: Uint8Array): undefined => {
      slices.push(payload.slice());
    };
    const bytes = Buffer.from(encodeFrame(frameType.keepalive, 0, 0, new Uint8Array(8).fill(7)));
    const decoder = new FrameDecoder(log, limits);
    decoder.push(bytes);
    decoder.push(bytes.subarray(0, 15));
    decoder.push(bytes.subarray(15));
    bytes.fill(0);
    expect(slices).toEqual([new Uint8Array(8).fill(7), new Uint8Array(8).fill(7)]);
  });
});
