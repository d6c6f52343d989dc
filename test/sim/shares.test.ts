import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { FuzzRandom } from '../support/fuzz-random.js';
import { greedy, SharesWorld, type Traffic } from './shares-world.js';

const seeds = JSON.parse(
  readFileSync(new URL('../../fixtures/seeds/shares.json', import.meta.url), 'utf8'),
) as number[];
const runs = 120;
const MB = 1e6;

/** In parts of one: how far a share may be from the ideal, always where a rate is configured; and where the event loop is measured, but for one second in fifty. */
const tolerance = 0.1;
const mostUnfair = 1 / 50;
/** How far then. */
const rareTolerance = 0.25;

interface Second {
  readonly served: number;
  /** Peers whose share is too far off, in words. */
  readonly unfair: string[];
  readonly veryUnfair: string[];
}

/** What was served in a second, against the ideal; a chunk more or less is how reading goes. */
function measure(world: SharesWorld): Second {
  world.take();
  world.run(1_000);
  const taken = [...world.take()];
  const served = taken.reduce((all, [, { actual }]) => all + actual, 0);
  const offBy = (part: number) =>
    taken.flatMap(([name, { actual, ideal }]) => {
      const slack = part * ideal + 2 * (world.peers.get(name)?.chunkBytes ?? 0);
      return Math.abs(actual - ideal) <= slack
        ? []
        : [`${name} has ${actual.toFixed()} of ${ideal.toFixed()}`];
    });
  return { served, unfair: offBy(tolerance), veryUnfair: offBy(rareTolerance) };
}

/** The longest that anybody may have been held: until what it had while others were silent was paid with the least share that it can have. */
function assertNobodyStarved(world: SharesWorld): void {
  const peers = [...world.peers.values()];
  const strangers = peers.filter(({ weight }) => weight === undefined).length;
  const weights = peers.reduce((sum, { weight = 0 }) => sum + weight, 0) + 1;
  for (const { name, weight, chunkBytes, longestHoldMs } of peers) {
    const share = ((weight ?? 1 / strangers) / weights) * (world.capacity / 1_000);
    expect(longestHoldMs, name).toBeLessThan(200 + (4 * chunkBytes + 0.05 * world.capacity) / share);
  }
}

interface Tally {
  readonly isLimited: boolean;
  seconds: number;
  unfair: number;
  /** Of the capacity, summed up. */
  used: number;
}

/** Peers come and go between measured seconds. */
function chaos(seed: number): Tally {
  const random = new FuzzRandom(seed);
  const isLimited = random.chance(2);
  const capacity = isLimited ? random.pick([20, 50, 200]) * MB : 100 * MB;
  const world = new SharesWorld({
    loopBytesPerMs: isLimited ? 500_000 : capacity / 1_000,
    ...(isLimited && { capacityBytesPerSecond: capacity }),
    tickMs: random.pick([10, 20]),
  });
  const tally: Tally = { isLimited, seconds: 0, unfair: 0, used: 0 };
  let joined = 0;
  const join = () => {
    const weight = random.chance(3) ? undefined : random.pick([0.5, 1, 1, 2, 5]);
    world.join(`${weight ?? 'stranger'} ${joined++}`, weight, someTraffic(random, capacity));
  };
  for (let epoch = 0; epoch < 5; epoch++) {
    for (let count = 1 + random.below(8); count > 0; count--) join();
    for (const name of [...world.peers.keys()]) if (random.chance(4)) world.leave(name);
    if (world.peers.size === 0) join();
    world.run(1_200);
    const [holds, backlog] = [world.holds, world.backlog];
    const { served, unfair, veryUnfair } = measure(world);
    const load = (world.bytesPerMs * 1_000) / capacity;
    if (load < 0.7 && backlog < capacity / 20) expect(world.holds - holds, 'held without load').toBe(0);
    if (load < 1.2) continue;
    expect(isLimited ? unfair : veryUnfair).toEqual([]);
    expect(served / capacity).toBeGreaterThan(isLimited ? 0.97 : 0.85);
    expect(served / capacity).toBeLessThan(1.05);
    tally.seconds++;
    tally.used += served / capacity;
    if (unfair.length > 0) tally.unfair++;
  }
  assertNobodyStarved(world);
  return tally;
}

