import { describe, expect, it } from 'vitest';
import type { Place } from './udp-network.js';
import { pair, type Pair } from './udp-pair.js';

const MB = 1e6;
const seeds = [1, 2, 3, 4, 5];
/** RFC 9000 §8.1. */
const mostAmplification = 3;
const link = { delayMs: 20, rate: 2_500, queueBytes: 200_000, loss: 0.01 };
/** At line rate 10 MB take 4 s. */
const [totalBytes, lineMs] = [10 * MB, 4_000];

const directions = {
  'the one that sends': [1, 0],
  'the one that receives': [0, 1],
  'one that sends and receives': [1, 1],
} as const;

function transfer(seed: number, [up, down]: readonly [number, number]): Pair {
  const all = pair({ seed, link });
  const { dialer, listener } = all.connection;
  if (up) dialer.user.plan([{ atMs: 0, bytes: totalBytes, backBytes: 0 }]);
  if (down) listener.user.plan([{ atMs: 0, bytes: totalBytes, backBytes: 0 }]);
  return all;
}

/** The dialer has another address now, on the same link. */
function rebind({ world, connection }: Pair): Place {
  const { end } = connection.dialer;
  const { up, down } = end.place;
  const place = world.network.place(up, down);
  end.move(place);
  return place;
}

describe.each(Object.entries(directions))('when the address changes of %s', (_, direction) => {
  it.each(seeds)('the transfer goes on there, with little delay (seed %i)', (seed) => {
    const all = transfer(seed, direction);
    const { world, connection } = all;
    world.runFor(1_000);
    rebind(all);
    world.finish(connection);
    expect(connection.listener.user.moves).toBe(1);
    expect(connection.dialer.user.moves).toBe(0);
    expect(world.clock.now).toBeLessThan(2 * lineMs + 2_000);
  });

  it.each(seeds)('and once more, it goes on again (seed %i)', (seed) => {
    const all = transfer(seed, direction);
    const { world, connection } = all;
    world.runFor(1_000);
    rebind(all);
    world.runFor(1_500);
    rebind(all);
    world.finish(connection);
    expect(connection.listener.user.moves).toBe(2);
    expect(world.clock.now).toBeLessThan(2 * lineMs + 4_000);
  });
});

describe('an address that somebody else has', () => {
  it.each(seeds)('gets no more than three times what came from it (seed %i)', (seed) => {
    const all = transfer(seed, [1, 1]);
    const { world, connection } = all;
    world.runFor(1_000);
    const { end } = connection.dialer;
    const home = end.place;
    // Packets of the client seem to come from a victim for a while: its answers never arrive there.
    const victim = rebind(all);
    world.runFor(10);
    victim.host = undefined;
    end.move(home);
    home.host = end;
    world.finish(connection);
    const sent = connection.listener.end.sentTo.get(victim) ?? 0;
    expect(connection.listener.end.receivedFrom.get(victim)).toBeGreaterThan(0);
    expect(sent).toBeGreaterThan(0);
    expect(sent / (connection.listener.end.receivedFrom.get(victim) ?? 0)).toBeLessThanOrEqual(
      mostAmplification,
    );
    expect(connection.listener.user.moves).toBe(0);
    expect(world.clock.now).toBeLessThan(2 * lineMs + 2_000);
  });

  it.each(seeds)('does not hold up who is back at the old one at once (seed %i)', (seed) => {
    const all = transfer(seed, [1, 1]);
    const { world, connection } = all;
    world.runFor(1_000);
    const { end } = connection.dialer;
    const home = end.place;
    for (let flap = 0; flap < 5; flap++) {
      rebind(all);
      world.runFor(15);
      end.move(home);
      world.runFor(300);
    }
    world.finish(connection);
    expect(world.clock.now).toBeLessThan(2 * lineMs + 6_000);
  });
});

describe('a silent client whose address changed', () => {
  it('is found again as soon as it says something', () => {
    const all = pair({ seed: 1, link });
    const { world, connection } = all;
    world.runFor(5_000);
    rebind(all);
    world.runFor(5_000);
    connection.dialer.user.chat(20);
    connection.listener.user.plan([{ atMs: 500, bytes: 1 * MB, backBytes: 0 }]);
    world.finish(connection);
    expect(connection.listener.user.moves).toBe(1);
  });
});
