import { describe, expect, it } from 'vitest';
import { muxStreamsDefaults } from '../../src/config/index.js';
import { WindowPath } from './window-path.js';

const MiB = 1024 * 1024;
/** So large that nobody ever waits for it. */
const unbounded = { initialWindowBytes: 64 * MiB, maxWindowBytes: 64 * MiB };

describe('the windows of a link that carries streams by itself', () => {
  it.each([
    { roundTripMs: 300, loss: 0, most: 1.05, seeds: [1] },
    { roundTripMs: 100, loss: 0.01, most: 1.05, seeds: [1, 2] },
    { roundTripMs: 300, loss: 0.02, most: 1.1, seeds: [1, 2] },
  ])(
    'hold 50 MB over 200 Mbit/s hardly up: $roundTripMs ms, loss $loss',
    ({ roundTripMs, loss, most, seeds }) => {
      for (const seed of seeds) {
        const path = { roundTripMs, loss, seed, bytesPerMs: 25_000, bytes: 50_000_000 };
        const ms = new WindowPath({ ...path, config: muxStreamsDefaults }).run();
        const bestMs = new WindowPath({ ...path, config: unbounded }).run();
        expect(ms / bestMs, `seed ${seed}: ${ms} ms, ${bestMs} ms at best`).toBeLessThan(most);
      }
    },
    60_000,
  );

  it('would hold it up for longer than it takes, were they those of a byte link', () => {
    const path = { roundTripMs: 300, loss: 0.02, bytesPerMs: 25_000, bytes: 50_000_000, seed: 1 };
    const ms = new WindowPath({ ...path, config: {} }).run();
    expect(ms).toBeGreaterThan(2 * new WindowPath({ ...path, config: unbounded }).run());
  }, 60_000);
});
