import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { udpDefaults, type Connection, type Transport } from 'xfer/plugin';
import { tcp } from '../../plugins/mux/src/index.js';
import { DialerHello } from '../../plugins/udp/src/hello/dialer-hello.js';
import { nodeHelloCrypto } from '../../plugins/udp/src/hello/node-hello-crypto.js';
import { quic } from '../../plugins/quic/src/index.js';
import { udp } from '../../plugins/udp/src/index.js';
import { until } from '../../src/compliance/pair.js';
import { udpApi } from '../../src/plugin.js';
import { parseUrl } from '../../src/transport/address.js';
import { parseExposition } from '../support/exposition.js';
import { startReceiver } from '../support/receiver.js';
import { runXfer, temporaryDirectory } from '../support/run-xfer.js';
import { sourceProxy } from '../support/source-proxy.mjs';
import { startRelay, type RunningRelay } from '../support/start-relay.js';

const transports = [
  ['tcp', tcp],
  ['udp', udp],
  ['quic', quic],
] as const;
const another = '127.0.0.2';
const content = randomBytes(4 * 1024 * 1024 + 3);
const endings: (() => unknown)[] = [];
let work: string;
let file: string;

beforeEach(async () => {
  work = await temporaryDirectory();
  file = join(work, 'file');
  await writeFile(file, content);
});
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

interface Started extends RunningRelay {
  readonly port: number;
  refused(reason: string): Promise<number>;
}

async function start(scheme: string, limits: object = {}): Promise<Started> {
  const config = join(work, 'relay.json');
  await writeFile(config, JSON.stringify({ limits }));
  const relay = await startRelay({
    listen: `${scheme}://127.0.0.1:0`,
    flags: ['--config', config, '--metrics', '0'],
  });
  const { metrics = '' } = await relay.run.event('listening');
  const refused = async (reason: string) =>
    parseExposition(await (await fetch(metrics)).text()).value(`xfer_refused_total{reason="${reason}"}`);
  return { ...relay, refused, port: parseUrl(relay.url).port };
}

/** A whole transfer through the relay, which sees it come from the other address. */
async function expectTransfer(scheme: string, { port }: Started): Promise<void> {
  const proxy = await sourceProxy(scheme, port, another);
  endings.push(() => proxy.close());
  const out = join(work, 'out');
  const { recv, address, code } = await startReceiver(out);
  const send = await runXfer(['send', file, address, '--json', '--via', proxy.url], {
    env: { XFER_CODE: code },
  });
  const [sent, received] = await Promise.all([send.ended, recv.ended]);
  expect([sent.status, received.status], sent.stdout + received.stdout).toEqual([0, 0]);
  expect((await readFile(join(out, 'file'))).equals(content)).toBe(true);
}

/** Undefined: it was sent away, or told nothing. */
async function dial(transport: Transport, url: string): Promise<Connection | undefined> {
  const signal = AbortSignal.timeout(5_000);
  return transport.dial(parseUrl(url), { signal }).catch(() => undefined);
}

describe.each(transports)('a relay on %s', (scheme, plugin) => {
  it('serves another address while one floods it with connections that come to nothing', async () => {
    const relay = await start(scheme);
    const transport = await plugin().load();
    let isOver = false;
    const flood = Array.from({ length: 8 }, async () => {
      while (!isOver) (await dial(transport, relay.url))?.abort(new Error('garbage'));
    });
    try {
      while ((await relay.refused('source-rate')) < 50) await new Promise(setImmediate);
      await expectTransfer(scheme, relay);
      expect(await relay.refused('total-rate')).toBe(0);
    } finally {
      isOver = true;
      await Promise.all(flood);
    }
  });

  it('serves another address while one keeps all the connections that it may have', async () => {
    const relay = await start(scheme, { connectionsPerAddress: 4, idleTimeout: '60s' });
    const transport = await plugin().load();
    const held: Connection[] = [];
    endings.push(() => held.forEach((connection) => connection.abort(new Error('the test is over'))));
    for (let turn = 0; turn < 4; turn++) {
      const connection = await dial(transport, relay.url);
      if (!connection) throw new Error('there was room');
      held.push(connection);
      // Refused, and the connection is one whose handshake is over.
      await connection.openStream({ header: Buffer.from('no route') }).opened.catch(() => undefined);
    }
    const late = await dial(transport, relay.url);
    await late?.closed;
    expect(await relay.refused('source-connections')).toBeGreaterThan(0);
    await expectTransfer(scheme, relay);
    let closed = 0;
    for (const connection of held) void connection.closed.then(() => closed++);
    await new Promise(setImmediate);
    expect(closed).toBe(0);
  });

  it('closes a connection that does not say in time what it wants', async () => {
    const relay = await start(scheme, { handshakeTimeout: '100ms' });
    const silent = await dial(await plugin().load(), relay.url);
    expect(silent).toBeDefined();
    await silent?.closed;
    expect(await relay.refused('handshake')).toBe(1);
  });
});

describe('a relay on udp', () => {
  it('charges nothing to an address that somebody forges', async () => {
    const relay = await start('udp', { newConnectionsPerMinute: 1 });
    const { sipHash } = await udpApi();
    const forger = createSocket('udp4');
    endings.push(() => forger.close());
    // What comes back goes to whoever has the address, who does not know what it is about.
    let answers = 0;
    forger.on('message', () => answers++);
    forger.bind(0, another);
    await once(forger, 'listening');
    for (let turn = 0; turn < 500; turn++) {
      const hello = new DialerHello({
        config: udpDefaults,
        crypto: nodeHelloCrypto(sipHash),
        parameters: { maxDatagramBytes: 1472, receiveBufferBytes: 1 << 20, creditBytes: 1 << 20 },
        pullControl: () => undefined,
      });
      const bytes = hello.poll(turn);
      if (!bytes) throw new Error('a dialer begins with a hello');
      forger.send(bytes, relay.port, '127.0.0.1');
      if (turn % 20 === 0) await new Promise(setImmediate);
    }
    await until(() => answers > 100);
    expect(await relay.refused('source-rate')).toBe(0);
    await expectTransfer('udp', relay);
  });
});