function someTraffic(random: FuzzRandom, capacity: number): Traffic {
  if (random.chance(3)) return greedy;
  const everyMs = random.pick([1, 5, 20, 50]);
  return { everyMs, bytes: Math.ceil(((capacity / 1_000) * everyMs * (1 + random.below(30))) / 100) };
}

const run = (seed: number): Tally => {
  try {
    return chaos(seed);
  } catch (cause) {
    throw new Error(`seed ${seed}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
};

describe('peers of all kinds that come and go', () => {
  it(`have their shares within a tenth, and nobody starves, with ${runs} seeds and those that were bad once`, () => {
    for (const seed of seeds) run(seed);
    const first = Number(process.env['XFER_SIM_SEED'] ?? 1);
    const tallies = Array.from({ length: runs }, (_, i) => run(first + i));
    for (const isLimited of [true, false]) {
      const some = tallies.filter((tally) => tally.isLimited === isLimited);
      const sum = (of: 'seconds' | 'unfair' | 'used') => some.reduce((all, tally) => all + tally[of], 0);
      expect(sum('seconds')).toBeGreaterThan(runs);
      expect(sum('unfair') / sum('seconds')).toBeLessThanOrEqual(isLimited ? 0 : mostUnfair);
      expect(sum('used') / sum('seconds')).toBeGreaterThan(isLimited ? 0.99 : 0.95);
    }
  }, 120_000);
});

describe.each([
  ['a rate that is configured', { loopBytesPerMs: 500_000, capacityBytesPerSecond: 20 * MB }, 0.98],
  ['what the event loop can', { loopBytesPerMs: 100_000 }, 0.95],
] as const)('of %s', (_what, options, least) => {
  const capacity = new SharesWorld(options).capacity;
  /** Half a second to find out what there is, then five that count. */
  const seconds = (world: SharesWorld): Second[] => {
    world.run(500);
    return Array.from({ length: 5 }, () => measure(world));
  };
  const expectFair = (world: SharesWorld) => {
    for (const { served, unfair } of seconds(world)) {
      expect(unfair).toEqual([]);
      expect(served).toBeGreaterThan(least * capacity);
      expect(served).toBeLessThan(1.02 * capacity);
    }
    expect(world.holds).toBeGreaterThan(0);
    assertNobodyStarved(world);
  };

  it('greedy peers have what their weights say', () => {
    const world = new SharesWorld(options);
    for (const weight of [1, 3, 0.5]) world.join(String(weight), weight, greedy);
    expectFair(world);
  });

  it('one of much weight among many of little has its share, though all get their turn as often', () => {
    const world = new SharesWorld(options);
    world.join('heavy', 10, greedy);
    for (let i = 0; i < 30; i++) world.join(`light ${i}`, 1, greedy);
    expectFair(world);
  });

  it('one greedy peer has all that hundreds of light ones leave, and those all they want', () => {
    const world = new SharesWorld(options);
    world.join('greedy', 1, greedy);
    for (let i = 0; i < 300; i++) world.join(`light ${i}`, 1, { bytes: 1_000, everyMs: 50 });
    for (const { served, unfair } of seconds(world)) {
      expect(unfair).toEqual([]);
      expect(served).toBeGreaterThan(least * capacity);
    }
    for (const { name, longestHoldMs } of world.peers.values())
      if (name !== 'greedy') expect(longestHoldMs).toBe(0);
  });

  it('strangers have one share together, however many they are, and divide it evenly', () => {
    const world = new SharesWorld(options);
    world.join('one', 1, greedy);
    world.join('two', 2, greedy);
    for (let i = 0; i < 40; i++) world.join(`stranger ${i}`, undefined, greedy);
    world.join('small stranger', undefined, { bytes: 500, everyMs: 20 });
    world.run(500);
    world.take();
    world.run(5_000);
    const shares = [...world.take()];
    const all = shares.reduce((sum, [, { actual }]) => sum + actual, 0);
    const strangers = shares.filter(([name]) => name.startsWith('stranger')).map(([, { actual }]) => actual);
    const part = strangers.reduce((sum, bytes) => sum + bytes, 0) / all;
    expect([part > 0.225, part < 0.275]).toEqual([true, true]);
    expect(Math.min(...strangers) / Math.max(...strangers)).toBeGreaterThan(0.85);
    expect(world.peers.get('small stranger')?.longestHoldMs).toBe(0);
    assertNobodyStarved(world);
  });

  it('strangers that come as others all the time have no more for it', () => {
    const world = new SharesWorld(options);
    world.join('listed', 3, greedy);
    for (let i = 0; i < 3; i++) world.join(`stays ${i}`, undefined, greedy);
    world.run(1_000);
    const taken = { listed: 0, stays: 0 };
    for (let turn = 0; turn < 250; turn++) {
      world.join(`comes ${turn}`, undefined, greedy, 4 * 1024);
      world.run(10);
      for (const [name, { actual }] of world.take()) {
        if (name === 'listed') taken.listed += actual;
        else if (name.startsWith('stays')) taken.stays += actual;
      }
      if (turn >= 5) world.leave(`comes ${turn - 5}`);
    }
    // It has three quarters, whoever else comes.
    expect(taken.listed / (2.5 * capacity)).toBeGreaterThan(0.65);
    expect(taken.stays).toBeGreaterThan(0);
    world.run(1_000);
    expect(world.core.size).toBeLessThanOrEqual(world.peers.size + 20);
  });

  it('nobody is held while there is enough', () => {
    const world = new SharesWorld(options);
    for (let i = 0; i < 10; i++)
      world.join(String(i), i % 3 ? i : undefined, { bytes: capacity / 2_000, everyMs: 8 });
    const [second] = seconds(world);
    expect([second?.unfair, world.holds, world.core.isSaturated]).toEqual([[], 0, false]);
  });

  it('load that goes lets everybody go on', () => {
    const world = new SharesWorld(options);
    for (const weight of [1, 5]) world.join(String(weight), weight, greedy);
    world.run(2_000);
    expect([world.core.isSaturated, world.holds > 0]).toEqual([true, true]);
    world.leave('5');
    world.leave('1');
    world.join('small', undefined, { bytes: capacity / 10_000, everyMs: 1 });
    world.run(1_500);
    const before = world.holds;
    expect([world.core.isSaturated, world.core.held, world.core.size]).toEqual([false, 0, 1]);
    expect(measure(world).unfair).toEqual([]);
    expect(world.holds).toBe(before);
  });
});

describe('of an event loop that a flood keeps busy', () => {
  it('what is left goes to peers, although the load never falls', () => {
    const world = new SharesWorld({ loopBytesPerMs: 100_000 });
    world.isFlooded = true;
    world.otherLoad = 0.6;
    world.join('idle', 1, { bytes: 100, everyMs: 100 });
    world.run(3_000);
    for (const weight of [1, 3]) world.join(String(weight), weight, greedy);
    world.run(2_000);
    world.take();
    world.run(20_000);
    const taken = world.take();
    const [one, three] = ['1', '3'].map((name) => taken.get(name)?.actual ?? 0);
    expect(((one ?? 0) + (three ?? 0)) / (20 * world.capacity)).toBeGreaterThan(0.85);
    expect((three ?? 0) / (one ?? 0)).toBeGreaterThan(2.2);
  });
});
