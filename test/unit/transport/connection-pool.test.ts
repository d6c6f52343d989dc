import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ConnectionPool, type ConnectionPoolOptions } from '../../../src/transport/connection-pool.js';

interface Item {
  readonly name: string;
  isClosed: boolean;
}

let made: Item[];
beforeEach(() => {
  made = [];
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => vi.useRealTimers());

const { signal } = new AbortController();

function pool(options: Partial<ConnectionPoolOptions<Item>> = {}) {
  return new ConnectionPool<Item>({
    check: () => Promise.resolve(true),
    close: (item) => {
      item.isClosed = true;
      return Promise.resolve();
    },
    ...{ maxOpen: 2, idleMs: 1000, checkAfterMs: 100, checkTimeoutMs: 50 },
    ...options,
  });
}

const open = () => {
  const item = { name: `item ${made.length}`, isClosed: false };
  made.push(item);
  return Promise.resolve(item);
};

describe('a lease', () => {
  it('is of the same item again when that was given back', async () => {
    const items = pool();
    const first = await items.acquire('a', { open, signal });
    first.release(true);
    const second = await items.acquire('a', { open, signal });
    expect([first.isReused, second.isReused, second.item]).toEqual([false, true, first.item]);
  });

  it('is of an item that suits, or of a new one where none does', async () => {
    const items = pool();
    const [first, second] = [
      await items.acquire('a', { open, signal }),
      await items.acquire('a', { open, signal }),
    ];
    first.release(true);
    second.release(true);
    const suited = await items.acquire('a', { open, signal, suits: (item) => item === first.item });
    expect(suited.item).toBe(first.item);
    const other = await items.acquire('a', { open, signal, suits: (item) => item === first.item });
    expect([other.item.name, other.isReused, second.item.isClosed]).toEqual(['item 2', false, true]);
  });

  it('is of another item where the first was given back as of no use, or has gone meanwhile', async () => {
    const items = pool();
    const first = await items.acquire('a', { open, signal });
    first.release(false);
    const second = await items.acquire('a', { open, signal });
    second.gone();
    // What is gone while somebody has it is closed when he gives it back.
    second.release(true);
    expect(made.map(({ isClosed }) => isClosed)).toEqual([false, true]);
    const third = await items.acquire('a', { open, signal });
    expect(third.item.name).toBe('item 2');
    third.release(true);
    third.gone();
    expect((await items.acquire('a', { open, signal })).item.name).toBe('item 3');
    expect(third.item.isClosed).toBe(true);
  });

  it.each([
    ['says no', () => Promise.resolve(false)],
    ['fails', () => Promise.reject(new Error('no'))],
    ['does not end', () => new Promise<boolean>(() => undefined)],
  ])('is of another item where the check of the first %s', async (_, check) => {
    const items = pool({ check });
    const first = await items.acquire('a', { open, signal });
    first.release(true);
    await vi.advanceTimersByTimeAsync(100);
    const second = items.acquire('a', { open, signal });
    await vi.advanceTimersByTimeAsync(50);
    expect((await second).item.name).toBe('item 1');
    expect(first.item.isClosed).toBe(true);
    expect(items.metrics).toMatchObject({ failedChecks: 1, evicted: 1, opened: 2 });
  });

  it('is checked at once where there is doubt', async () => {
    const check = vi.fn(() => Promise.resolve(true));
    const items = pool({ check });
    const first = await items.acquire('a', { open, signal });
    first.release(true);
    first.doubt();
    expect((await items.acquire('a', { open, signal })).isReused).toBe(true);
    expect(check).toHaveBeenCalledTimes(1);
  });

  it('is given back once', async () => {
    const items = pool();
    const first = await items.acquire('a', { open, signal });
    first.release(true);
    const second = await items.acquire('a', { open, signal });
    first.release(false);
    second.release(true);
    expect(items.metrics).toMatchObject({ idle: 1, inUse: 0 });
  });
});

it('what nobody used for too long is closed', async () => {
  const items = pool();
  (await items.acquire('a', { open, signal })).release(true);
  await vi.advanceTimersByTimeAsync(999);
  expect(made[0]?.isClosed).toBe(false);
  await vi.advanceTimersByTimeAsync(2);
  expect(made[0]?.isClosed).toBe(true);
});

it('who waits and is interrupted leaves, and the next one gets his turn', async () => {
  const items = pool({ maxOpen: 1 });
  const first = await items.acquire('a', { open, signal });
  const stop = new AbortController();
  const second = items.acquire('a', { open, signal: stop.signal });
  const third = items.acquire('a', { open, signal });
  expect(items.metrics.waiting).toBe(2);
  stop.abort(new Error('enough'));
  await expect(second).rejects.toThrow('enough');
  first.release(true);
  expect((await third).item).toBe(first.item);
});

it('who cannot open one is told why, and takes nobody else’s place', async () => {
  const items = pool({ maxOpen: 1 });
  const failing = items.acquire('a', { open: () => Promise.reject(new Error('nobody there')), signal });
  const next = items.acquire('b', { open, signal });
  await expect(failing).rejects.toThrow('nobody there');
  expect((await next).item.name).toBe('item 0');
});

it('when it closes, who waits is refused, what is idle is closed, and the rest when it is given back', async () => {
  const items = pool();
  const used = await items.acquire('a', { open, signal });
  (await items.acquire('b', { open, signal })).release(true);
  const waiting = items.acquire('c', { open: () => new Promise<Item>(() => undefined), signal });
  const late = items.acquire('c', { open, signal });
  waiting.catch(() => undefined);
  const closing = items.close();
  await expect(late).rejects.toMatchObject({ code: 'ERR_XFER_INTERRUPTED' });
  await closing;
  expect(made.map(({ isClosed }) => isClosed)).toEqual([false, true]);
  used.release(true);
  expect(used.item.isClosed).toBe(true);
  await expect(items.acquire('a', { open, signal })).rejects.toMatchObject({ code: 'ERR_XFER_INTERRUPTED' });
});
