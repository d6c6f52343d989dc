import { describe, expect, it } from 'vitest';
import { encodeUint64Frame } from '../../../src/mux/encode.js';
import { frameHeaderBytes, frameType } from '../../../src/mux/frame.js';
import { LoneCore, type Witness } from '../../support/mux-cores.js';

const KiB = 1024;

function header(bytes: number, id = 1): Uint8Array {
  const frame = new Uint8Array(frameHeaderBytes);
  const view = new DataView(frame.buffer);
  view.setUint8(0, frameType.streamData);
  view.setUint32(2, bytes);
  view.setUint32(10, id);
  return frame;
}

/** A core with one open stream that is read, which offers `offered`. */
function reading(offered?: Uint8Array) {
  const lone = new LoneCore({ dialer: true, config: { initialWindowBytes: 4096 * KiB } });
  const stream = lone.open();
  lone.take();
  lone.feed(encodeUint64Frame(frameType.openAck, 1, 1 << 20));
  lone.core.setReading(stream, true, false);
  const witness = lone.witnesses.get(stream) as Witness;
  witness.offered = offered;
  return { lone, stream, witness };
}

describe('where a link may put what it reads next', () => {
  it('is nowhere special between frames', () => {
    expect(reading(new Uint8Array(100 * KiB)).lone.core.place()).toBeUndefined();
  });

  it('is the memory that the reader offers, while content of its stream comes', () => {
    const offered = new Uint8Array(100 * KiB);
    const { lone, witness } = reading(offered);
    lone.feed(header(200 * KiB));
    expect(lone.core.place()).toBe(offered);
    witness.offered = undefined;
    expect(lone.core.place()).not.toBe(offered);
  });

  it('ends with the content of the frame: what follows is not for that reader', () => {
    const { lone } = reading(new Uint8Array(100 * KiB));
    lone.feed(header(40 * KiB), new Uint8Array(1));
    const place = lone.core.place();
    expect(place instanceof Uint8Array && place.length).toBe(40 * KiB - 1);
  });

  it.each([
    ['is paused', (at: ReturnType<typeof reading>) => at.lone.core.setReading(at.stream, true, true)],
    ['has no reader', (at: ReturnType<typeof reading>) => at.lone.core.setReading(at.stream, false, false)],
    ['is read no more', (at: ReturnType<typeof reading>) => at.lone.core.stopReading(at.stream, 4)],
    ['was reset', (at: ReturnType<typeof reading>) => at.lone.core.reset(at.stream, 4)],
  ])('is nowhere special when the stream %s', (_, change) => {
    const at = reading(new Uint8Array(100 * KiB));
    at.lone.feed(header(200 * KiB));
    change(at);
    expect(at.lone.core.place()).toBeUndefined();
  });

  it('is nowhere special while earlier content is held', () => {
    const at = reading(new Uint8Array(100 * KiB));
    at.lone.feed(header(200 * KiB));
    at.lone.core.setReading(at.stream, true, true);
    at.lone.feed(new Uint8Array(10));
    at.stream.paused = false;
    expect(at.lone.core.place()).toBeUndefined();
  });

  it('is not asked for where the content that is left, or the memory, is small', () => {
    const little = reading(new Uint8Array(100 * KiB));
    little.lone.feed(header(10 * KiB));
    expect(little.lone.core.place()).toBeUndefined();
    const small = reading(new Uint8Array(10 * KiB));
    small.lone.feed(header(200 * KiB));
    expect(small.lone.core.place()).toBeUndefined();
  });

  it('is a short read behind placed content, three times at most, so that nothing comes in crumbs', () => {
    const { lone } = reading(new Uint8Array(100 * KiB));
    lone.feed(header(100 * KiB));
    expect(lone.core.place()).toBeInstanceOf(Uint8Array);
    lone.feed(new Uint8Array(100 * KiB));
    const reads = Array.from({ length: 5 }, () => lone.core.place());
    expect(reads).toEqual([...Array<unknown>(3).fill({ bytes: 4 * KiB }), undefined, undefined]);
  });
});
