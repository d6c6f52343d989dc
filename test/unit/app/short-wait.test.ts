import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ShortWait } from '../../../src/app/short-wait.js';

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

function waits(processors: number) {
  const asked: number[] = [];
  const wait = new ShortWait({ stayAwake: (microseconds) => asked.push(microseconds) }, processors);
  /** What is asked of the loop for a wait of so long. */
  const during = (ms: number): readonly number[] => {
    asked.length = 0;
    wait.begin();
    vi.advanceTimersByTime(ms);
    wait.end();
    return [...asked];
  };
  return { wait, asked, during };
}

describe('a wait that comes again and again', () => {
  it('is stayed awake for behind a short one', () => {
    const { during } = waits(2);
    expect(during(1)).toEqual([]);
    expect(during(1)).toEqual([2000, 0]);
    expect(during(2)).toEqual([2000, 0]);
    expect(during(3)).toEqual([2000, 0]);
    expect(during(1)).toEqual([]);
    expect(during(1)).toEqual([2000, 0]);
  });

  it('is slept through where there is one processor', () => {
    const { during } = waits(1);
    for (let i = 0; i < 3; i++) expect(during(1)).toEqual([]);
  });

  it('has no end before it begins', () => {
    const { wait, asked } = waits(2);
    wait.end();
    wait.begin();
    wait.end();
    wait.end();
    expect(asked).toEqual([]);
    wait.begin();
    expect(asked).toEqual([2000]);
  });
});
