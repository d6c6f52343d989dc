import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { RateLimit, readRateLimit, rereadRateLimit } from '../../../src/app/rate-limit.js';
import { failure } from '../transfer/rogue-kit.js';
import { temporaryDirectory } from '../transfer/transfer-kit.js';

async function fileWith(text: string): Promise<{ at: string; path: string }> {
  const path = join(await temporaryDirectory(), 'limit');
  await writeFile(path, text);
  return { at: `@${path}`, path };
}

describe('a limit', () => {
  it('is said as a rate, or as none', () => {
    expect([String(new RateLimit()), String(new RateLimit(4e6))]).toEqual(['no limit', 'limit 4.00 MB/s']);
  });

  it('is a quarter more or less with each step', () => {
    const limit = new RateLimit(1_000_000);
    limit.raise();
    expect(limit.bytesPerSecond).toBe(1_250_000);
    limit.lower();
    limit.lower();
    expect(limit.bytesPerSecond).toBe(800_000);
  });

  it('has nothing above none', () => {
    const limit = new RateLimit();
    const changed = vi.fn();
    limit.onChange(changed);
    limit.raise();
    expect([limit.bytesPerSecond, changed.mock.calls.length]).toEqual([undefined, 0]);
  });

  it('is not lowered below a KiB a second', () => {
    const limit = new RateLimit(2000);
    for (let i = 0; i < 10; i++) limit.lower();
    expect(limit.bytesPerSecond).toBe(1024);
  });

  it('that is less than that is not raised by lowering it', () => {
    const limit = new RateLimit(500);
    limit.lower();
    expect(limit.bytesPerSecond).toBe(500);
  });

  it('tells all who listen of every change, and nobody who left', () => {
    const limit = new RateLimit(1000);
    const [one, other] = [vi.fn(), vi.fn()];
    const leave = limit.onChange(one);
    limit.onChange(other);
    limit.set(undefined);
    leave();
    leave();
    limit.set(5000);
    expect([one.mock.calls.length, other.mock.calls.length]).toEqual([1, 2]);
  });
});

describe('lowering from no limit', () => {
  it('starts from what is sent', () => {
    const limit = new RateLimit();
    limit.handleSent(0, 1000);
    limit.handleSent(1_000_000, 1500);
    limit.lower();
    expect(limit.bytesPerSecond).toBe(1_600_000);
  });

  it('does nothing where nothing was sent', () => {
    const limit = new RateLimit();
    limit.lower();
    limit.handleSent(0, 1000);
    limit.lower();
    expect(limit.bytesPerSecond).toBeUndefined();
  });

  it('measures over half a second at least, and the last one only', () => {
    const limit = new RateLimit();
    limit.handleSent(0, 1000);
    limit.handleSent(1_000_000, 1500);
    limit.handleSent(9_000_000, 1999);
    limit.handleSent(1_500_000, 2000);
    limit.lower();
    expect(limit.bytesPerSecond).toBe(800_000);
  });

  it('is not led astray by a count that begins anew', () => {
    const limit = new RateLimit();
    limit.handleSent(5_000_000, 1000);
    limit.handleSent(100, 2000);
    limit.lower();
    expect(limit.bytesPerSecond).toBeUndefined();
    limit.handleSent(500_100, 3000);
    limit.lower();
    expect(limit.bytesPerSecond).toBe(400_000);
  });
});

describe('--limit', () => {
  it('is a rate', async () => {
    expect((await readRateLimit('400MB/s')).bytesPerSecond).toBe(400_000_000);
  });

  it.each<[string, number | undefined]>([
    ['80mbit\n', 10_000_000],
    ['  1MB/s  \n\n', 1_000_000],
    ['', undefined],
    [' \n', undefined],
  ])('is what stands in a file: %j', async (text, expected) => {
    expect((await readRateLimit((await fileWith(text)).at)).bytesPerSecond).toBe(expected);
  });

  it.each(['', '5', 'fast', '0B/s', '-1MB/s', `1${'0'.repeat(100)}MB/s`])('is wrong: %j', async (text) => {
    await expect(readRateLimit(text)).rejects.toEqual(failure('ERR_XFER_USAGE'));
    if (text === '') return;
    await expect(readRateLimit((await fileWith(text)).at)).rejects.toEqual(failure('ERR_XFER_USAGE'));
  });

  it('is wrong where its file cannot be read', async () => {
    const directory = await temporaryDirectory();
    await expect(readRateLimit(`@${directory}/none`)).rejects.toEqual(failure('ERR_XFER_NOT_FOUND'));
    await expect(readRateLimit(`@${directory}`)).rejects.toEqual(failure('ERR_XFER_IS_DIRECTORY'));
  });

  it('is read from its file again', async () => {
    const { at, path } = await fileWith('1MB/s');
    const limit = await readRateLimit(at);
    await writeFile(path, '2MB/s');
    expect(await rereadRateLimit(at, limit)).toBeUndefined();
    expect(limit.bytesPerSecond).toBe(2_000_000);
    await writeFile(path, '');
    await rereadRateLimit(at, limit);
    expect(limit.bytesPerSecond).toBeUndefined();
  });

  it('stays as it is where the file is wrong now, and says why', async () => {
    const { at, path } = await fileWith('1MB/s');
    const limit = await readRateLimit(at);
    await writeFile(path, '1 MB a second');
    expect(await rereadRateLimit(at, limit)).toEqual(failure('ERR_XFER_USAGE'));
    expect(await rereadRateLimit(`${at}-none`, limit)).toEqual(failure('ERR_XFER_NOT_FOUND'));
    expect(await rereadRateLimit('5MB/s', limit)).toBeUndefined();
    expect(limit.bytesPerSecond).toBe(1_000_000);
  });
});
