import { describe, expect, it } from 'vitest';
import type { ContentLimit } from 'xfer/plugin';
import { IncomingContent } from '../../../plugins/quic/src/incoming-content.js';

const KiB = 1024;

function incoming(limits: Record<number, ContentLimit>, maxEarlyStreams = 8) {
  const got: string[] = [];
  const content = new IncomingContent(
    {
      limitOf: (id) => limits[id] ?? 'over',
      handleContent: (id, bytes, fin) =>
        void got.push(`${id} ${Buffer.from(bytes).toString()}${fin ? '.' : ''}`),
    },
    { maxEarlyStreams },
  );
  return { content, got, limits };
}

describe('content that comes in', () => {
  it('is given out within what was granted, and ends the connection past it', () => {
    const { content, got } = incoming({ 1: 5 });
    expect(content.handle(1, Buffer.from('abc'), false)).toBe(true);
    expect(content.handle(1, Buffer.from('de'), true)).toBe(true);
    expect(got).toEqual(['1 abc', '1 de.']);
    expect(() => content.handle(1, Buffer.from('f'), false)).toThrow('more content than was granted');
  });

  it('is wanted no more where its stream is over', () => {
    const { content, got } = incoming({});
    expect(content.handle(1, Buffer.from('abc'), false)).toBe(false);
    expect(got).toEqual([]);
  });

  it('waits for its stream, in memory of its own', () => {
    const { content, got, limits } = incoming({ 1: 'unopened' });
    const bytes = Buffer.from('abc');
    content.handle(1, bytes, false);
    bytes.fill(0);
    content.handle(1, Buffer.from('d'), true);
    expect(got).toEqual([]);
    limits[1] = 10;
    content.opened(1);
    content.opened(1);
    expect(got).toEqual(['1 abcd.']);
  });

  it('goes behind what waits, although nobody said that its stream is open', () => {
    const { content, got, limits } = incoming({ 1: 'unopened' });
    content.handle(1, Buffer.from('abc'), false);
    limits[1] = 10;
    content.handle(1, Buffer.from('d'), false);
    expect(got).toEqual(['1 abc', '1 d']);
  });

  it('is dropped with its stream while it waits', () => {
    const { content, got, limits } = incoming({ 1: 'unopened' });
    content.handle(1, Buffer.from('abc'), false);
    content.forget(1);
    limits[1] = 10;
    content.opened(1);
    expect(got).toEqual([]);
  });

  it('is held to so much before its stream: of one, of all, and of so many', () => {
    const early = (): Record<number, ContentLimit> =>
      Object.fromEntries(Array.from({ length: 40 }, (_, id) => [id, 'unopened']));
    const one = incoming(early()).content;
    one.handle(1, new Uint8Array(64 * KiB), false);
    expect(() => one.handle(1, new Uint8Array(1), false)).toThrow('not open');
    const all = incoming(early(), 40).content;
    for (let id = 0; id < 16; id++) all.handle(id, new Uint8Array(64 * KiB), false);
    expect(() => all.handle(16, new Uint8Array(1), false)).toThrow('not open');
    const many = incoming(early()).content;
    for (let id = 0; id < 8; id++) many.handle(id, new Uint8Array(0), true);
    expect(() => many.handle(8, new Uint8Array(0), true)).toThrow('not open');
  });
});
