import type * as Os from 'node:os';
import { networkInterfaces } from 'node:os';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parseUrl } from '../../../src/transport/address.js';
import { LaneKeeperKit, type FakeWay } from './lane-keeper-kit.js';

vi.mock('node:os', async (original) => {
  const os = await original<typeof Os>();
  return { ...os, networkInterfaces: vi.fn(os.networkInterfaces) };
});

/** Bytes a millisecond. */
const MB = 1_000;
const GB = 1_000 * MB;
const tcp = 'tcp://127.0.0.1:4840';
const udp = 'udp://127.0.0.1:4840';

const way = (url: string, bytesPerMs: number): FakeWay => ({ url, bytesPerMs, isCut: false });

beforeEach(
  () =>
    void vi.useFakeTimers({
      toFake: ['setTimeout', 'setInterval', 'clearTimeout', 'clearInterval', 'performance', 'queueMicrotask'],
    }),
);
afterEach(() => void vi.useRealTimers());

/** Two ways; all of it would take the first one so many milliseconds. */
function kitOf(first: FakeWay, second: FakeWay, lastsMs = 60_000): LaneKeeperKit {
  return new LaneKeeperKit([first, second], lastsMs * first.bytesPerMs);
}

describe('LaneKeeper', () => {
  it('leaves a slow way for a fast one, and tells why', async () => {
    const kit = kitOf(way(tcp, 1 * MB), way(udp, 40 * MB));
    kit.begin();
    await kit.run(3_000);
    expect(kit.schemes).toEqual(['udp']);
    expect(kit.told).toMatchObject([
      { lane: 1, state: 'up', about: { transport: 'udp', address: udp } },
      { lane: 0, state: 'down', about: { transport: 'tcp', address: tcp }, error: undefined },
    ]);
    expect(kit.told[1]?.about.numbers?.['bytesPerSecond']).toBeGreaterThan(500_000);
    expect(kit.decisions.map(({ decision }) => decision)).toContain('prefer');
    const won = kit.decisions.findLast(({ decision }) => decision === 'prefer');
    expect(won).toMatchObject({ address: udp });
    expect(won?.message).toMatch(/^prefer udp:.*carries nearly all \(.*ownBytesPerSecond \d+/);
  });

  it('takes a way that is told of late, when the transfer runs', async () => {
    const fabric = 'rdma://127.0.0.1:4842';
    const kit = kitOf(way(tcp, 1 * GB), way(fabric, 5 * GB), 20_000);
    kit.begin(undefined, false, 1);
    await kit.run(500);
    expect(kit.dialled).toEqual([]);
    kit.keeper.handleLate([{ address: parseUrl(fabric), isOffloaded: true }]);
    await kit.run(3_000);
    expect(kit.schemes).toEqual(['rdma']);
    expect(kit.failed).toEqual([]);
  });

  it('tells why a way that was tried beside it leads nowhere, and goes on', async () => {
    const fabric = 'rdma://127.0.0.1:4842';
    const kit = kitOf(way(tcp, 1 * GB), { ...way(fabric, 5 * GB), listener: 'none' }, 60_000);
    kit.begin(undefined, false, 1);
    kit.keeper.handleLate([{ address: parseUrl(fabric), isOffloaded: true }]);
    await kit.run(1_000);
    expect(kit.failed).toEqual([`${fabric} nobody listens`]);
    expect(kit.schemes).toEqual(['tcp']);
  });

  it('a fast transfer that is soon over sees nothing of it', async () => {
    const kit = kitOf(way(tcp, 1 * GB), way(udp, 1 * GB), 3_000);
    kit.begin();
    await kit.run(3_000);
    expect(kit.dialled).toEqual([]);
  });

  it('a way that falls silent: the other carries within 2 s, and the dead one is ended', async () => {
    const [first, second] = [way(tcp, 60 * MB), way(udp, 60 * MB)];
    const kit = kitOf(first, second, 1_000_000);
    kit.begin(1);
    await kit.run(2_000);
    first.isCut = true;
    await kit.run(1_500);
    expect(kit.schemes).toEqual(['tcp', 'udp']);
    expect(kit.lanes.get(0)?.isSuspect).toBe(true);
    await kit.run(8_000);
    expect(kit.schemes).toEqual(['udp']);
  });

  it('a number of lanes that is wanted is wanted on the other way, too', async () => {
    const first = way(tcp, 60 * MB);
    const kit = kitOf(first, way(udp, 60 * MB), 1_000_000);
    kit.begin(3);
    await kit.run(500);
    expect(kit.schemes).toEqual(['tcp', 'tcp', 'tcp']);
    first.isCut = true;
    await kit.run(2_000);
    expect(kit.schemes.filter((scheme) => scheme === 'udp')).toHaveLength(3);
  });

  it('lanes of one way that fall silent one after the other hold nothing up', async () => {
    const first = way(tcp, 60 * MB);
    const kit = kitOf(first, way(udp, 60 * MB), 1_000_000);
    kit.begin(2);
    await kit.run(500);
    kit.mute(0);
    await kit.run(300);
    first.isCut = true;
    await kit.run(1_200);
    expect(kit.schemes).toContain('udp');
  });

  it('a session without a lane is reached over any way, whichever is first', async () => {
    const first = way(tcp, 60 * MB);
    const kit = kitOf(first, way(udp, 60 * MB), 1_000_000);
    kit.begin(1);
    await kit.run(500);
    first.isCut = true;
    kit.lose(0);
    await kit.run(200);
    expect(kit.dialled.sort()).toEqual([tcp, udp]);
    expect(kit.schemes).toEqual(['udp']);
    expect(kit.told[0]).toMatchObject({
      lane: 0,
      state: 'down',
      error: { code: 'ERR_XFER_CONNECTION_LOST' },
    });
  });

  it('a way on which somebody takes connections and says nothing keeps no session from coming back', async () => {
    const [first, second] = [way(udp, 60 * MB), way(tcp, 60 * MB)];
    const kit = kitOf(first, second, 1_000_000);
    kit.begin(1);
    await kit.run(500);
    second.listener = 'silent';
    kit.front = second;
    kit.lose(0);
    await kit.run(500);
    expect(kit.schemes).toEqual(['udp']);
  });

  it('another receiver that answers sooner ends no session that can come back', async () => {
    const [first, second] = [way(tcp, 60 * MB), way(udp, 60 * MB)];
    const kit = kitOf(first, second, 1_000_000);
    kit.begin(1);
    await kit.run(500);
    first.isCut = true;
    second.listener = 'another';
    kit.front = second;
    kit.lose(0);
    await kit.run(5_000);
    expect([kit.isOver, kit.dialled.sort()]).toEqual([false, [tcp, udp]]);
  });

  it('where the receiver had answered there is one that does not know the session: it is over', async () => {
    const first = way(tcp, 60 * MB);
    const kit = kitOf(first, { ...way(udp, 60 * MB), isCut: true }, 1_000_000);
    kit.begin(1);
    await kit.run(500);
    first.listener = 'another';
    kit.lose(0);
    await kit.run(5_000);
    expect(kit.isOver).toBe(true);
  });

  it('a lane that is given up and does not end is cut after a second, which is no loss', async () => {
    const kit = kitOf(way(tcp, 1 * MB), way(udp, 40 * MB));
    kit.keepsEnding = true;
    kit.begin();
    await kit.run(3_500);
    expect(kit.ended).toContain(`abort ${tcp}`);
    expect(kit.told.at(-1)).toMatchObject({ lane: 0, state: 'down', error: undefined });
  });

  it('addresses of this machine that no lane uses come and go without a trial', async () => {
    const kit = kitOf(way(tcp, 1 * GB), way(udp, 1 * GB), 3_000);
    kit.begin();
    await kit.run(1_500);
    const own = networkInterfaces();
    const [container] = own['lo'] ?? [];
    vi.mocked(networkInterfaces).mockReturnValue(
      container ? { ...own, br0: [{ ...container, address: '172.17.0.1', cidr: '172.17.0.1/16' }] } : {},
    );
    await kit.run(1_000);
    expect([kit.dialled, kit.decisions.map(({ decision }) => decision)]).toEqual([[], ['prefer']]);
  });

  it('over relays nothing else is tried', async () => {
    const kit = kitOf(way(tcp, 1 * MB), way(udp, 40 * MB));
    kit.begin(1, true);
    await kit.run(5_000);
    expect(kit.dialled).toEqual([]);
    expect(kit.decisions).toEqual([]);
  });

  it('when the other side ends its lanes all is over, and nobody is dialled', async () => {
    const kit = kitOf(way(tcp, 60 * MB), way(udp, 60 * MB), 1_000_000);
    kit.begin(1);
    await kit.run(300);
    kit.lanes.delete(0);
    kit.keeper.handleLaneDown(0, undefined);
    await kit.run(3_000);
    await kit.keeper.close();
    expect(kit.dialled).toEqual([]);
    expect(kit.ended).toEqual([`close ${tcp}`]);
  });

  it('close ends those that are there in order, and cuts the silent ones', async () => {
    const first = way(tcp, 60 * MB);
    const kit = kitOf(first, way(udp, 60 * MB), 1_000_000);
    kit.begin(1);
    await kit.run(500);
    first.isCut = true;
    await kit.run(1_500);
    await kit.keeper.close();
    expect(kit.ended.sort()).toEqual([`abort ${tcp}`, `close ${udp}`]);
  });

  it('a transfer that begins hears of the lane that was silent already, and when it is heard again', async () => {
    const kit = kitOf(way(tcp, 60 * MB), way(udp, 60 * MB), 1_000_000);
    kit.begin(2);
    await kit.run(300);
    kit.suspect(0, true);
    kit.next();
    expect(kit.lanes.get(0)?.isSuspect).toBe(true);
    expect(kit.lanes.get(1)?.isSuspect).toBe(false);
    kit.suspect(0, false);
    expect(kit.lanes.get(0)?.isSuspect).toBe(false);
  });

  it('what only measuring has found of a lane does not outlast the transfer', async () => {
    const first = way(tcp, 60 * MB);
    const kit = kitOf(first, way(udp, 60 * MB), 1_000_000);
    kit.begin(1);
    await kit.run(2_000);
    first.isCut = true;
    await kit.run(1_500);
    const suspicions: [number, boolean][] = [];
    kit.keeper.onSuspect = (lane, isSuspect) => suspicions.push([lane, isSuspect]);
    kit.next();
    expect(suspicions).toEqual([[0, false]]);
  });

  it('connects again where the first lane was lost before it was asked to keep any', async () => {
    const kit = kitOf(way(tcp, 60 * MB), way(udp, 60 * MB), 1_000_000);
    kit.beginLost();
    await kit.run(500);
    expect(kit.told.slice(0, 2)).toMatchObject([
      { lane: 0, state: 'down', about: { transport: 'tcp' } },
      { lane: 1, state: 'up', about: { transport: 'tcp' } },
    ]);
    expect(kit.isOver).toBe(false);
  });

  it('does not wait for a receiver that has left when nothing is left to be said', async () => {
    const kit = kitOf(way(tcp, 60 * MB), way(udp, 60 * MB), 1_000_000);
    kit.begin(1);
    await kit.run(500);
    kit.isFinishing = true;
    for (const one of kit.ways) one.listener = 'none';
    for (const lane of [...kit.lanes.keys()]) kit.lose(lane);
    await kit.run(1_000);
    expect(kit.isOver).toBe(true);
  });

  it('waits for one that is not there while something is to be said', async () => {
    const kit = kitOf(way(tcp, 60 * MB), way(udp, 60 * MB), 1_000_000);
    kit.begin(1);
    await kit.run(500);
    for (const one of kit.ways) one.listener = 'none';
    for (const lane of [...kit.lanes.keys()]) kit.lose(lane);
    await kit.run(10_000);
    expect(kit.isOver).toBe(false);
  });

  it('tries no longer when it is interrupted', async () => {
    const kit = kitOf(way(tcp, 60 * MB), way(udp, 60 * MB), 1_000_000);
    kit.begin(1);
    await kit.run(500);
    for (const one of kit.ways) one.listener = 'none';
    for (const lane of [...kit.lanes.keys()]) kit.lose(lane);
    await kit.run(500);
    kit.interrupting.abort(new Error('interrupted'));
    await kit.run(100);
    expect(kit.isOver).toBe(true);
  });
});
