import { describe, expect, it } from 'vitest';
import { FuzzRandom } from '../support/fuzz-random.js';
import { TurnsWorld, type Opens } from './turns-world.js';

const runs = 120;
const capacity = 2_000;
/** In parts of one: how far what a peer opened in two seconds may be from what its weight says; a stream or two are how turns fall. */
const tolerance = 0.1;
const slack = 2;

const greedy: Opens = { pending: 100, answerMs: 2 };

/** Those who are too far off after two more seconds, in words, and what was opened in all. */
function measure(world: TurnsWorld): { readonly unfair: string[]; readonly opened: number } {
  world.take();
  world.run(2_000);
  const taken = [...world.take()];
  const unfair = taken.flatMap(([name, { actual, ideal }]) =>
    Math.abs(actual - ideal) <= tolerance * ideal + slack
      ? []
      : [`${name} has ${actual} of ${ideal.toFixed(1)}`],
  );
  return { unfair, opened: taken.reduce((sum, [, { actual }]) => sum + actual, 0) };
}

/** Peers of all kinds that come and go between what is measured. */
function chaos(seed: number): number {
  const random = new FuzzRandom(seed);
  const world = new TurnsWorld(capacity, random.pick([1, 1, 3]));
  let [joined, measured] = [0, 0];
  const join = () => {
    const weight = random.chance(3) ? undefined : random.pick([1, 1, 2, 5, 20]);
    const everyMs = random.pick([1, 10, 50]);
    const opens: Opens = random.chance(2)
      ? { pending: random.pick([30, 100, 400]), answerMs: random.pick([1, 5]) }
      : { streams: Math.ceil(((1 + random.below(30)) * capacity * everyMs) / 100_000), everyMs };
    world.join(`${weight ?? 'stranger'} ${joined++}`, weight, opens);
  };
  for (let epoch = 0; epoch < 4; epoch++) {
    for (let count = 1 + random.below(6); count > 0; count--) join();
    for (const name of [...world.peers.keys()]) if (random.chance(4)) world.leave(name);
    if (world.peers.size === 0) join();
    world.run(1_200);
    const { waits, waiting } = world;
    const { unfair, opened } = measure(world);
    const load = world.offered / capacity;
    if (load < 0.7 && waiting === 0) expect(world.waits - waits, 'waited without load').toBe(0);
    if (load < 1.2) continue;
    expect(unfair).toEqual([]);
    expect(opened / (2 * capacity)).toBeGreaterThan(0.95);
    expect(opened / (2 * capacity)).toBeLessThan(1.05);
    measured++;
  }
  return measured;
}

describe('peers that open streams, and come and go', () => {
  it(`have the turns that their weights say within a tenth at saturation, with ${runs} seeds`, () => {
    const first = Number(process.env['XFER_SIM_SEED'] ?? 1);
    let measured = 0;
    for (let seed = first; seed < first + runs; seed++)
      try {
        measured += chaos(seed);
      } catch (cause) {
        throw new Error(`seed ${seed}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
      }
    expect(measured).toBeGreaterThan(runs);
  }, 120_000);
});

describe('at saturation', () => {
  it('weights from 1 to 100 hold', () => {
    const world = new TurnsWorld(capacity);
    for (const weight of [1, 3, 10, 100]) world.join(String(weight), weight, greedy);
    world.run(1_000);
    const { unfair, opened } = measure(world);
    expect(unfair).toEqual([]);
    expect(opened).toBeGreaterThan(0.97 * 2 * capacity);
    expect(world.core.isSaturated).toBe(true);
  });

  it('a flood from one address leaves another what it asks for, from its second window on at once', () => {
    const world = new TurnsWorld(capacity);
    world.join('flood', undefined, { streams: 10, everyMs: 1 });
    world.run(1_000);
    world.join('another', undefined, { streams: 1, everyMs: 20 });
    world.run(200);
    const another = world.peers.get('another');
    expect(another?.longestWaitMs).toBeLessThanOrEqual(100);
    const waits = another?.waits;
    world.take();
    world.run(2_000);
    const taken = world.take();
    expect(another).toMatchObject({ waits });
    expect(taken.get('another')?.actual).toBeGreaterThanOrEqual(100);
    expect(taken.get('flood')?.actual).toBeGreaterThan(0.9 * 2 * capacity);
  });

  it('hundreds of strangers leave a listed peer all that its weight says', () => {
    const world = new TurnsWorld(capacity);
    for (let i = 0; i < 500; i++) world.join(`stranger ${i}`, undefined, { streams: 1, everyMs: 10 });
    world.run(1_000);
    world.join('listed', 4, greedy);
    world.run(500);
    world.take();
    world.run(2_000);
    const taken = world.take();
    expect((taken.get('listed')?.actual ?? 0) / (2 * capacity)).toBeGreaterThan(0.75);
    const strangers = [...taken].flatMap(([name, { actual }]) => (name === 'listed' ? [] : [actual]));
    expect(Math.max(...strangers) - Math.min(...strangers)).toBeLessThanOrEqual(2);
  });

  it('who is connected and silent costs nobody a turn, whatever it weighs', () => {
    const world = new TurnsWorld(capacity);
    world.join('silent', 1_000, { streams: 0, everyMs: 1 });
    world.join('small', 1, greedy);
    world.run(1_000);
    expect(measure(world).opened).toBeGreaterThan(0.97 * 2 * capacity);
  });
});
