import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { StreamTurns } from '../../../src/relay/stream-turns.js';

let turns: StreamTurns;
let gone: string[];

beforeEach(() => {
  vi.useFakeTimers();
  gone = [];
  turns = new StreamTurns({ streamsPerSecond: 100, streamWindowMs: 100 }, () => Date.now());
});
afterEach(() => {
  turns.close();
  vi.useRealTimers();
});

const never = new AbortController().signal;

function take(peer: string, name = peer, signal = never): void {
  turns.take(peer, signal, () => gone.push(name));
}

/** Ten a window are too many for long enough. */
async function saturate(peer: string): Promise<void> {
  for (let window = 0; window < 20; window++) {
    for (let turn = 0; turn < 20; turn++) take(peer);
    await vi.advanceTimersByTimeAsync(50);
  }
  expect(turns.waiting).toBeGreaterThan(20);
  gone = [];
}

describe('the turns of streams', () => {
  it('come at once below saturation, and to whoever is unknown', () => {
    turns.enter('one', 1);
    take('one');
    take('nobody');
    expect([gone, turns.waiting, vi.getTimerCount()]).toEqual([['one', 'nobody'], 0, 0]);
  });

  it('come in order, a window’s worth at a time, until nothing waits', async () => {
    turns.enter('one', 1);
    await saturate('one');
    const before = turns.waiting;
    take('one', 'the last');
    await vi.advanceTimersByTimeAsync(1_000);
    expect(gone.length).toBeGreaterThanOrEqual(90);
    expect(gone.length).toBeLessThanOrEqual(112);
    expect(gone).not.toContain('the last');
    await vi.advanceTimersByTimeAsync(60_000);
    expect([gone.length, gone.at(-1), turns.waiting, vi.getTimerCount()]).toEqual([
      ...[before + 1, 'the last', 0, 0],
    ]);
  });

  it('never come to a stream that is over, nor to one whose peer has left', async () => {
    const [leaveOne, leaveAgain] = [turns.enter('one', 1), turns.enter('one', 1)];
    turns.enter('two', 1);
    await saturate('one');
    const over = new AbortController();
    take('two', 'first');
    for (let turn = 0; turn < 10; turn++) take('two', 'over', over.signal);
    const waiting = turns.waiting;
    over.abort();
    over.abort();
    expect(turns.waiting).toBeLessThan(waiting);
    leaveOne();
    await vi.advanceTimersByTimeAsync(100);
    expect(gone).toContain('one');
    leaveAgain();
    gone = [];
    await vi.advanceTimersByTimeAsync(1_000);
    expect([gone.includes('one'), gone.filter((name) => name === 'over').length < 10]).toEqual([false, true]);
    expect([turns.waiting, vi.getTimerCount()]).toEqual([0, 0]);
  });

  it('follow the weight that strangers have, which may change', async () => {
    turns.enter('listed', 1);
    turns.enter('stranger', undefined);
    turns.setStrangersWeight(3);
    for (let window = 0; window < 100; window++) {
      for (const peer of ['listed', 'stranger']) for (let turn = 0; turn < 20; turn++) take(peer);
      await vi.advanceTimersByTimeAsync(100);
      if (window === 20) gone = [];
    }
    const listed = gone.filter((peer) => peer === 'listed').length / gone.length;
    expect([listed > 0.22, listed < 0.28]).toEqual([true, true]);
  });
});
