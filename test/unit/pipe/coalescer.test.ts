import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { BlockPool, type SharedBlock } from '../../../src/pipe/block-pool.js';
import { Coalescer } from '../../../src/pipe/coalescer.js';
import { bytesOf, textOf } from './endpoint-fakes.js';

const KiB = 1024;

beforeEach(() => vi.useFakeTimers());
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const made = (coalesceMs = 1) => {
  const pool = new BlockPool();
  const blocks: SharedBlock[] = [];
  const coalescer = new Coalescer({ pool, coalesceMs, onBlock: (block) => blocks.push(block) });
  const put = (text: string) => {
    coalescer.room().set(bytesOf(text));
    coalescer.filled(text.length);
  };
  return { pool, blocks, coalescer, put, texts: () => blocks.map(({ bytes }) => textOf(bytes)) };
};

it('content waits for more, until a millisecond after its first byte', () => {
  const { put, texts } = made();
  put('a');
  vi.advanceTimersByTime(0.5);
  put('b');
  expect(texts()).toEqual([]);
  vi.advanceTimersByTime(0.5);
  expect(texts()).toEqual(['ab']);
  put('c');
  expect(texts()).toEqual(['ab']);
  vi.advanceTimersByTime(1);
  expect(texts()).toEqual(['ab', 'c']);
});

it('content goes at once where nothing may wait', () => {
  const { put, texts } = made(0);
  put('a');
  put('b');
  expect(texts()).toEqual(['a', 'b']);
  expect(vi.getTimerCount()).toBe(0);
});

it('a million small pieces become few blocks with one timer, in order', () => {
  const { coalescer, blocks, put } = made();
  const timers = vi.spyOn(globalThis, 'setTimeout');
  for (let i = 0; i < 1_000_000; i++) {
    coalescer.room();
    coalescer.filled(100);
  }
  put('last');
  coalescer.flush();
  expect(blocks.length).toBeLessThan(110);
  expect(blocks.reduce((sum, { bytes }) => sum + bytes.length, 0)).toBe(100_000_004);
  expect(timers).toHaveBeenCalledTimes(1);
});

it('what goes on by the timer leaves the rest of the memory to what comes next, also to a read that waits', () => {
  const { coalescer, blocks, texts } = made();
  coalescer.room().set(bytesOf('one'));
  coalescer.filled(3);
  const room = coalescer.room();
  vi.advanceTimersByTime(1);
  expect(texts()).toEqual(['one']);
  room.set(bytesOf('two'));
  coalescer.filled(3);
  coalescer.flush();
  expect(texts()).toEqual(['one', 'two']);
  expect(blocks[1]?.bytes.buffer).toBe(blocks[0]?.bytes.buffer);
});

it('memory goes back to the pool when all blocks in it were released, and is used again', () => {
  const { coalescer, pool, blocks, put } = made(0);
  put('a');
  put('b');
  coalescer.close();
  expect(pool.outCount).toBe(1);
  const memory = blocks[0]?.bytes.buffer;
  for (const block of blocks) block.release();
  expect(pool.outCount).toBe(0);
  expect(pool.take().bytes.buffer).toBe(memory);
});

it('long content goes on in its own memory, in blocks, behind what waits', () => {
  const { coalescer, blocks } = made();
  const long = new Uint8Array(1200 * KiB);
  coalescer.add(bytesOf('short'));
  coalescer.add(long);
  expect(blocks.map(({ bytes }) => bytes.length)).toEqual([5, 1024 * KiB, 176 * KiB]);
  expect(blocks[1]?.bytes.buffer).toBe(long.buffer);
});

it('what waits is dropped with the rest, and its timer too', () => {
  const { coalescer, pool, put, texts } = made();
  put('a');
  coalescer.close();
  vi.advanceTimersByTime(5);
  expect([texts(), pool.outCount, vi.getTimerCount()]).toEqual([[], 0, 0]);
});
