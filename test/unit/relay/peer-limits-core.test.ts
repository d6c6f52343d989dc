import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { muxDefaults, relayDefaults } from '../../../src/config/index.js';
import { PeerLimitsCore, type PeerLimits } from '../../../src/relay/peer-limits-core.js';

const limits: Partial<PeerLimits> = { maxConnections: 3, leastIdleMs: 1_000 };
const times = <Result>(count: number, act: (turn: number) => Result) =>
  Array.from({ length: count }, (_, i) => act(i));
const taken = { evicted: undefined };

describe('the limits of a peer', () => {
  it('are those of all its connections together', () => {
    const core = new PeerLimitsCore({ maxStreamsPerPeer: 3, maxStreamsTotal: 4, maxConnectionsPerPeer: 2 });
    expect([1, 2, 3].map((id) => core.handleConnect(0, id, 'key'))).toEqual([
      ...[taken, taken, { refused: 'peer-connections' }],
    ]);
    core.handleConnect(0, 4, 'other');
    const refusals = [1, 1, 2, 2, 1, 4, 4].map((id) => core.handleStreamOpen(0, id));
    expect(refusals).toEqual([
      ...[undefined, undefined, undefined, 'peer-streams', 'peer-streams', undefined, 'total-streams'],
    ]);
    expect(core.countsOf('key')).toEqual({ connections: 2, streams: 3 });
    core.handleStreamClose(0, 1);
    expect([core.handleStreamOpen(0, 4), core.handleStreamOpen(0, 2)]).toEqual([undefined, 'total-streams']);
    core.handleClose(0, 1);
    expect([core.streams, core.countsOf('key')]).toEqual([3, { connections: 1, streams: 1 }]);
  });

  it('are a thousand streams a peer and ten thousand in all, by default', () => {
    const core = new PeerLimitsCore();
    const { maxStreamsPerPeer, maxStreamsTotal } = muxDefaults;
    for (let peer = 0; peer < 10; peer++) core.handleConnect(0, peer, `peer ${peer}`);
    for (let peer = 0; peer < 10; peer++) {
      const refusals = times(maxStreamsPerPeer + 1, () => core.handleStreamOpen(0, peer));
      expect(refusals.indexOf('peer-streams')).toBe(maxStreamsPerPeer);
    }
    core.handleConnect(0, 10, 'peer 10');
    expect([core.handleStreamOpen(0, 10), core.streams]).toEqual(['total-streams', maxStreamsTotal]);
  });

  it('are parts of one pool by weight, where a configuration that is read again may say another', () => {
    const core = new PeerLimitsCore({
      ...{ maxStreamsTotal: 40, maxStreamsPerPeer: 30, leastStreamsPerPeer: 0 },
    });
    core.setListedStreamPart(0.5);
    for (const [id, weight] of [undefined, undefined, 1, 3].entries())
      core.handleConnect(0, id, `peer ${id}`, weight);
    const opened = (id: number) =>
      times(40, () => core.handleStreamOpen(0, id)).filter((refusal) => !refusal).length;
    expect([0, 1, 2, 3].map(opened)).toEqual([10, 10, 5, 15]);
    core.setWeight('peer 2', 3);
    expect(core.handleStreamOpen(0, 2)).toBe('total-streams');
    core.handleClose(0, 3);
    expect([opened(2), core.countsOf('peer 2').streams]).toEqual([15, 20]);
    // Now there is one more among whom half of the pool is divided, and his streams count there, too.
    core.setWeight('peer 2');
    core.handleClose(0, 0);
    core.handleStreamClose(0, 1);
    expect([core.handleStreamOpen(0, 1), core.streams]).toEqual(['stranger-streams', 29]);
    core.handleClose(0, 2);
    expect([opened(1), core.streams]).toEqual([11, 20]);
  });

  it('are its own where it has such, in more and in less', () => {
    const core = new PeerLimitsCore({ maxStreamsPerPeer: 3, bytesPerSecondPerPeer: 1_000_000 });
    core.handleConnect(0, 1, 'more', 1, { maxStreams: 5, bytesPerSecond: 4_000_000 });
    core.handleConnect(0, 2, 'less', 1, { maxStreams: 1, bytesPerSecond: 100_000 });
    const refused = (id: number) =>
      times(8, () => core.handleStreamOpen(0, id)).filter((refusal) => refusal === 'peer-streams').length;
    expect([refused(1), refused(2)]).toEqual([3, 7]);
    const waits = [1, 2].map((id) => times(10, () => core.handleBytes(0, id, 200_000)).at(-1) ?? 0);
    expect(waits[0]).toBeCloseTo(475, -1);
    expect(waits[1]).toBeGreaterThan(19_000);
    core.setBytesPerSecondPerPeer(0, 2_000_000);
    expect(core.handleBytes(0, 2, 0)).toBeGreaterThan(19_000);
  });

  it('let it open so many streams a second, even if it comes again', () => {
    const core = new PeerLimitsCore({ opensPerSecond: 10, openBurst: 2 });
    const open = (now: number) => {
      return core.handleAsk(now, 1)?.refused;
    };
    core.handleConnect(0, 1, 'key');
    expect(times(3, () => open(0))).toEqual([undefined, undefined, 'peer-opens']);
    core.handleClose(0, 1);
    core.handleConnect(50, 1, 'key');
    expect([open(50), open(100), open(100)]).toEqual(['peer-opens', undefined, 'peer-opens']);
    core.handleConnect(100, 2, 'other');
    expect(core.handleAsk(100, 2)).toBeUndefined();
  });

  it('send away who goes on opening past that, and not who did so for a moment', () => {
    const core = new PeerLimitsCore({ opensPerSecond: 10, openBurst: 5 });
    core.handleConnect(0, 1, 'key');
    const ask = (now: number) => core.handleAsk(now, 1)?.isPersistent;
    expect(times(12, () => ask(0))).toEqual([
      ...[...Array<undefined>(5), ...Array<boolean>(5).fill(false), true, true],
    ]);
    core.handleClose(0, 1);
    core.handleConnect(0, 1, 'key');
    expect(ask(0)).toBe(true);
    // Twenty a second, of which ten are too many.
    expect(
      times(40, (i) => ask(1_000 + i * 50)).filter((isPersistent) => isPersistent).length,
    ).toBeGreaterThan(5);
    expect(times(12, () => ask(60_000)).indexOf(true)).toBe(10);
  });

  it('are a rate of bytes for all its connections, even if it comes again, and even as it changes', () => {
    const core = new PeerLimitsCore({ bytesPerSecondPerPeer: 1_000_000 });
    core.handleConnect(0, 1, 'key');
    core.handleConnect(0, 2, 'key');
    expect([core.handleBytes(0, 1, 100_000), core.handleBytes(0, 2, 50_000)]).toEqual([0, 50]);
    core.handleClose(0, 1);
    core.handleClose(0, 2);
    core.handleConnect(10, 3, 'key');
    expect(core.handleBytes(10, 3, 10_000)).toBe(50);
    core.setBytesPerSecondPerPeer(10, 500_000);
    expect(core.handleBytes(10, 3, 0)).toBe(100);
    core.handleClose(10, 3);
    core.setBytesPerSecondPerPeer(10, 1_000_000);
    core.handleConnect(10, 4, 'key');
    expect(core.handleBytes(10, 4, 0)).toBe(50);
    core.setBytesPerSecondPerPeer(10, undefined);
    expect([core.handleBytes(10, 4, 1e12), core.handleBytes(10, 99, 1e12)]).toEqual([0, 0]);
  });
});

