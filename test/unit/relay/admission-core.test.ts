import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { relayDefaults } from '../../../src/config/index.js';
import { AdmissionCore, type AdmissionLimits } from '../../../src/relay/admission-core.js';
import { sourceKey } from '../../../src/transport/source-key.js';

const wide: AdmissionLimits = {
  connectionsPerMinutePerSource: 1e9,
  connectionBurstPerSource: 1e9,
  failedHandshakeCost: 1,
  refusedConnectionCost: 0,
  connectionsPerSecond: 1e9,
  connectionBurst: 1e9,
  maxPendingHandshakes: 1e9,
  maxPendingHandshakesPerSource: 1e9,
  maxAdmittedConnections: 1e9,
  maxConnectionsPerSource: 1e9,
  maxSources: 1e9,
};
const admission = (limits: Partial<AdmissionLimits>) => new AdmissionCore({ ...wide, ...limits });
const times = <Result>(count: number, act: (turn: number) => Result) =>
  Array.from({ length: count }, (_, i) => act(i));

describe('a source', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['pipe', 'pipe'],
    ['x'.repeat(1000), 'x'.repeat(64)],
  ])('at %s counts as %s', (address, key) => {
    expect(sourceKey(address)).toBe(key);
  });
});

describe('the admission of connections', () => {
  it('takes a burst of a source, then its rate a minute, whatever it tries meanwhile', () => {
    const core = admission({ connectionsPerMinutePerSource: 60, connectionBurstPerSource: 3 });
    const come = (now: number) => {
      const refusal = core.handleConnect(now, '192.0.2.1');
      if (!refusal) core.handleReady(now, '192.0.2.1');
      return refusal;
    };
    expect(times(5, () => come(0))).toEqual([
      ...[undefined, undefined, undefined],
      ...['source-rate', 'source-rate'],
    ]);
    expect(core.handleConnect(0, '192.0.2.2')).toBeUndefined();
    let taken = 0;
    for (let now = 1; now <= 60_000; now += 7) if (!come(now)) taken++;
    expect(taken).toBe(59);
  });

  it('takes the rate of all sources together, and no source pays for what another is refused', () => {
    const core = admission({ connectionsPerSecond: 10, connectionBurst: 4, connectionBurstPerSource: 2 });
    const come = (now: number, source: string) => {
      const refusal = core.handleConnect(now, source);
      if (!refusal) core.handleReady(now, source);
      return refusal;
    };
    const flood = times(100, (i) => come(0, `2001:db8:0:1::${i.toString(16)}`));
    expect(flood.filter((refusal) => !refusal).length).toBe(2);
    expect(times(3, (i) => come(0, `192.0.2.${i}`))).toEqual([undefined, undefined, 'total-rate']);
    expect(come(100, '192.0.2.2')).toBeUndefined();
    expect(come(100, '192.0.2.2')).toBe('total-rate');
  });

  it('charges for a handshake when it is over, and holds a place for it until then', () => {
    const core = admission({
      ...{ connectionsPerMinutePerSource: 60, connectionBurstPerSource: 4, failedHandshakeCost: 2 },
    });
    // As many as the burst are under way, whatever time that takes: the rate gives no more.
    expect(times(5, () => core.handleConnect(0, 'a')).filter((refusal) => !refusal).length).toBe(4);
    expect(core.handleConnect(60_000, 'a')).toBe('source-rate');
    // One that did well costs one, one that did not three: there is nothing left for the other two and a fifth.
    core.handleReady(60_000, 'a');
    core.handleClose(60_000, 'a', 'pending');
    expect(core.handleConnect(60_000, 'a')).toBe('source-rate');
    for (const now of [62_000, 62_999]) expect(core.handleConnect(now, 'a')).toBe('source-rate');
    expect(core.handleConnect(63_000, 'a')).toBeUndefined();
    // What was ready is not charged again.
    core.handleClose(63_000, 'a', 'ready');
    expect([core.connections, core.pendingHandshakes]).toEqual([3, 3]);
  });

  it('counts handshakes under way, of a source and in all', () => {
    const core = admission({ maxPendingHandshakes: 3, maxPendingHandshakesPerSource: 2 });
    const refusals = ['a', 'a', 'a', 'b', 'c'].map((source) => core.handleConnect(0, source));
    expect(refusals).toEqual([undefined, undefined, 'source-handshakes', undefined, 'total-handshakes']);
    core.handleReady(0, 'a');
    expect([core.handleConnect(0, 'c'), core.handleConnect(0, 'a')]).toEqual([undefined, 'total-handshakes']);
    core.handleClose(0, 'c', 'pending');
    expect([core.handleConnect(0, 'a'), core.pendingHandshakes, core.connections]).toEqual([undefined, 3, 4]);
  });

  it('counts connections, of a source and in all', () => {
    const core = admission({ maxAdmittedConnections: 3, maxConnectionsPerSource: 2 });
    const refusals = ['a', 'a', 'a', 'b', 'c'].map((source) => core.handleConnect(0, source));
    expect(refusals).toEqual([undefined, undefined, 'source-connections', undefined, 'total-connections']);
    core.handleReady(0, 'a');
    core.handleClose(0, 'a', 'ready');
    expect([core.handleConnect(0, 'a'), core.handleConnect(0, 'a')]).toEqual([
      undefined,
      'source-connections',
    ]);
  });

  it('remembers the rate of a source that has gone, and no more sources than it may', () => {
    const core = admission({ connectionsPerMinutePerSource: 1, connectionBurstPerSource: 1, maxSources: 3 });
    const visit = (source: string) => {
      const refusal = core.handleConnect(0, source);
      if (!refusal) core.handleClose(0, source, 'pending');
      return refusal;
    };
    expect(['a', 'a', 'b', 'c', 'a'].map(visit)).toEqual([
      undefined,
      'source-rate',
      undefined,
      undefined,
      'source-rate',
    ]);
    expect([core.sources, visit('d'), core.sources, visit('a')]).toEqual([3, undefined, 3, undefined]);
  });

  it('lets a source of garbage come less often', () => {
    const core = admission({
      connectionsPerMinutePerSource: 60,
      connectionBurstPerSource: 20,
      failedHandshakeCost: 10,
    });
    const taken = (source: string, phase: 'pending' | 'ready', seconds: number) =>
      times(10 * seconds, (i) => {
        const refusal = core.handleConnect(100 * i, source);
        if (refusal) return 0;
        if (phase === 'ready') core.handleReady(100 * i, source);
        core.handleClose(100 * i, source, phase);
        return 1;
      }).reduce<number>((sum, one) => sum + one, 0);
    expect(taken('honest', 'ready', 110)).toBe(20 + 109);
    expect(taken('garbage', 'pending', 110)).toBe(2 + 10);
  });

  it('never forgets a source that is connected', () => {
    const core = admission({ maxSources: 2, maxConnectionsPerSource: 1 });
    core.handleConnect(0, 'stays');
    for (const source of times(50, String)) {
      expect(core.handleConnect(0, source)).toBeUndefined();
      core.handleClose(0, source, 'pending');
    }
    expect([core.handleConnect(0, 'stays'), core.sources]).toEqual(['source-connections', 2]);
  });

  it('leaves no state behind for what it refuses', () => {
    const core = admission({ connectionsPerSecond: 1, connectionBurst: 1 });
    for (const source of times(1000, String)) core.handleConnect(0, source);
    expect([core.sources, core.connections, core.pendingHandshakes]).toEqual([1, 1, 1]);
  });

  it('gives no more places to a source that goes on knocking, and its rate as soon as it stops', () => {
    const core = admission({
      ...{ connectionsPerMinutePerSource: 60, connectionBurstPerSource: 2, refusedConnectionCost: 0.02 },
    });
    const come = (now: number) => {
      const refusal = core.handleConnect(now, '192.0.2.1');
      if (!refusal) core.handleReady(now, '192.0.2.1');
      return refusal;
    };
    const taken = (from: number, count: number, everyMs: number) =>
      times(count, (i) => come(from + i * everyMs)).filter((refusal) => !refusal).length;
    expect(taken(0, 2, 0)).toBe(2);
    // A hundred a second, for ten seconds; then ten a second.
    expect(taken(0, 1_000, 10)).toBe(0);
    expect(come(11_100)).toBeUndefined();
    expect(taken(20_000, 100, 100)).toBeGreaterThan(5);
    expect(core.handleConnect(11_100, '192.0.2.2')).toBeUndefined();
  });

  it('has the defaults', () => {
    const core = new AdmissionCore();
    const taken = (refusals: unknown[]) => refusals.filter((refusal) => refusal === undefined).length;
    const one = times(200, () => core.handleConnect(0, '192.0.2.1'));
    expect([taken(one), one.at(-1)]).toEqual([
      relayDefaults.maxPendingHandshakesPerSource,
      'source-handshakes',
    ]);
    const many = times(4000, (i) => {
      const [address, refusal] = [
        `192.0.${i >> 8}.${i & 255}`,
        core.handleConnect(0, `192.0.${i >> 8}.${i & 255}`),
      ];
      if (!refusal) core.handleReady(0, address);
      return refusal;
    });
    expect([taken(one) + taken(many), many.at(-1)]).toEqual([relayDefaults.connectionBurst, 'total-rate']);
  });

  it('keeps every bound and counts to nothing at the end, whoever comes and goes', () => {
    const limits = { maxPendingHandshakes: 6, maxPendingHandshakesPerSource: 3, maxAdmittedConnections: 9 };
    const acts = fc.array(fc.tuple(fc.constantFrom('connect', 'ready', 'close'), fc.nat({ max: 5 })), {
      maxLength: 200,
    });
    fc.assert(
      fc.property(acts, (list) => {
        const core = admission({ ...limits, maxConnectionsPerSource: 4, maxSources: 10 });
        const open: { source: string; phase: 'pending' | 'ready' }[] = [];
        const count = (phase: string) => open.filter((connection) => connection.phase === phase).length;
        const close = (at: number) => {
          const [gone] = open.splice(at, 1);
          if (gone) core.handleClose(0, gone.source, gone.phase);
        };
        for (const [act, which] of list) {
          const source = String(which);
          const connection = open[which % Math.max(1, open.length)];
          if (act === 'close') close(which % Math.max(1, open.length));
          else if (act === 'ready' && connection?.phase === 'pending') {
            connection.phase = 'ready';
            core.handleReady(0, connection.source);
          } else if (act === 'connect' && !core.handleConnect(0, source))
            open.push({ source, phase: 'pending' });
          expect([core.connections, core.pendingHandshakes]).toEqual([open.length, count('pending')]);
          expect(open.length).toBeLessThanOrEqual(9);
          expect(count('pending')).toBeLessThanOrEqual(6);
          for (const name of times(6, String))
            expect(open.filter((at) => at.source === name).length).toBeLessThanOrEqual(4);
        }
        while (open.length > 0) close(0);
        expect([core.connections, core.pendingHandshakes]).toEqual([0, 0]);
      }),
    );
  });
});
