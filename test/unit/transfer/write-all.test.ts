import { beforeEach, describe, expect, it, vi } from 'vitest';
import { writeAll } from '../../../src/transfer/write-all.js';

type Call = [fd: number, bytes: Uint8Array, from: number, length: number, position: number];
type Done = (error: NodeJS.ErrnoException | null, written: number) => void;

/** What each call of write gives, one after the other. */
const { answers, calls } = vi.hoisted(() => ({
  answers: [] as (number | NodeJS.ErrnoException)[],
  calls: [] as unknown[],
}));
vi.mock('node:fs', () => ({
  write: (...all: [...Call, Done]) => {
    const [fd, , from, length, position, done] = all;
    calls.push({ fd, from, length, position });
    const answer = answers.shift() ?? length;
    setImmediate(() => (typeof answer === 'number' ? done(null, answer) : done(answer, 0)));
  },
}));

const write = (bytes: number, position: number) =>
  new Promise<NodeJS.ErrnoException | null>((resolve) =>
    writeAll(7, new Uint8Array(bytes), position, resolve),
  );

beforeEach(() => {
  answers.length = 0;
  calls.length = 0;
});

describe('writing all', () => {
  it('is one call where the system takes all of it', async () => {
    expect(await write(10, 2 ** 40)).toBeNull();
    expect(calls).toEqual([{ fd: 7, from: 0, length: 10, position: 2 ** 40 }]);
  });

  it('goes on behind what was taken', async () => {
    answers.push(3, 6);
    expect(await write(10, 100)).toBeNull();
    expect(calls).toEqual([
      { fd: 7, from: 0, length: 10, position: 100 },
      { fd: 7, from: 3, length: 7, position: 103 },
      { fd: 7, from: 9, length: 1, position: 109 },
    ]);
  });

  it('ends with the error of any call, and calls no more', async () => {
    const full = Object.assign(new Error('full'), { code: 'ENOSPC' });
    answers.push(4, full, 6);
    expect(await write(10, 0)).toBe(full);
    expect(calls).toHaveLength(2);
  });

  it('fails where nothing is taken, rather than try for ever', async () => {
    answers.push(4, 0);
    expect(await write(10, 0)).toMatchObject({ code: 'EIO' });
    expect(calls).toHaveLength(2);
  });
});
