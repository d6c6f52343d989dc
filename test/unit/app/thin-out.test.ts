import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ThinOut } from '../../../src/app/thin-out.js';
import { transferDefaults } from '../../../src/config/index.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('passes on the newest value, once an interval', () => {
  const passed: number[] = [];
  const thin = new ThinOut<number>((value) => passed.push(value));
  for (let at = 0; at < 1000; at++) {
    thin.push(at);
    vi.advanceTimersByTime(1);
  }
  const { progressIntervalMs } = transferDefaults;
  expect(passed).toEqual(
    Array.from({ length: 1000 / progressIntervalMs }, (_, i) => (i + 1) * progressIntervalMs - 1),
  );
});

it('passes on what is left when it is flushed, and that only once', () => {
  const passed: number[] = [];
  const thin = new ThinOut<number>((value) => passed.push(value));
  thin.push(1);
  thin.push(2);
  thin.flush();
  thin.flush();
  vi.advanceTimersByTime(10_000);
  expect(passed).toEqual([2]);
});
