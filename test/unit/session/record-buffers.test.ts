import { describe, expect, it } from 'vitest';
import { sessionDefaults } from '../../../src/config/index.js';
import { recordLayout } from '../../../src/native/api.js';
import { RecordBuffers } from '../../../src/session/record-buffers.js';

const large = recordLayout.overheadBytes + sessionDefaults.recordBytes;
const many = (buffers: RecordBuffers, count: number, bytes = large) =>
  Array.from({ length: count }, () => buffers.acquire(bytes));

describe('record buffers', () => {
  it.each([1, 64 * 1024, 64 * 1024 + 1, large])(
    'are at least %i bytes long where so many are asked for',
    (bytes) => {
      expect(new RecordBuffers().acquire(bytes).length).toBeGreaterThanOrEqual(bytes);
    },
  );

  it('that are large are used again, and one that is out never is', () => {
    const buffers = new RecordBuffers();
    const [a, b, c] = many(buffers, 3);
    expect(new Set([a, b, c]).size).toBe(3);
    if (b) buffers.release(b);
    const again = buffers.acquire(large);
    expect(again).toBe(b);
    expect([a, b, c]).not.toContain(buffers.acquire(large));
  });

  it('that are large hold the largest record, whatever they were taken for', () => {
    const buffers = new RecordBuffers();
    buffers.release(buffers.acquire(100_000));
    expect(buffers.acquire(large).length).toBeGreaterThanOrEqual(large);
  });

  it('that are large are not twice as large as what they were taken for, used again or not', () => {
    const buffers = new RecordBuffers();
    for (const buffer of many(buffers, 4)) buffers.release(buffer);
    for (let bytes = 64 * 1024 + 1; bytes <= large; bytes += 9973) {
      const buffer = buffers.acquire(bytes);
      expect(buffer.length).toBeGreaterThanOrEqual(bytes);
      expect(buffer.length).toBeLessThan(2 * bytes);
      buffers.release(buffer);
    }
  });

  it('that are large are used again for records of about the same size', () => {
    const buffers = new RecordBuffers();
    const before = buffers.acquire(300_000);
    buffers.release(before);
    expect(buffers.acquire(290_000)).toBe(before);
  });

  it('that were used last are kept, where there are too many of another size', () => {
    const buffers = new RecordBuffers(undefined, 2 * large);
    for (const buffer of many(buffers, 20, 100_000)) buffers.release(buffer);
    const last = buffers.acquire(large);
    buffers.release(last);
    expect(buffers.acquire(large)).toBe(last);
  });

  it('that are idle and too small make room for larger ones, but for a quarter', () => {
    const buffers = new RecordBuffers(undefined, 8 * large);
    const small = new Set(many(buffers, 8 * 10, 100_000));
    for (const buffer of small) buffers.release(buffer);
    many(buffers, 8);
    const left = many(buffers, 8 * 10, 100_000).filter((buffer) => small.has(buffer));
    expect(left.length).toBeGreaterThan(0);
    expect(left.length * 100_000).toBeLessThanOrEqual(2 * large);
  });

  it('that are small are not kept, so that none is handed out for a large record', () => {
    const buffers = new RecordBuffers();
    const small = buffers.acquire(1000);
    expect(small).toHaveLength(1000);
    buffers.release(small);
    expect(buffers.acquire(large).length).toBeGreaterThanOrEqual(large);
  });

  it('that are large come from where is said', () => {
    const asked: number[] = [];
    const buffers = new RecordBuffers((bytes) => {
      asked.push(bytes);
      return Buffer.alloc(bytes);
    });
    buffers.acquire(1000);
    expect(asked).toEqual([]);
    const buffer = buffers.acquire(large);
    expect(asked).toEqual([buffer.length]);
  });

  it.each([
    ['as many as is said', new RecordBuffers(undefined, 2 * large), 2],
    ['32 where nothing is said', new RecordBuffers(), 32],
  ])('that are idle are kept, %s, and no more', (_, buffers, keep) => {
    const first = new Set(many(buffers, keep + 3));
    for (const buffer of first) buffers.release(buffer);
    const second = many(buffers, keep + 3);
    expect(second.filter((buffer) => first.has(buffer))).toHaveLength(keep);
  });
});
