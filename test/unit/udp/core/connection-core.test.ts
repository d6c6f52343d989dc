import { describe, expect, it } from 'vitest';
import { Pair, type LinkOptions } from './pair.js';

/** Sends so much on each stream, both ways, and waits for all of it. */
function transfer(link: LinkOptions, { streams = 3, bytes = 300_000, ...options } = {}): Pair {
  const pair = new Pair({ link, ...options });
  for (let streamId = 1; streamId <= streams; streamId++) {
    pair.a.user.send(streamId, bytes);
    pair.b.user.send(streamId + 100, bytes >> 2);
  }
  const control = Uint8Array.from({ length: 5000 }, (_, index) => index & 0xff);
  pair.a.user.controlOut.push(control.slice(0, 100), control.slice(100));
  const { a, b } = pair;
  const arrived = pair.run(
    () =>
      b.user.finished.size === streams &&
      a.user.finished.size === streams &&
      a.user.done === a.user.pulled &&
      b.user.done === b.user.pulled &&
      b.user.controlIn.length === 5000,
  );
  expect(b.user.controlIn).toEqual([...control]);
  expect([a.user.wrong, b.user.wrong, a.user.ends, b.user.ends]).toEqual([[], [], [], []]);
  expect([a.user.doneTwice, b.user.doneTwice]).toEqual([0, 0]);
  expect(arrived).toBe(true);
  for (const streamId of b.user.finished) expect(b.user.received.get(streamId)).toBe(bytes);
  return pair;
}

describe('two cores', () => {
  it('transfer where nothing is lost, and lose nothing', () => {
    const { a, b } = transfer({ delayMs: 10 });
    expect(a.core.stats().packetsLost + b.core.stats().packetsLost).toBe(0);
    expect(a.core.stats().minRttMs).toBeCloseTo(20, 0);
  });

  it.each([0.01, 0.1, 0.3])('transfer where %d of the packets are lost', (loss) => {
    const { a } = transfer({ delayMs: 20, loss });
    expect(a.core.stats().packetsLost).toBeGreaterThan(0);
  });

  it('transfer over a path that reorders and duplicates', () => {
    transfer({ delayMs: 10, jitterMs: 5, duplication: 0.1, loss: 0.02 });
  });

  it('transfer over a narrow path with a short queue', () => {
    transfer({ delayMs: 10, rate: 500_000, queueBytes: 30_000 });
  });
});
