import { quic, type QuicOptions } from '@xfer/quic';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import {
  quicDefaults,
  udpApi,
  type Address,
  type Connection,
  type Listener,
  type ListenOptions,
  type Stream,
} from 'xfer/plugin';
import { until } from '../../../src/compliance/pair.js';

const MiB = 2 ** 20;
const at: Address = { scheme: 'quic', host: '127.0.0.1', port: 0 };
const endings: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

const signal = () => new AbortController().signal;

/** A listener that answers each stream with what it gets, and all connections that it was given. */
async function listening(options: Partial<ListenOptions> = {}, address = at, quicOptions: QuicOptions = {}) {
  const transport = await quic(quicOptions).load();
  const connections: Connection[] = [];
  const listener: Listener = await transport.listen(address, {
    onConnection(connection) {
      connections.push(connection);
      connection.onStream((stream) => {
        stream.accept();
        stream.onData((bytes) => void stream.send(Buffer.from(bytes)));
        stream.onEnd(() => stream.closeWrite());
      });
    },
    ...options,
  });
  endings.push(async () => {
    for (const connection of connections) connection.abort(new Error('the test is over'));
    await listener.close();
  });
  const dial = async (host = '127.0.0.1') =>
    transport.dial({ scheme: 'quic', host, port: listener.address.port }, { signal: signal() });
  return { transport, listener, connections, dial };
}

function all(stream: Stream): Promise<Buffer> {
  const pieces: Buffer[] = [];
  return new Promise((resolve, reject) => {
    stream.onEnd(() => resolve(Buffer.concat(pieces)));
    stream.onReset((code) => reject(new Error(`reset ${code}`)));
    stream.onData((bytes) => pieces.push(Buffer.from(bytes)));
  });
}

async function echoed(connection: Connection, content: Buffer): Promise<boolean> {
  const stream = connection.openStream();
  const answer = all(stream);
  stream.send(content);
  stream.closeWrite();
  return (await answer).equals(content);
}

