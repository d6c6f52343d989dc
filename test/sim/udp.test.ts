import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { UdpScenario } from './udp-scenario.js';

const seeds = JSON.parse(
  readFileSync(new URL('../../fixtures/sim/udp-seeds.json', import.meta.url), 'utf8'),
) as number[];
const wantedPackets = 5_000_000;
const mostSeeds = 10_000;

/** Runs the scenario of a seed. How many packets were sent. */
function run(seed: number): number {
  try {
    const scenario = new UdpScenario(seed);
    scenario.run();
    return scenario.world.network.packets;
  } catch (cause) {
    throw new Error(`seed ${seed}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

describe('a udp connection, whatever the network does', () => {
  it.each(seeds)('brings every byte once with the seed %i, which was bad once', (seed) => {
    expect(run(seed)).toBeGreaterThan(0);
  });

  it(`brings every byte once and in order, in bounded memory and time, through ${wantedPackets} packets`, () => {
    const first = Number(process.env['XFER_SIM_SEED'] ?? 1);
    let packets = 0;
    for (let seed = first; packets < wantedPackets && seed < first + mostSeeds; seed++) packets += run(seed);
    expect(packets).toBeGreaterThanOrEqual(wantedPackets);
  }, 240_000);
});
