import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { FanOut, type FanOutEntry, type FanOutHandlers } from '../../../src/app/fan-out.js';
import type { FoundRoute } from '../../../src/app/route.js';
import { ownCapabilities, ownHello } from '../../../src/session/hello.js';
import { decodeGroupHeader } from '../../../src/session/stream-headers.js';
import { parseUrl } from '../../../src/transport/address.js';
import { RelayNet, type Endpoint } from '../../support/relay-net.js';
import { sessionPair } from '../transfer/transfer-kit.js';

let net: RelayNet;
beforeEach(() => (net = new RelayNet()));
afterEach(() => net.close());

const handlers: FanOutHandlers = { onLane: vi.fn(), onNote: vi.fn(), onAlone: vi.fn() };

function fanOut(targets: number): FanOut {
  const made = new FanOut({
    ...{ transports: net.registry, signal: new AbortController().signal, targets, compress: 'off' },
    prove: () => Promise.resolve(undefined),
  });
  onTestFinished(() => made.close());
  return made;
}

const directTo = ({ url }: Endpoint): FoundRoute => ({
  way: parseUrl(url),
  host: 'h',
  path: 'direct',
});

/** A session with a receiver that can do this. */
const session = async (capabilities: readonly string[] = ownCapabilities) =>
  (await sessionPair(ownHello('recv', 'bob', false, [], capabilities)))[0];

type Joined = ReturnType<FanOutEntry['join']>;

/** The seat of one target, or none. */
const seatOf = async (group: Joined) => group?.seat;
const laneOf = async (group: Joined) => (await seatOf(group))?.offer.lane;

describe('what brings several targets together', () => {
  it('seats all who can, with one key, over a stream to each', async () => {
    const ends = [await net.endpoint(), await net.endpoint(), await net.endpoint()];
    const fan = fanOut(3);
    const groups = [];
    for (const end of ends) groups.push(fan.entry().join(await session(), directTo(end), handlers));
    const seats = await Promise.all(groups.map(seatOf));
    expect(seats.map((seat) => seat?.offer.lane)).toEqual([1, 1, 1]);
    const [first] = seats;
    for (const seat of seats)
      expect([seat?.offer.key, seat?.offer.epoch]).toEqual([first?.offer.key, first?.offer.epoch]);
    await vi.waitFor(() => expect(ends.every(({ arrived }) => arrived.length === 1)).toBe(true));
  });

  it('opens one stream for those behind the same relays, each with a header of its own', async () => {
    const [relay, end, other] = [await net.relay(), await net.endpoint(), await net.endpoint()];
    const ids: Uint8Array[] = [];
    const fan = fanOut(2);
    const groups = [];
    for (const { url } of [end, other]) {
      const way = { relays: [[relay.url]], to: url };
      const route: FoundRoute = { way, host: 'h', path: 'relayed' };
      const one = await session();
      groups.push(fan.entry().join(one, route, handlers));
      ids.push(one.id);
    }
    expect(await Promise.all(groups.map(laneOf))).toEqual([1, 1]);
    await vi.waitFor(() => expect(end.arrived.length + other.arrived.length).toBe(2));
    expect([...relay.relay.hops].map(({ streams }) => streams)).toEqual([1]);
    const headers = [end, other].map(({ arrived }) => arrived[0]!.bytes);
    expect(headers.map((header) => decodeGroupHeader(header)?.session)).toEqual(ids);
  });

  it.each([
    ['fanout', ownCapabilities.filter((name) => name !== 'fanout')],
    ['pack', ownCapabilities.filter((name) => name !== 'pack')],
  ])('leaves out a receiver without %s, and with one left nobody is together', async (_, capabilities) => {
    const ends = [await net.endpoint(), await net.endpoint(), await net.endpoint()];
    const three = fanOut(3);
    const able = [
      three.entry().join(await session(), directTo(ends[0]!), handlers),
      three.entry().join(await session(capabilities), directTo(ends[1]!), handlers),
      three.entry().join(await session(), directTo(ends[2]!), handlers),
    ];
    expect(await Promise.all(able.map(laneOf))).toEqual([1, undefined, 1]);
    const two = fanOut(2);
    const alone = [
      two.entry().join(await session(), directTo(ends[0]!), handlers),
      two.entry().join(await session(capabilities), directTo(ends[1]!), handlers),
    ];
    expect(await Promise.all(alone.map(laneOf))).toEqual([undefined, undefined]);
  });

  it('waits for nobody who declines, and takes nobody who comes too late', async () => {
    const ends = [await net.endpoint(), await net.endpoint()];
    const fan = fanOut(4);
    const [declines, late] = [fan.entry(), fan.entry()];
    declines.decline();
    declines.decline();
    expect(declines.join(await session(), directTo(ends[0]!), handlers)).toBeUndefined();
    const groups = [
      fan.entry().join(await session(), directTo(ends[0]!), handlers),
      fan.entry().join(await session(), directTo(ends[1]!), handlers),
    ];
    const lateSession = await session();
    expect(await Promise.all(groups.map(laneOf))).toEqual([1, 1]);
    expect(await laneOf(late.join(lateSession, directTo(ends[0]!), handlers))).toBeUndefined();
  }, 20_000);

  it('seats nobody whom no stream reaches', async () => {
    const [end, nobody] = [await net.endpoint(), await net.endpoint()];
    await nobody.close();
    const fan = fanOut(2);
    const groups = [
      fan.entry().join(await session(), directTo(end), handlers),
      fan.entry().join(await session(), directTo(nobody), handlers),
    ];
    expect(await Promise.all(groups.map(laneOf))).toEqual([undefined, undefined]);
  });
});