describe('a full relay', () => {
  it('lets the lowest weight go for a higher one, strangers before all', () => {
    const core = new PeerLimitsCore(limits);
    core.handleConnect(0, 1, 'heavy', 5);
    core.handleConnect(0, 2, 'light', 0.1);
    core.handleConnect(0, 3, 'unknown:192.0.2.1');
    core.handleStreamOpen(0, 3);
    expect(core.handleConnect(1, 4, 'middle', 1)).toEqual({ evicted: 3 });
    expect([core.streams, core.connections, core.peers]).toEqual([0, 3, 3]);
    expect(core.handleConnect(2, 5, 'middle', 1)).toEqual({ evicted: 2 });
    expect(core.handleConnect(3, 6, 'unknown:192.0.2.2')).toEqual({ refused: 'full' });
    expect(core.handleStreamOpen(4, 3)).toBe('full');
    core.handleStreamClose(4, 3);
    core.handleClose(4, 3);
    expect([core.streams, core.connections]).toEqual([0, 3]);
  });

  it('among strangers keeps who is of use, and who has just come', () => {
    const core = new PeerLimitsCore(limits);
    for (const id of [1, 2, 3]) core.handleConnect(0, id, `unknown:192.0.2.${id}`);
    expect(core.handleConnect(999, 4, 'unknown:new')).toEqual({ refused: 'full' });
    core.handleUse(999, 1);
    core.handleBytes(999, 2, 10);
    expect(core.handleConnect(1_000, 4, 'unknown:new')).toEqual({ evicted: 3 });
    expect(core.handleConnect(1_998, 5, 'unknown:new')).toEqual({ refused: 'full' });
    expect(core.handleConnect(1_999, 5, 'unknown:new')).toEqual({ evicted: 2 });
    core.handleUnuse(2_000, 1);
    expect(core.handleConnect(3_000, 6, 'unknown:newer')).toEqual({ evicted: 4 });
    expect(core.handleConnect(3_000, 7, 'unknown:newer')).toEqual({ evicted: 5 });
    expect(core.handleConnect(3_000, 8, 'unknown:newer')).toEqual({ evicted: 1 });
  });

  it('goes by the weights of a configuration that was read again', () => {
    const core = new PeerLimitsCore(limits);
    for (const id of [1, 2, 3]) core.handleConnect(0, id, `key ${id}`, id);
    core.setWeight('key 3');
    expect(core.handleConnect(1, 4, 'new', 1)).toEqual({ evicted: 3 });
    core.setWeight('key 1', 7);
    expect(core.handleConnect(1, 5, 'new', 3)).toEqual({ evicted: 4 });
  });

  it('takes as many as by default', () => {
    const core = new PeerLimitsCore();
    const all = times(relayDefaults.maxConnections + 1, (id) => core.handleConnect(0, id, `peer ${id}`));
    expect(all.findIndex((admission) => 'refused' in admission)).toBe(relayDefaults.maxConnections);
  });
});

