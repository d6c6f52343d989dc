import { describe, expect, it, vi } from 'vitest';
import { controllerFactory } from '../../plugins/udp/src/congestion/choose-controller.js';
import type { SimConnection } from './udp-connection.js';
import type { SimLink } from './udp-link.js';
import { pair } from './udp-pair.js';
import { UdpWorld } from './udp-world.js';

/** They reckon for seconds, on a busy machine for long. */
vi.setConfig({ testTimeout: 120_000 });

const MB = 1e6;
/** Bytes a millisecond. */
const mbit = (rate: number): number => rate * 125;

interface Shared {
  readonly world: UdpWorld;
  readonly flows: readonly SimConnection[];
  readonly bottleneck: SimLink;
}

/** Flows that all go through one bottleneck, the first from the beginning and each further a second later. */
function shared(seed: number, rate: number, rttMs: number, names: readonly string[]): Shared {
  const world = new UdpWorld(seed);
  const { network } = world;
  const bottleneck = network.link({ rate, delayMs: rttMs / 2, queueBytes: rate * rttMs * 1.5 });
  const flows = names.map((cc, index) => {
    const controller = controllerFactory(cc);
    const place = network.place(bottleneck, network.link({ delayMs: rttMs / 2 }));
    const flow = world.connect({ place, controller }, { place: network.place(), controller }, { rttMs });
    flow.dialer.user.plan([{ atMs: 1_000 * index, bytes: 2 ** 40, backBytes: 0 }]);
    return flow;
  });
  return { world, flows, bottleneck };
}

/** What each flow brought, of all that was brought, in the `ms` after the first 5 seconds. */
function shares({ world, flows }: Shared, ms: number): number[] {
  const received = () => flows.map(({ listener }) => listener.user.receivedBytes);
  world.runFor(5_000);
  const before = received();
  world.runFor(ms);
  const brought = received().map((bytes, index) => bytes - (before[index] ?? 0));
  const all = brought.reduce((sum, bytes) => sum + bytes, 0);
  return brought.map((bytes) => bytes / all);
}

/** Seconds that 50 MB take. */
function seconds(seed: number, rttMs: number, loss: number): number {
  const delayMs = rttMs / 2;
  const { world, connection, down } = pair({
    seed,
    link: { rate: mbit(200), delayMs, loss, queueBytes: mbit(200) * rttMs },
    cc: 'bbr',
  });
  down.shape.loss = 0;
  const { dialer, listener } = connection;
  dialer.user.plan([{ atMs: 0, bytes: 50 * MB, backBytes: 0 }]);
  world.runUntil(() => listener.user.receivedBytes === 50 * MB);
  return world.clock.now / 1_000;
}

describe('bbr on a path of 200 Mbit/s that loses at random', () => {
  it.each([
    [100, 0.01, 3],
    [100, 0.05, 3.6],
    [300, 0.02, 5.5],
  ])('of %i ms and a loss of %d brings 50 MB in %d s', (rttMs, loss, most) => {
    const all = [1, 2, 3, 4, 5].map((seed) => seconds(seed, rttMs, loss));
    // A last packet that is lost twice costs two round trips more than the median.
    expect(all.toSorted((a, b) => a - b)[2]).toBeLessThan(most);
    expect(Math.max(...all)).toBeLessThan(most + (2 * rttMs) / 1_000);
  });
});

describe('bbr on 1 Gbit/s and 20 ms', () => {
  it('has nine tenths of it within three seconds, and the queue is short again', () => {
    const { world, flows, bottleneck } = shared(1, mbit(1_000), 20, ['bbr']);
    const received = () => flows[0]?.listener.user.receivedBytes ?? 0;
    world.runFor(2_000);
    const [before, dropped] = [received(), bottleneck.dropped];
    world.runFor(1_000);
    expect(received() - before).toBeGreaterThan(0.9 * mbit(1_000) * 1_000);
    expect(bottleneck.dropped).toBe(dropped);
  });
});

describe('of two flows in one bottleneck', () => {
  it('bbr and bbr share within 40/60', () => {
    for (const seed of [1, 2, 3])
      for (const share of shares(shared(seed, mbit(50), 40, ['bbr', 'bbr']), 30_000)) {
        expect(share).toBeGreaterThan(0.4);
        expect(share).toBeLessThan(0.6);
      }
  });

  it('bbr leaves cubic a quarter', () => {
    for (const seed of [1, 2, 3]) {
      const [, left] = shares(shared(seed, mbit(50), 40, ['bbr', 'cubic']), 30_000);
      expect(left).toBeGreaterThan(0.25);
    }
  });

  it('ledbat leaves cubic 85 of 100, and takes 80 of an idle link', () => {
    for (const seed of [1, 2, 3]) {
      const [, left] = shares(shared(seed, mbit(50), 40, ['ledbat', 'cubic']), 30_000);
      expect(left).toBeGreaterThan(0.85);
      const alone = shared(seed, mbit(50), 40, ['ledbat']);
      alone.world.runFor(5_000);
      const before = alone.flows[0]?.listener.user.receivedBytes ?? 0;
      alone.world.runFor(20_000);
      const received = (alone.flows[0]?.listener.user.receivedBytes ?? 0) - before;
      expect(received).toBeGreaterThan(0.8 * mbit(50) * 20_000);
    }
  });
});
