import { describe, expect, it } from 'vitest';
import { UdpAttacker, type AttackShape } from './udp-attacker.js';
import { pair, type Pair } from './udp-pair.js';
import type { UserShape } from './udp-user.js';

const MB = 1e6;
/** Type of PATH_RESPONSE. */
const pathResponse = 5;
const seeds = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
/** RFC 9000 §8.1. */
const mostAmplification = 3;

interface Attacked extends Pair {
  readonly attacker: UdpAttacker;
}

/** Two ends that send each other some megabytes, and an attacker between them. */
function attacked(seed: number, shape: Partial<AttackShape>, user: Partial<UserShape> = {}): Attacked {
  // Nothing is lost but by the attacker.
  const link = { delayMs: 15, rate: 2_500, queueBytes: Infinity };
  const all = pair({ seed, link, user: { windowBytes: 256 * 1024, ...user } });
  const attacker = new UdpAttacker(all.world, shape);
  for (const { user } of all.connection.sides)
    user.plan([
      { atMs: 0, bytes: 2 * MB, backBytes: 0 },
      { atMs: 10, bytes: 200_000, backBytes: 300_000 },
      { atMs: 500, bytes: 1, backBytes: 0 },
    ]);
  return { ...all, attacker };
}

const movesOf = ({ connection }: Pair): number[] => connection.sides.map(({ user }) => user.moves);

/** What the ends sent to the attacker's addresses for each byte that came from there. */
function amplification({ connection, attacker }: Attacked): number {
  return Math.max(
    ...connection.sides.flatMap(({ end }) =>
      attacker.places.map((place) => {
        const sent = end.sentTo.get(place) ?? 0;
        return sent === 0 ? 0 : sent / (end.receivedFrom.get(place) ?? 0);
      }),
    ),
  );
}

