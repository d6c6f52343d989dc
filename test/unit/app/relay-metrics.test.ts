import { spawnSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { resetCode, type Stream } from 'xfer/plugin';
import { RelayMetrics } from '../../../src/app/relay-metrics.js';
import { relayObservers } from '../../../src/app/relay-observers.js';
import { healthOf, RelayWatch } from '../../../src/app/relay-status.js';
import { pattern, readAll, until } from '../../../src/compliance/pair.js';
import { refusalReasons } from '../../../src/relay/refusal-reason.js';
import { encodeWaitHeader } from '../../../src/relay/wait-header.js';
import { parseExposition } from '../../support/exposition.js';
import { RelayNet, type Endpoint, type RelayAt } from '../../support/relay-net.js';

const hasPromtool = spawnSync('promtool', ['--version']).status === 0;

let net: RelayNet;
let watch: RelayWatch;
let metrics: RelayMetrics;
let relay: RelayAt;
let endpoint: Endpoint;

beforeEach(async () => {
  net = new RelayNet();
  watch = new RelayWatch({ limits: { maxStreams: 7 } });
  metrics = new RelayMetrics(watch);
  relay = await net.relay({ observer: relayObservers(watch, metrics) });
  watch.relay = relay.relay;
  endpoint = await net.endpoint();
});
afterEach(() => net.close());

const scrape = async () => parseExposition(await metrics.text());

/** A stream over the relay to the endpoint, open on both sides. */
async function openStream(): Promise<{ near: Stream; far: Stream }> {
  const near = (await net.dial([relay], endpoint.url)).openStream();
  const count = endpoint.arrived.length;
  await until(() => endpoint.arrived.length > count);
  const far = endpoint.arrived.at(-1)!.stream;
  far.accept();
  await near.opened;
  return { near, far };
}

describe('the metrics of a relay', () => {
  it('are all there before anything has happened', async () => {
    const told = await scrape();
    expect([...told.families.keys()]).toEqual(
      expect.arrayContaining([
        'xfer_streams_active',
        'xfer_streams_opened_total',
        'xfer_streams_closed_total',
        'xfer_stream_open_latency_seconds',
        'xfer_stream_errors_total',
        'xfer_bytes_total',
        'xfer_frames_total',
        'xfer_connections',
        'xfer_handshake_latency_seconds',
        'xfer_keepalive_rtt_seconds',
        'xfer_rooms',
        'xfer_refused_total',
        'xfer_shadow_differences_total',
        'process_resident_memory_bytes',
      ]),
    );
    expect(told.series('xfer_refused_total').size).toBe(refusalReasons.length);
  });

  it('count streams, bytes and frames while they run, and keep the counts when all is over', async () => {
    const { near, far } = await openStream();
    near.send(pattern(300_000));
    near.closeWrite();
    await readAll(far);
    const during = await scrape();
    expect(during.value('xfer_streams_active')).toBe(1);
    expect(during.value('xfer_streams_opened_total')).toBe(1);
    expect(during.value('xfer_streams_closed_total')).toBe(0);
    expect(during.value('xfer_stream_open_latency_seconds_count')).toBe(1);
    expect(during.value('xfer_connections{direction="in",transport="memory"}')).toBe(1);
    expect(during.value('xfer_connections{direction="out",transport="memory"}')).toBe(1);
    for (const direction of ['received', 'sent']) {
      expect(during.value(`xfer_bytes_total{direction="${direction}"}`)).toBeGreaterThan(300_000);
      const frames = (type: string) =>
        during.value(`xfer_frames_total{direction="${direction}",type="${type}"}`);
      expect([frames('stream_open'), frames('open_ack')]).toEqual([1, 1]);
      expect(frames('stream_data')).toBeGreaterThan(1);
    }
    far.closeWrite();
    await near.closed;
    await near.connection.close();
    await until(() => watch.links.size === 0);
    const after = await scrape();
    expect([after.value('xfer_streams_active'), after.value('xfer_streams_closed_total')]).toEqual([0, 1]);
    expect(after.value('xfer_connections{direction="in",transport="memory"}')).toBe(0);
    for (const [series, value] of [
      ...during.series('xfer_bytes_total'),
      ...during.series('xfer_frames_total'),
    ])
      expect(after.value(series), series).toBeGreaterThanOrEqual(value);
    expect([...after.series('xfer_stream_errors_total').values()]).toEqual([0, 0, 0]);
  });

  it('tell apart how streams failed', async () => {
    const reset = await openStream();
    reset.near.reset(resetCode.cancelled);
    const lost = await openStream();
    lost.near.connection.abort(new Error('gone'));
    const nobody = (await net.dial([relay], 'memory://127.0.0.1:9999')).openStream();
    await expect(nobody.opened).rejects.toThrow();
    await until(() => watch.streams === 0);
    const told = await scrape();
    const errors = (type: string) => told.value(`xfer_stream_errors_total{type="${type}"}`);
    expect({ reset: errors('reset'), lost: errors('lost'), refused: errors('refused') }).toEqual({
      reset: 1,
      lost: 1,
      refused: 1,
    });
    expect([told.value('xfer_streams_opened_total'), told.value('xfer_streams_closed_total')]).toEqual([
      2, 2,
    ]);
    expect(told.value('xfer_refused_total{reason="unreachable"}')).toBe(1);
  });

  it('count rooms, round trips, and what shadow mode finds', async () => {
    const waiting = (await net.dial([relay], '')).openStream({ header: encodeWaitHeader('a-room') });
    await waiting.opened;
    metrics.onShadow(true);
    metrics.onShadow(false);
    metrics.onShadowDropped('memory');
    await until(() => [...watch.links.keys()].every((link) => link.stats().rttMs > 0));
    const told = await scrape();
    expect(told.value('xfer_rooms')).toBe(1);
    expect(told.value('xfer_keepalive_rtt_seconds_count')).toBeGreaterThan(0);
    expect(told.value('xfer_shadow_compared_total')).toBe(2);
    expect(told.value('xfer_shadow_differences_total')).toBe(1);
    expect(told.value('xfer_shadow_dropped_total{reason="memory"}')).toBe(1);
  });

  it('say what there is too much of', async () => {
    expect((await scrape()).value('xfer_streams_waiting')).toBe(0);
    watch.relay = { hops: [], load: { isForwardingFull: false, isOpeningFull: true, waitingStreams: 3 } };
    const told = await scrape();
    expect(told.value('xfer_streams_waiting')).toBe(3);
    expect(told.value('xfer_opens_saturated')).toBe(1);
    expect(told.value('xfer_forwarding_saturated')).toBe(0);
  });

  it('have no label that a peer could choose', async () => {
    await openStream();
    const labels = [...(await metrics.text()).matchAll(/^xfer_\w+\{(.+)\} /gm)].flatMap(([, all = '']) =>
      [...all.matchAll(/(\w+)="([^"]*)"/g)].map(([, label]) => label),
    );
    expect(new Set(labels)).toEqual(new Set(['le', 'type', 'direction', 'transport', 'reason']));
  });

  it.skipIf(!hasPromtool)('are what promtool takes (skipped where it is not installed)', async () => {
    await openStream();
    const { status, stderr, stdout } = spawnSync('promtool', ['check', 'metrics'], {
      input: await metrics.text(),
      encoding: 'utf8',
    });
    expect({ status, said: stdout + stderr }).toEqual({ status: 0, said: '' });
  });
});

describe('the health of a relay', () => {
  it('tells what there is, and the limits', async () => {
    await openStream();
    const { isHealthy, report } = healthOf(watch);
    expect(isHealthy).toBe(true);
    expect(report).toMatchObject({
      status: 'ok',
      streams: 1,
      maxStreams: 7,
      pendingOpens: 0,
      connections: 1,
      rooms: 0,
      limits: { maxStreamsTotal: 7, maxRooms: 10_000 },
      uptimeSeconds: 0,
    });
  });

  it('is none while it stops', () => {
    watch.isDraining = true;
    expect(healthOf(watch)).toMatchObject({ isHealthy: false, report: { status: 'draining' } });
  });

  it('have each difference that shadow mode finds', async () => {
    const faulty = await net.relay({
      observer: relayObservers(watch, metrics),
      forwarding: {
        rollout: 'shadow',
        tamper: (way, bytes) => (way === 'stored' ? bytes.map(() => 0) : bytes),
      },
    });
    const near = (await net.dial([faulty], endpoint.url)).openStream();
    await until(() => endpoint.arrived.length === 1);
    const far = endpoint.arrived[0]!.stream;
    far.accept();
    near.send(pattern(5000, 3));
    near.closeWrite();
    expect((await readAll(far)).equals(pattern(5000, 3))).toBe(true);
    far.closeWrite();
    await near.closed;
    await expect.poll(() => metrics.text()).toContain('xfer_shadow_compared_total 2');
    expect(await metrics.text()).toContain('xfer_shadow_differences_total 1');
  });
});
