import { quicDefaults } from 'xfer/plugin';
import { expect, it } from 'vitest';

it('leaves room for control and the shared stream, with all of the ended ones that quinn has not told of', () => {
  const { maxStreams, maxContentStreams } = quicDefaults;
  const untold = Math.floor(maxStreams / 8);
  expect(maxContentStreams + 2).toBeLessThanOrEqual(maxStreams - untold);
});
