import { describe, expect, it } from 'vitest';
import { Pacer } from '../../../../plugins/udp/src/core/pacer.js';
import { PathMtu } from '../../../../plugins/udp/src/core/path-mtu.js';
import { RttEstimator } from '../../../../plugins/udp/src/core/rtt-estimator.js';
import { SteadyClock } from '../../../../plugins/udp/src/core/steady-clock.js';

describe('round trips', () => {
  const estimator = (): RttEstimator => new RttEstimator(0, { initialMs: 333, maxAckDelayMs: 5 });

  it('are smoothed by RFC 6298', () => {
    const rtt = estimator();
    expect(rtt.probeTimeoutMs).toBe(333 + 4 * 166.5 + 5);
    rtt.handleSample(0, 100, 0);
    expect([rtt.smoothedMs, rtt.probeTimeoutMs]).toEqual([100, 100 + 4 * 50 + 5]);
    rtt.handleSample(1, 180, 0);
    expect(rtt.smoothedMs).toBe(110);
    // The variation: 3/4 × 50 + 1/4 × 80.
    expect(rtt.probeTimeoutMs).toBe(110 + 4 * 57.5 + 5);
  });

  it('are those of the path: the delay at the receiver is taken off, what is believed of it', () => {
    const rtt = estimator();
    expect(rtt.handleSample(0, 100, 4)).toBe(96);
    expect(rtt.handleSample(0, 100, 60_000)).toBe(90);
    expect(rtt.handleSample(0, 3, 4)).toBe(3);
  });

  it('have a least one of the last ten seconds', () => {
    const rtt = estimator();
    rtt.handleSample(0, 20, 0);
    for (let now = 0; now <= 9_900; now += 100) rtt.handleSample(now, 50, 0);
    expect(rtt.minMs).toBe(20);
    for (let now = 10_000; now <= 15_000; now += 100) rtt.handleSample(now, 50, 0);
    expect(rtt.minMs).toBe(50);
  });
});

describe('the steady clock', () => {
  it('goes as the caller’s does, and stands still while that jumps', () => {
    const clock = new SteadyClock(100);
    expect([clock.advance(150), clock.advance(100_000), clock.advance(100_010)]).toEqual([150, 150, 160]);
    expect([clock.advance(5), clock.advance(4_005)]).toEqual([160, 4_160]);
    expect(clock.toCaller(4_170)).toBe(4_015);
  });
});

describe('the pacer', () => {
  it('keeps its rate with runs that are a millisecond’s', () => {
    const pacer = new Pacer(1_000_000, 1472);
    pacer.setRate(10_000_000, 0);
    expect(pacer.runPackets).toBe(6);
    let [now, sent] = [0, 0];
    while (now < 1000) {
      const waitMs = pacer.waitMs(now);
      now += waitMs;
      if (waitMs > 0) continue;
      pacer.reserve(6 * 1472, now);
      sent += 6 * 1472;
    }
    expect(sent / 10_000_000).toBeGreaterThan(0.99);
    expect(sent / 10_000_000).toBeLessThan(1.01);
  });

  it('makes up for a timer that rings late, not for time in which there was nothing to send', () => {
    const pacer = new Pacer(1_000_000, 1472);
    pacer.setRate(10_000_000, 0);
    const spend = (now: number) => {
      let bytes = 0;
      for (; pacer.waitMs(now) === 0; bytes += 1472) pacer.reserve(1472, now);
      return bytes;
    };
    spend(0);
    const late = spend(4);
    expect(late).toBeGreaterThan(0.95 * 40_000);
    const veryLate = spend(104);
    expect(veryLate).toBeLessThan(50_000 + 1472);
    pacer.handleIdle();
    expect(spend(204)).toBeLessThan(20_000 + 1472);
  });

  it('has two datagrams at least, and none is too large for it', () => {
    const pacer = new Pacer(1_000_000, 1472);
    pacer.setRate(1000, 0);
    expect([pacer.runPackets, pacer.waitMs(0)]).toEqual([2, 0]);
    pacer.setDatagramBytes(65_507);
    expect(pacer.runPackets).toBe(2);
    pacer.setRate(1e9, 0);
    expect(pacer.runPackets).toBe(7);
  });

  it('without a rate never waits, and its runs are of eight messages', () => {
    const pacer = new Pacer(8_000_000, 1472);
    pacer.reserve(1e9, 0);
    expect([pacer.waitMs(0), pacer.runPackets]).toEqual([0, 352]);
  });
});

describe('the search for the largest datagram', () => {
  const search = (pathBytes: number, maxBytes = 65_507) => {
    const mtu = new PathMtu({ now: 0, baseBytes: 1232, maxBytes, intervalMs: 100, againMs: 600_000 });
    const tried: number[] = [];
    for (let now = 0; now < 60_000; now = Math.max(now + 1, Math.ceil(mtu.at))) {
      const size = mtu.poll(now, Infinity);
      if (size === undefined) continue;
      tried.push(size);
      if (size <= pathBytes) mtu.handleProbeAcked(now, size);
      else mtu.handleProbeLost(now, size);
    }
    return { mtu, tried };
  };

  it.each([
    [1232, 1232],
    [1400, 1400],
    [1472, 1472],
    [1500, 1500],
    [4352, 4352],
    [8952, 8952],
    [65_507, 65_507],
  ])('on a path of %d bytes ends near it', (pathBytes) => {
    const { mtu, tried } = search(pathBytes);
    expect(mtu.datagramBytes).toBeLessThanOrEqual(pathBytes);
    expect(pathBytes - mtu.datagramBytes).toBeLessThanOrEqual(Math.max(16, mtu.datagramBytes / 32));
    expect(tried.length).toBeLessThan(45);
    for (const size of tried) expect(tried.filter((one) => one === size).length).toBeLessThanOrEqual(3);
  });

  it('asks for no more than the other side takes, which is a size of its own', () => {
    const { mtu, tried } = search(65_507, 5000);
    expect([mtu.datagramBytes, Math.max(...tried)]).toEqual([5000, 5000]);
  });

  it('begins with the usual size, then the largest that can be afforded', () => {
    const mtu = new PathMtu({ now: 0, baseBytes: 1232, maxBytes: 65_507, intervalMs: 100, againMs: 1000 });
    expect([mtu.poll(0, 2464), mtu.poll(0, 2464), mtu.at]).toEqual([1472, undefined, Infinity]);
    expect(mtu.handleProbeAcked(5, 1472)).toBe(true);
    // Nothing that can be afforded: asked again after the interval, if there is something else to send.
    expect([mtu.poll(5, 2944), mtu.at]).toEqual([undefined, Infinity]);
    expect([mtu.isReady(104), mtu.isReady(105)]).toEqual([false, true]);
    expect(mtu.poll(105, 10_000)).toBe(8952);
  });

  it('takes losses of large datagrams for a black hole only where small ones arrive', () => {
    const { mtu } = search(8952);
    for (let event = 0; event < 5; event++) expect(mtu.handleLost(1, 8952)).toBe(false);
    mtu.handleArrived(8952);
    mtu.handleArrived(100);
    for (let event = 0; event < 5; event++) expect(mtu.handleLost(1, 8952)).toBe(false);
    mtu.handleArrived(100);
    expect([mtu.handleLost(1, 8952), mtu.datagramBytes]).toEqual([true, 1232]);
  });
});
