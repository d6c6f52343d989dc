import { udp, type UdpOptions } from '@xfer/udp';
import { afterEach, describe, expect, it } from 'vitest';
import type { Connection, Listener } from '../../../src/transport/contract.js';
import { packetLayout } from '../../../src/native/udp-api.js';
import { udpProxy } from '../../support/udp-proxy.js';

const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

const at = (host: string, port = 0) => ({ scheme: 'udp', host, port });
const never = new AbortController().signal;

async function listening(host: string, onConnection: (connection: Connection) => void = () => undefined) {
  const listener: Listener = await (
    await udp().load()
  ).listen(at(host), {
    onConnection: (connection) => {
      endings.push(() => connection.abort(new Error('the test is over')));
      connection.onStream((stream) => stream.accept());
      onConnection(connection);
    },
  });
  endings.push(() => listener.close());
  return listener;
}

async function dialled(host: string, port: number, options: UdpOptions = {}): Promise<Connection> {
  const connection = await (await udp(options).load()).dial(at(host, port), { signal: never });
  endings.push(() => connection.abort(new Error('the test is over')));
  return connection;
}

describe('a dial', () => {
  it.each([
    ['0:0:0:0:0:0:0:1', '::1'],
    ['::0001', '::1'],
    ['::ffff:127.0.0.1', '127.0.0.1'],
    ['::ffff:7f00:1', '127.0.0.1'],
  ])('of %s finds who listens at %s', async (dial, listen) => {
    const { address } = await listening(listen);
    const connection = await dialled(dial, address.port);
    await connection.openStream().opened;
    expect(connection.remote.host).toBe(listen);
  });

  it('of a zone that does not exist fails, and leaves no socket behind', async () => {
    const sockets = () => process.getActiveResourcesInfo().filter((name) => /udp|poll/i.test(name)).length;
    const before = sockets();
    const error = await dialled('fe80::1%nosuchzone', 9).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: 'XferError' });
    await expect.poll(sockets).toBe(before);
  });

  it('that takes longer than mux waits for a hello is as good as any other', async () => {
    const { address } = await listening('127.0.0.1');
    let lost = 0;
    const proxy = await udpProxy({ port: address.port, pass: ({ bytes }) => (lost++ < 2 ? [] : [bytes]) });
    endings.push(() => proxy.close());
    const began = performance.now();
    const connection = await dialled('127.0.0.1', Number(proxy.url.split(':').at(-1)), {
      mux: { helloTimeoutMs: 400 },
    });
    expect(performance.now() - began).toBeGreaterThan(400);
    await connection.openStream().opened;
  });
});

describe('a listener that is closed while it tells of a connection', () => {
  it('leaves that connection as it is', async () => {
    const listener = await listening('127.0.0.1', () => void listener.close());
    const connection = await dialled('127.0.0.1', listener.address.port);
    await connection.openStream().opened;
    expect(connection.stats().streams).toBe(1);
  });
});

describe('the statistics of a connection', () => {
  it('tell of every packet that was lost', async () => {
    const { address } = await listening('127.0.0.1', (connection) =>
      connection.onStream((stream) => {
        stream.accept();
        stream.onData(() => undefined);
        stream.onEnd(() => stream.closeWrite());
      }),
    );
    let data = 0;
    let dropped = 0;
    const proxy = await udpProxy({
      port: address.port,
      pass: ({ bytes, toListener }) => {
        if (!toListener || bytes[0] !== packetLayout.data || ++data % 10 !== 0) return [bytes];
        dropped++;
        return [];
      },
    });
    endings.push(() => proxy.close());
    const connection = await dialled('127.0.0.1', Number(proxy.url.split(':').at(-1)));
    const stream = connection.openStream();
    const ended = new Promise<void>((resolve) => stream.onEnd(resolve));
    stream.onData(() => undefined);
    stream.send(new Uint8Array(2 * 1024 * 1024));
    stream.closeWrite();
    await ended;
    expect(dropped).toBeGreaterThan(0);
    expect(connection.stats().lost).toBeGreaterThanOrEqual(dropped);
    expect(connection.stats().lost).toBeLessThan(proxy.datagrams);
  });
});