describe('an attacker who sees all packets and has no key', () => {
  it.each(seeds)('repeats them from anywhere, and disturbs nothing (seed %i)', (seed) => {
    const quiet = attacked(seed, {});
    quiet.world.finish(quiet.connection);
    const noisy = attacked(seed, { replay: 0.3, places: 12 });
    noisy.world.finish(noisy.connection);
    expect(noisy.attacker.replayed).toBeGreaterThan(500);
    expect(movesOf(noisy)).toEqual([0, 0]);
    // What it repeats comes sooner than the original now and then: round trips seem shorter than they are.
    expect(noisy.world.clock.now).toBeLessThan(3 * quiet.world.clock.now + 1_000);
  });

  it.each(seeds)('gets nothing for packets that the other end has already (seed %i)', (seed) => {
    const all = attacked(seed, { places: 3 });
    const { world, connection, attacker } = all;
    for (const at of [300, 700, 1_200])
      world.clock.after(at, () => {
        for (const place of attacker.places) attacker.replayDelivered(place, 200);
      });
    world.finish(connection);
    expect(attacker.replayed).toBeGreaterThan(100);
    expect(attacker.gottenBytes).toBe(0);
    expect(movesOf(all)).toEqual([0, 0]);
  });

  it.each(seeds)('alters numbers, streams, offsets and ends, and the tag shows it (seed %i)', (seed) => {
    const all = attacked(seed, { forge: 0.2, places: 2 });
    const { world, connection, attacker } = all;
    world.finish(connection);
    const forged = connection.sides.reduce((sum, { end }) => sum + end.forged, 0);
    expect(attacker.forged).toBeGreaterThan(300);
    expect(forged).toBeGreaterThan(attacker.forged / 2);
    expect(movesOf(all)).toEqual([0, 0]);
  });

  it.each(seeds)(
    'exchanges content, which is for others to find, and moves nothing else (seed %i)',
    (seed) => {
      const all = attacked(seed, { alter: 0.2, places: 1 }, { isBlind: true });
      all.world.finish(all.connection);
      expect(movesOf(all)).toEqual([0, 0]);
    },
  );

  it.each(seeds)(
    'sends packets on from its own address: it is asked to prove it, and cannot (seed %i)',
    (seed) => {
      const all = attacked(seed, { steal: 0.05, places: 3 });
      const { world, connection, attacker } = all;
      world.finish(connection);
      expect(attacker.stolen).toBeGreaterThan(100);
      expect(movesOf(all)).toEqual([0, 0]);
      expect(attacker.gottenBytes).toBeGreaterThan(0);
      expect(amplification(all)).toBeLessThanOrEqual(mostAmplification);
    },
  );

  it.each(seeds)('gets no more than three times what it sent for packets however small (seed %i)', (seed) => {
    const all = attacked(seed, { places: 7 });
    const { world, connection, attacker } = all;
    const { dialer } = connection;
    for (const [index, place] of attacker.places.entries())
      world.clock.after(100 + 30 * index, () => {
        attacker.order(
          place,
          1,
          ({ isData, from, datagramBytes }) => !isData && from === dialer.end.place && datagramBytes < 50,
        );
      });
    for (let at = 0; at < 1_000; at += 10) world.clock.after(at, () => dialer.user.chat(0));
    // As long as it is asked.
    world.runFor(4_000);
    world.finish(connection);
    expect(attacker.stolen).toBe(7);
    expect(attacker.gottenBytes).toBeGreaterThan(0);
    expect(amplification(all)).toBeLessThanOrEqual(mostAmplification);
    expect(movesOf(all)).toEqual([0, 0]);
  });

  it.each(seeds)('cannot prove its address with the answer of another one (seed %i)', (seed) => {
    const all = attacked(seed, { places: 1 });
    const { world, connection, attacker } = all;
    const { dialer, listener } = connection;
    const [own] = attacker.places;
    if (!own) return;
    world.runFor(300);
    // The server asks it for a proof …
    attacker.order(own, 1, ({ from }) => from === dialer.end.place);
    world.runFor(100);
    // … and the client gives one for its own new address, which the attacker sends from its own.
    attacker.order(own, 2, ({ isData, source }) => !isData && source[0] === pathResponse);
    dialer.end.move(world.network.place(dialer.end.place.up, dialer.end.place.down));
    const moved = dialer.end.place;
    world.finish(connection);
    expect(attacker.stolen).toBe(3);
    expect(listener.end.sentTo.get(own)).toBeLessThan(500);
    expect(listener.end.sentTo.get(moved)).toBeGreaterThan(10_000);
    expect(movesOf(all)).toEqual([0, 1]);
  });

  it.each(seeds)('forwards all, and then nothing: both ends go back to each other (seed %i)', (seed) => {
    const all = attacked(seed, { places: 1 });
    const { world, connection, attacker } = all;
    world.runFor(300);
    attacker.forwards = true;
    world.runFor(400);
    expect(movesOf(all)).toEqual([1, 1]);
    attacker.forwards = false;
    const stoppedAt = world.clock.now;
    world.finish(connection);
    expect(movesOf(all)).toEqual([2, 2]);
    expect(attacker.forwarded).toBeGreaterThan(100);
    expect(world.clock.now - stoppedAt).toBeLessThan(8_000);
  });

  it.each(seeds)('does all of it at once, and drops what it likes: all arrives (seed %i)', (seed) => {
    const all = attacked(seed, { drop: 0.2, replay: 0.1, forge: 0.1, steal: 0.02, places: 12 });
    all.world.finish(all.connection);
    expect(movesOf(all)).toEqual([0, 0]);
    expect(amplification(all)).toBeLessThanOrEqual(mostAmplification);
  });

  it.each(seeds)('ends a connection by dropping everything, and by nothing less (seed %i)', (seed) => {
    const { world, connection, attacker } = attacked(seed, { replay: 0.5, places: 4 });
    world.runFor(400);
    attacker.dropsAll = true;
    for (let at = 0; at < 120_000; at += 500) world.clock.after(at, () => attacker.replay());
    world.runFor(50_000);
    for (const { user } of connection.sides) expect(user.ended).toBeUndefined();
    world.runFor(120_000);
    for (const { user } of connection.sides) expect(user.ended?.kind).toBe('silent');
  });
});