describe('a listener', () => {
  it.each(['127.0.0.1', '::'])('on %s has buffers as large as a socket of ours', async (host) => {
    const { listener } = await listening({}, { ...at, host });
    const udp = await udpApi();
    const own = await udp.batchSocket({ host, port: 0, socketBufferBytes: quicDefaults.listenerBufferBytes });
    endings.push(() => own.close());
    const has = udp.widenBuffers(listener.address.port, 0);
    // Without the addon there is nobody who could tell.
    if (udp.kind !== 'native') return expect(has).toBeUndefined();
    expect(has?.receiveBufferBytes).toBeGreaterThanOrEqual(own.features.receiveBufferBytes);
    expect(has?.sendBufferBytes).toBeGreaterThanOrEqual(own.features.sendBufferBytes);
  });

  it('that is closed leaves connections as they are, takes no new one, and frees its port behind the last', async () => {
    const { transport, listener, dial } = await listening();
    const connection = await dial();
    expect(await echoed(connection, Buffer.alloc(1000, 1))).toBe(true);
    await listener.close();
    expect(await echoed(connection, Buffer.alloc(2 * MiB, 2))).toBe(true);
    const late = await dial();
    expect((await late.closed).clean).toBe(false);
    await expect(transport.listen(listener.address, { onConnection: () => undefined })).rejects.toMatchObject(
      {
        code: 'ERR_XFER_ADDRESS_IN_USE',
      },
    );
    await connection.close();
    // Closing takes quinn a moment.
    let again: Listener | undefined;
    while (!again) {
      await new Promise((resolve) => setImmediate(resolve));
      again = await transport
        .listen(listener.address, { onConnection: () => undefined })
        .catch(() => undefined);
    }
    expect(again.address).toEqual(listener.address);
    await again.close();
  });

  it('on every address takes IPv4 and IPv6 on one port', async () => {
    const { connections, dial } = await listening({}, { ...at, host: '::' });
    for (const host of ['127.0.0.1', '::1']) {
      const connection = await dial(host);
      expect(await echoed(connection, Buffer.alloc(100, 3))).toBe(true);
      await connection.close();
    }
    expect(connections.map(({ remote }) => remote.host)).toEqual(['127.0.0.1', '::1']);
  });

  it('sends away whoever is one too many, and gives the place to the next when one is gone', async () => {
    const { connections, dial } = await listening({ maxConnections: 1 });
    const first = await dial();
    expect(await echoed(first, Buffer.alloc(10, 1))).toBe(true);
    const second = await dial();
    expect(await second.closed).toMatchObject({ clean: false, error: { code: 'ERR_XFER_CONNECTION_LOST' } });
    await first.close();
    await connections[0]?.closed;
    const third = await dial();
    expect(await echoed(third, Buffer.alloc(10, 1))).toBe(true);
    expect(connections).toHaveLength(2);
  });

  it('asks its user by the address, and tells when it is over', async () => {
    const asked: string[] = [];
    let over = 0;
    const { dial } = await listening({
      admit: (source) => {
        asked.push(source);
        return {
          over: () => {
            over++;
          },
        };
      },
    });
    const connection = await dial();
    expect(await echoed(connection, Buffer.alloc(10, 1))).toBe(true);
    expect([asked, over]).toEqual([['127.0.0.1'], 0]);
    await connection.close();
    while (over === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(over).toBe(1);
  });

  it('goes on when its user fails with a connection, which is over then', async () => {
    const warned = new Promise<Error>((resolve) => process.once('warning', resolve));
    const taken: Connection[] = [];
    let isFailing = true;
    const { dial } = await listening({
      onConnection(connection) {
        if (isFailing) throw new Error('no memory for it');
        taken.push(connection);
      },
    });
    const first = await dial();
    expect((await first.closed).clean).toBe(false);
    expect(await warned).toMatchObject({ message: 'no memory for it' });
    isFailing = false;
    const second = await dial();
    await expect.poll(() => taken.length).toBe(1);
    for (const connection of [second, ...taken]) connection.abort(new Error('the test is over'));
  });

  it('refuses another congestion control, and so does who dials', async () => {
    const transport = await quic().load();
    const tuning = { congestion: 'bbr' };
    const usage = { code: 'ERR_XFER_USAGE' };
    await expect(transport.listen(at, { tuning, onConnection: () => undefined })).rejects.toMatchObject(
      usage,
    );
    await expect(transport.dial({ ...at, port: 9 }, { tuning, signal: signal() })).rejects.toMatchObject(
      usage,
    );
  });
});

describe('more streams than QUIC has for content', () => {
  it('share one, and all of them arrive', async () => {
    const options = { quic: { maxContentStreams: 2 } };
    const { dial } = await listening({}, at, options);
    const connection = await dial();
    const contents = Array.from({ length: 12 }, (_, i) => Buffer.alloc(300_000 + i, i));
    expect(await Promise.all(contents.map((content) => echoed(connection, content)))).toEqual(
      contents.map(() => true),
    );
    // One of them is reset in the middle: nothing of the others is.
    const reset = connection.openStream();
    const others = contents.map((content) => echoed(connection, content));
    reset.send(Buffer.alloc(MiB, 9));
    await new Promise((resolve) => setImmediate(resolve));
    reset.reset(4);
    expect(await Promise.all(others)).toEqual(contents.map(() => true));
  });
});

describe('a dial', () => {
  it('where nothing answers ends with its time limit, or when it is given up', async () => {
    const silent = createSocket('udp4');
    silent.bind(0, '127.0.0.1');
    await once(silent, 'listening');
    endings.push(() => silent.close());
    const to = { ...at, port: silent.address().port };
    const transport = await quic().load();
    await expect(transport.dial(to, { signal: signal(), timeoutMs: 200 })).rejects.toMatchObject({
      code: 'ERR_XFER_TIMEOUT',
    });
    const controller = new AbortController();
    const dial = transport.dial(to, { signal: controller.signal });
    const reason = new Error('enough');
    controller.abort(reason);
    await expect(dial).rejects.toBe(reason);
  });

  it('goes on beside one that is given up', async () => {
    const { transport, connections, dial } = await listening();
    const first = await dial();
    await expect(
      transport.dial({ ...at, host: '192.0.2.1', port: 9 }, { signal: AbortSignal.timeout(50) }),
    ).rejects.toBeInstanceOf(Error);
    expect(await echoed(first, Buffer.alloc(100_000, 1))).toBe(true);
    expect(connections).toHaveLength(1);
  });
});

describe('statistics', () => {
  it('say what quinn counts, and round trips of less than a millisecond', async () => {
    const { dial } = await listening();
    const connection = await dial();
    expect(await echoed(connection, Buffer.alloc(3 * MiB, 1))).toBe(true);
    // They are looked at now and then.
    await until(() => (connection.stats().datagramsReceived ?? 0) > (3 * MiB) / 1500);
    const stats = connection.stats();
    expect(stats.datagramsSent).toBeGreaterThan((3 * MiB) / 1500);
    expect(stats.cwndBytes).toBeGreaterThan(1200);
    expect(stats.congestionEvents).toBeGreaterThanOrEqual(0);
    expect(stats.minRttMs).toBeGreaterThan(0);
    expect(connection.capabilities).toMatchObject({ streams: 'native', encrypted: true });
  });
});
