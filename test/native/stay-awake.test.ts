import { setTimeout as pause } from 'node:timers/promises';
import { performance } from 'node:perf_hooks';
import { expect, it } from 'vitest';
import { describeAddon, describeBoth } from './implementations.js';
import { runScript } from './run-script.js';

/** How long this loop slept in 40 ms, in ms. */
async function slept(): Promise<number> {
  const before = performance.eventLoopUtilization();
  await pause(40);
  return performance.eventLoopUtilization(before).idle;
}

describeBoth('a loop that stays awake', ({ stayAwake }) => {
  it('goes on with its timers and its work', async () => {
    stayAwake(50_000);
    const turns: number[] = [];
    for (let i = 0; i < 5; i++) {
      await pause(1);
      await new Promise<void>((resolve) => setImmediate(resolve));
      turns.push(i);
    }
    stayAwake(0);
    expect(turns).toEqual([0, 1, 2, 3, 4]);
  });

  it.each<[unknown, typeof Error]>([
    [undefined, TypeError],
    ['1', TypeError],
    [-1, RangeError],
    [0.5, RangeError],
    [Number.NaN, RangeError],
    [100_001, RangeError],
  ])('is asked for with whole microseconds: %s', (wrong, kind) => {
    expect(() => stayAwake(wrong as number)).toThrow(kind);
  });
});

describeAddon('a loop that stays awake', ({ stayAwake }) => {
  it('does not sleep, until its time is over or it is told to', async () => {
    expect(await slept()).toBeGreaterThan(20);
    stayAwake(100_000);
    expect(await slept()).toBeLessThan(5);
    stayAwake(0);
    expect(await slept()).toBeGreaterThan(20);
    stayAwake(1000);
    expect(await slept()).toBeGreaterThan(20);
  });

  it('has the last word count', async () => {
    stayAwake(1000);
    stayAwake(100_000);
    expect(await slept()).toBeLessThan(5);
    stayAwake(1000);
    expect(await slept()).toBeGreaterThan(20);
  });

  it('keeps no process alive, and ends with each kind of end', async () => {
    for (const way of ['end', 'exit', 'throw', 'workers'])
      expect(await runScript('stay-awake.cjs', [way]), way).toMatchObject({
        status: { end: 0, exit: 3, throw: 1, workers: 0 }[way],
        signal: null,
        stdout: way === 'workers' ? 'all ended\n' : '',
      });
  });
});
