import type * as Timers from 'node:timers/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Backoff } from '../../../src/app/backoff.js';

vi.mock('node:timers/promises', async (original) => {
  const { setTimeout: real } = await original<typeof Timers>();
  return { setTimeout: vi.fn((_ms: number, ...rest: [unknown, object]) => real(0, ...rest)) };
});
afterEach(() => {
  vi.mocked(wait).mockClear();
  vi.restoreAllMocks();
});

const never = new AbortController().signal;
const waited = () => vi.mocked(wait).mock.calls.map(([ms]) => ms);

async function tries(count: number, random: number): Promise<(number | undefined)[]> {
  vi.spyOn(Math, 'random').mockReturnValue(random);
  const backoff = new Backoff();
  for (let i = 0; i < count; i++) await backoff.wait(never);
  return waited();
}

describe('tries that fail one after the other', () => {
  it('wait for twice as long each time, up to five seconds, and the first not at all', async () => {
    expect(await tries(10, 1)).toEqual([100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000]);
  });

  it('wait for a half of that at least', async () => {
    expect(await tries(9, 0)).toEqual([50, 100, 200, 400, 800, 1600, 2500, 2500]);
  });

  it('begin anew with another row of tries', async () => {
    await tries(5, 1);
    vi.mocked(wait).mockClear();
    expect(await tries(2, 1)).toEqual([100]);
  });

  it('wait no more when the signal says so', async () => {
    const [backoff, stop] = [new Backoff(), new AbortController()];
    await backoff.wait(stop.signal);
    const waiting = backoff.wait(stop.signal);
    stop.abort();
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
  });
});
