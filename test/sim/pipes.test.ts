import { describe, it } from 'vitest';
import { FuzzRandom } from '../support/fuzz-random.js';
import { PipeWorld } from './pipe-world.js';

const runs = 200;

/** Channels of random sizes over lanes that come and are cut, some of which are stopped. */
function run(seed: number): void {
  try {
    const random = new FuzzRandom(seed);
    const sizes = Array.from({ length: 1 + random.below(5) }, () =>
      random.below(random.pick([1, 5_000, 1_000_000])),
    );
    new PipeWorld(random, sizes, random.pick([2, 64]) * 2 ** 20).run();
  } catch (cause) {
    throw new Error(`seed ${seed}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

describe('channels over lanes that come and go', () => {
  it(`bring every byte once and in order, within credit, with ${runs} seeds`, () => {
    const first = Number(process.env['XFER_SIM_SEED'] ?? 1);
    for (let seed = first; seed < first + runs; seed++) run(seed);
  }, 60_000);
});
