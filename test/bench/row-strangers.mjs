import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DialPolicy, parseDialRules, Relay, RelayGuard } from '../../dist/index.js';
import { sourceProxy } from '../support/source-proxy.mjs';
import { unlimited } from './loopback-link.mjs';
import { finish, start } from './processes.mjs';
import { endpoint, settled, startRelay, stopRelays } from './relays.mjs';
import { encodeRouteTo } from './route-header.mjs';
import { spread } from './stats.mjs';
import { addressOf, loadTransport, registryWith } from './transports.mjs';

const another = '127.0.0.2';
const streamsPerSecond = 400;
/** Idle connections from one address, and how many of them are begun at once. */
const eachAddress = 100;
const atOnce = 20;
/** Of a dial, on a machine that has other things to do. */
const timeoutMs = 60_000;
/** By the last number of the address that they come from; the last two are strangers, who have a weight of 1 together. */
const weights = [undefined, 1, 2, 4, 0, 0];

/**
 * A relay and strangers, over the transports that `--transport` names: what idle connections take of memory, what a flood of
 * handshakes from one address does to another, and whose streams are opened where more come than can be.
 */
export const strangersRow = {
  name: 'strangers',
  title: 'a relay and strangers',
  async measure(context) {
    const parts = [];
    for (const scheme of context.transports)
      for (const measure of [idleConnections, handshakeFlood, weightsAtSaturation])
        parts.push(...(await measure(scheme, context)));
    return parts;
  },
};

async function idleConnections(scheme, context) {
  const count = context.smoke ? 100 : 2_000;
  const relay = await relayWith(context, scheme, {
    ...{ connectionsPerAddress: 10_000, newConnectionsPerMinute: 1_000_000 },
    ...{ idleTimeout: '10m', handshakeTimeout: '10s' },
  });
  const before = await settled(relay);
  const transport = await loadTransport(scheme);
  const connections = [];
  const proxies = [];
  // A peer may have 128, and who proves nothing is a peer by its address.
  for (let peer = 1; connections.length < count; peer++) {
    const proxy = await sourceProxy(scheme, addressOf(relay.url).port, `127.0.4.${peer}`);
    proxies.push(proxy);
    for (let turn = 0; turn < eachAddress; turn += atOnce) {
      const few = Array.from({ length: atOnce }, () => idleConnection(transport, proxy.url));
      connections.push(...(await Promise.all(few)));
    }
  }
  const grown = ((await settled(relay)) - before) / 1e6;
  const lost = connections.filter(({ reason }) => reason !== undefined);
  if (lost.length > 0)
    throw new Error(`${lost.length} of ${count} idle connections were lost: ${lost[0].reason}`);
  for (const { connection } of connections) connection.abort(new Error('done'));
  for (const proxy of proxies) await proxy.close();
  await stopRelays([relay]);
  const allowed = (120 * count) / 2_000;
  return [
    {
      ...{ part: `${scheme}: ${count} idle connections`, unit: 'MB', ours: spread([grown]) },
      ...{ peer: spread([allowed]), peerName: 'allowed', ratio: grown / allowed },
      ...(context.smoke ? {} : { goal: { atMost: 1 } }),
    },
  ];
}

/** It has said what it wants, and got nothing; it opens no other stream. */
async function idleConnection(transport, url) {
  const connection = await dial(transport, url);
  const idle = { connection, reason: undefined };
  void connection.closed.then(({ error }) => (idle.reason = error?.message ?? 'closed'));
  const refused = connection.openStream({ header: Buffer.from('no route') }).opened;
  await refused.catch(() => undefined);
  return idle;
}

function dial(transport, url) {
  const limits = { budget: unlimited() };
  return transport.dial(addressOf(url), { signal: AbortSignal.timeout(timeoutMs), timeoutMs, limits });
}

/** How long another address waits for a stream on a connection of its own, without a flood and under one. */
async function handshakeFlood(scheme, context) {
  const [each, seconds] = context.smoke ? [2, 2] : [30, 20];
  const relay = await relayWith(context, scheme, {});
  const far = await endpoint(() => undefined);
  const proxy = await sourceProxy(scheme, addressOf(relay.url).port, another);
  const transport = await loadTransport(scheme);
  const times = async () => {
    const list = [];
    for (let turn = 0; turn < each; turn++) list.push(await openOnce(transport, proxy.url, far.url));
    return list;
  };
  const calm = await times();
  const program = join(import.meta.dirname, 'handshake-flood.mjs');
  const flood = start(process.execPath, [program, relay.url, String(seconds)]);
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const flooded = await times();
  if (flood.over) throw new Error('the flood was over first');
  const { tried } = JSON.parse((await finish(flood, 'the flood')).stdout);
  await proxy.close();
  await far.close();
  await stopRelays([relay]);
  const rates = { ours: spread(flooded), peer: spread(calm) };
  return [
    {
      ...{
        part: `${scheme}: connection and stream under ${Math.round(tried / seconds)} handshakes a second`,
      },
      ...{ unit: 'ms2', ...rates, peerName: 'without', ratio: rates.ours.median / rates.peer.median },
    },
  ];
}