describe('whoever comes and goes', () => {
  it('never has more than it may, never pushes out more weight than its own, and leaves nothing behind', () => {
    const act = fc.record({
      act: fc.constantFrom('connect', 'connect', 'open', 'open', 'close', 'end', 'use', 'bytes'),
      peer: fc.nat({ max: 6 }),
      pick: fc.nat(),
      afterMs: fc.constantFrom(0, 0, 10, 2_000),
    });
    fc.assert(
      fc.property(fc.array(act, { maxLength: 200 }), (acts) => {
        const core = new PeerLimitsCore({
          ...limits,
          maxConnections: 5,
          maxStreamsPerPeer: 4,
          maxStreamsTotal: 9,
        });
        const open = new Map<number, { peer: number; streams: number }>();
        const streamsOf = (peer?: number) =>
          [...open.values()].reduce((sum, at) => sum + (at.peer === (peer ?? at.peer) ? at.streams : 0), 0);
        let [now, id] = [0, 0];
        for (const { act, peer, pick, afterMs } of acts) {
          now += afterMs;
          const [connection = -1, state] = [...open][pick % Math.max(1, open.size)] ?? [];
          if (act === 'connect') {
            const admission = core.handleConnect(now, ++id, String(peer), peer);
            const lowest = Math.min(...[...open.values()].map((other) => other.peer));
            if ('refused' in admission) expect([open.size, lowest >= peer]).toEqual([5, true]);
            else {
              const { evicted } = admission;
              expect(evicted === undefined).toBe(open.size < 5);
              if (evicted !== undefined) {
                expect(open.get(evicted)?.peer).toBe(lowest);
                expect(lowest).toBeLessThanOrEqual(peer);
                open.delete(evicted);
              }
              open.set(id, { peer, streams: 0 });
            }
          } else if (act === 'open') {
            const refusal = core.handleStreamOpen(now, connection);
            if (!refusal && state) state.streams++;
            else if (state) expect(streamsOf(state.peer) === 4 || streamsOf() === 9).toBe(true);
          } else if (act === 'close') {
            core.handleStreamClose(now, connection);
            if (state && state.streams > 0) state.streams--;
          } else if (act === 'end') {
            core.handleClose(now, connection);
            open.delete(connection);
          } else if (act === 'use') core.handleUse(now, connection);
          else core.handleBytes(now, connection, 1);
          expect([core.connections, core.streams]).toEqual([open.size, streamsOf()]);
          for (let which = 0; which <= 6; which++) {
            expect(core.countsOf(String(which)).streams).toBe(streamsOf(which));
            expect(streamsOf(which)).toBeLessThanOrEqual(4);
          }
        }
        for (const connection of open.keys()) core.handleClose(now, connection);
        expect([core.connections, core.streams, core.peers]).toEqual([0, 0, 0]);
      }),
      { numRuns: 500 },
    );
  });
});