async function openOnce(transport, via, to) {
  const began = performance.now();
  const connection = await dial(transport, via);
  await connection.openStream({ header: encodeRouteTo(to) }).opened;
  const ms = performance.now() - began;
  connection.abort(new Error('done'));
  return ms;
}

/** Peers of weights 1, 2 and 4 and two strangers open as many streams as they can, through a relay of this process. */
async function weightsAtSaturation(scheme, { smoke }) {
  const [settlingMs, seconds] = smoke ? [500, 0.5] : [2_000, 8];
  const far = await endpoint((stream) => stream.closeWrite());
  const { port, close } = await relayWithWeights(scheme);
  const transport = await loadTransport(scheme);
  const opened = [0, 0, 0, 0, 0, 0];
  const proxies = [];
  let isOver = false;
  for (let peer = 1; peer < weights.length; peer++) {
    const proxy = await sourceProxy(scheme, port, `127.0.3.${peer}`);
    proxies.push(proxy);
    const connection = await dial(transport, proxy.url);
    const header = encodeRouteTo(far.url);
    const next = async () => {
      while (!isOver) {
        const stream = connection.openStream({ header });
        await stream.opened.then(
          () => opened[peer]++,
          () => undefined,
        );
        stream.reset(4);
      }
    };
    for (let pending = 0; pending < 60; pending++) void next();
  }
  await new Promise((resolve) => setTimeout(resolve, settlingMs));
  const before = [...opened];
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const rates = opened.map((count, peer) => (count - before[peer]) / seconds);
  isOver = true;
  await close();
  for (const proxy of proxies) await proxy.close();
  await far.close();
  const total = rates.reduce((sum, rate) => sum + rate, 0);
  const parts = [rates[1], rates[2], rates[3], rates[4] + rates[5]].map((rate) => rate / total);
  const percent = parts.map((part, at) => 100 * Math.abs(part / ([1, 2, 4, 1][at] / 8) - 1));
  return [
    {
      ...{ part: `${scheme}: streams of weights 1, 2, 4 and strangers 1, off their shares by, at` },
      ...{ unit: '%', ours: spread(percent), peer: spread([10]), peerName: 'allowed' },
      ...{ ratio: Math.max(...percent) / 10, goal: { atMost: 1 } },
    },
    {
      ...{ part: `${scheme}: of ${streamsPerSecond} streams a second there were`, unit: '%' },
      ...{ ours: spread([(100 * total) / streamsPerSecond]), peer: spread([100]), peerName: 'of them' },
      ...{ ratio: total / streamsPerSecond },
    },
  ];
}

async function relayWithWeights(scheme) {
  const policy = new DialPolicy({ rules: parseDialRules(['loopback']), loopbackOnly: true });
  const limits = { streamsPerSecond, opensPerSecond: 10_000, openBurst: 10_000 };
  const guard = new RelayGuard({ policy, limits });
  const identify = ({ remote }) => {
    const weight = weights[Number(remote.host.split('.').at(-1))] ?? 0;
    const key = weight > 0 ? Buffer.from(remote.host).toString('hex') : undefined;
    const peer = { key, name: remote.host, trust: weight > 0 ? 'trusted' : 'stranger', weight };
    return { isBegun: false, known: Promise.resolve(peer), stranger: () => peer };
  };
  const relay = new Relay({ transports: await registryWith(scheme), guard, identify });
  const transport = await loadTransport(scheme);
  const listener = await transport.listen(
    { scheme, host: '127.0.0.1', port: 0 },
    {
      limits: guard.connectionLimits,
      admit: (source) => relay.admit(source),
      onConnection: (connection, admission) => relay.handleConnection(connection, admission),
    },
  );
  return {
    port: listener.address.port,
    close: async () => {
      await listener.close();
      await relay.close();
    },
  };
}

function relayWith(context, scheme, limits) {
  const config = join(context.directory, `strangers-${scheme}.json`);
  writeFileSync(config, JSON.stringify({ limits }));
  const listen = `${scheme}://127.0.0.1:0`;
  return startRelay(context, { listen, flags: ['--config', config, '--dial', 'any'], limitMs: 300_000 });
}
