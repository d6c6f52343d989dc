import { tcp } from '@xfer/mux';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Connection, ListenOptions, Listener } from 'xfer/plugin';
import { adoptSocket } from '../../../plugins/mux/src/adopt-socket.js';
import { connectAny } from '../../../plugins/mux/src/connect-any.js';
import { DialLimit } from '../../../src/transport/dial-limit.js';
import type { DialTarget } from '../../../src/transport/dial-targets.js';
import transports from '../../../plugins/mux/src/hook.js';

const loopback = { scheme: 'tcp', host: '127.0.0.1', port: 0 };
const never = new AbortController().signal;
const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

async function listen(
  options: Partial<ListenOptions> = {},
): Promise<{ listener: Listener; taken: Connection[] }> {
  const taken: Connection[] = [];
  const transport = await tcp().load();
  const listener = await transport.listen(loopback, { onConnection: (c) => void taken.push(c), ...options });
  endings.push(
    () => listener.close(),
    () => taken.forEach((c) => c.abort(new Error('over'))),
  );
  return { listener, taken };
}

async function dial(port: number): Promise<Connection> {
  const connection = await (await tcp().load()).dial({ ...loopback, port }, { signal: never });
  endings.push(() => connection.abort(new Error('over')));
  return connection;
}

function serve(host: string, onSocket: (socket: Socket) => void, pauseOnConnect = false): Promise<Server> {
  const server = createServer({ pauseOnConnect, allowHalfOpen: true }, onSocket);
  endings.push(() => server.close());
  return new Promise((resolve) => server.listen({ host, port: 0 }, () => resolve(server)));
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

describe('adoptSocket', () => {
  it('loses nothing of what the client sent at once, and sees its end', async () => {
    const content = Buffer.alloc(3_000_000, 'abcdefg');
    const got: Buffer[] = [];
    let ended: () => void = () => undefined;
    const end = new Promise<void>((resolve) => (ended = resolve));
    const server = await serve(
      '127.0.0.1',
      (accepted) => {
        const socket = adoptSocket(accepted, (bytes) => got.push(Buffer.from(bytes)));
        socket.on('end', () => {
          socket.end('bye');
          ended();
        });
      },
      true,
    );
    const client = connect({ port: portOf(server), host: '127.0.0.1' });
    client.end(content);
    const answer: Buffer[] = [];
    client.on('data', (bytes) => answer.push(bytes));
    await end;
    await new Promise((resolve) => client.once('close', resolve));
    expect(Buffer.concat(got).equals(content)).toBe(true);
    expect(Buffer.concat(answer).toString()).toBe('bye');
  });

  it('reads into one buffer, again and again', async () => {
    const buffers = new Set<ArrayBufferLike>();
    const server = await serve(
      '127.0.0.1',
      (accepted) => {
        adoptSocket(accepted, (bytes) => buffers.add(bytes.buffer)).on('end', () => server.emit('done'));
      },
      true,
    );
    const done = new Promise((resolve) => server.once('done', resolve));
    connect({ port: portOf(server), host: '127.0.0.1' }).end(Buffer.alloc(2_000_000));
    await done;
    expect(buffers.size).toBe(1);
  });
});

describe('adoptSocket with a place to read into', () => {
  it('reads there, at most as much as fits or is wanted, and into its own buffer where there is none', async () => {
    const mine = Buffer.alloc(1000);
    const turns = [mine.subarray(10, 500), { bytes: 7 }, undefined];
    const got: { at: number | undefined; bytes: Buffer }[] = [];
    const server = await serve(
      '127.0.0.1',
      (accepted) => {
        const onBytes = (bytes: Uint8Array) =>
          got.push({
            at: bytes.buffer === mine.buffer ? bytes.byteOffset - mine.byteOffset : undefined,
            bytes: Buffer.from(bytes),
          });
        adoptSocket(accepted, onBytes, () => turns[got.length % 3]).on('end', () => server.emit('done'));
      },
      true,
    );
    const done = new Promise((resolve) => server.once('done', resolve));
    const content = Buffer.from(Uint8Array.from({ length: 500_000 }, (_, i) => i % 251));
    connect({ port: portOf(server), host: '127.0.0.1' }).end(content);
    await done;
    expect(Buffer.concat(got.map(({ bytes }) => bytes)).equals(content)).toBe(true);
    for (const [turn, { at, bytes }] of got.entries()) {
      expect(at).toBe(turn % 3 === 0 ? 10 : undefined);
      expect(bytes.length).toBeLessThanOrEqual([490, 7, 256 * 1024][turn % 3] ?? 0);
    }
  });
});

describe('tcp listener', () => {
  it('is what the hook of the plugin offers', async () => {
    const offered = await transports();
    expect(offered.map(({ apiVersion, name, schemes }) => [apiVersion, name, schemes])).toEqual([
      [1, 'tcp', ['tcp']],
      [1, 'ws', ['ws', 'wss']],
    ]);
    expect(await (await tcp().load()).probe()).toMatchObject({ ok: true });
  });

  it('closes connections past maxConnections before any work, and takes new ones when others have gone', async () => {
    const { listener, taken } = await listen({ maxConnections: 1 });
    const first = await dial(listener.address.port);
    const second = await dial(listener.address.port);
    expect((await second.closed).clean).toBe(false);
    expect(taken.length).toBe(1);
    await first.close();
    await taken[0]?.closed;
    const third = await dial(listener.address.port);
    await third.close();
    expect(taken.length).toBe(2);
  });

  it('closes connections past maxConnectionsPerAddress, other addresses not', async () => {
    const { listener, taken } = await listen({ maxConnectionsPerAddress: 1 });
    await dial(listener.address.port);
    const second = await dial(listener.address.port);
    expect((await second.closed).clean).toBe(false);
    const other = connect({ host: '127.0.0.1', port: listener.address.port, localAddress: '127.0.0.2' });
    other.on('error', () => undefined);
    endings.push(() => other.destroy());
    await new Promise((resolve) => other.once('data', resolve).write(Buffer.from(helloHex, 'hex')));
    expect(taken.map((connection) => connection.remote.host)).toEqual(['127.0.0.1', '127.0.0.2']);
  });

  it('refuses an address in use, and frees it when closed, connections going on', async () => {
    const { listener, taken } = await listen();
    const transport = await tcp().load();
    const again = transport.listen(listener.address, { onConnection: () => undefined });
    await expect(again).rejects.toMatchObject({ code: 'ERR_XFER_ADDRESS_IN_USE' });
    const connection = await dial(listener.address.port);
    const stream = connection.openStream();
    await expect(stream.opened).rejects.toMatchObject({ openCode: 2 });
    await listener.close();
    await expect(dial(listener.address.port)).rejects.toMatchObject({ code: 'ERR_XFER_CONNECTION_REFUSED' });
    taken[0]?.onStream((incoming) => incoming.accept());
    await connection.openStream().opened;
  });

  it('drops a client that speaks something else', async () => {
    const { listener, taken } = await listen();
    const client = connect({ host: '127.0.0.1', port: listener.address.port });
    client.on('error', () => undefined);
    client.write('POST / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await new Promise((resolve) => client.once('close', resolve));
    expect(await taken[0]?.closed).toMatchObject({ error: { code: 'ERR_XFER_PROTOCOL' } });
  });

  it('drops a client that says nothing, or too little, in time, and reports only who spoke', async () => {
    const transport = await tcp({ mux: { helloTimeoutMs: 50 } }).load();
    const taken: Connection[] = [];
    const over: number[] = [];
    const listener = await transport.listen(loopback, {
      onConnection: (connection) => taken.push(connection),
      maxConnections: 1,
      admit: () => {
        const at = over.push(0) - 1;
        return { over: () => (over[at] = (over[at] ?? 0) + 1) };
      },
    });
    endings.push(() => listener.close());
    for (const said of ['', '\x20', 'G']) {
      const client = connect({ host: '127.0.0.1', port: listener.address.port });
      client.on('error', () => undefined).resume();
      client.write(said);
      await new Promise((resolve) => client.once('close', resolve));
    }
    expect(taken).toHaveLength(1);
    expect(await taken[0]?.closed).toMatchObject({ error: { code: 'ERR_XFER_TIMEOUT' } });
    expect(over).toEqual([1, 1, 1]);
  });

  it('puts a hello together that comes byte by byte', async () => {
    const { listener } = await listen();
    const client = connect({ host: '127.0.0.1', port: listener.address.port, noDelay: true });
    endings.push(() => client.destroy());
    const answer = new Promise<Buffer>((resolve) => client.once('data', resolve));
    for (const byte of Buffer.from(helloHex, 'hex')) {
      client.write(Buffer.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect((await answer)[0]).toBe(0x21);
  });

  it('drops who has not spoken when it closes', async () => {
    const { listener } = await listen();
    const client = connect({ host: '127.0.0.1', port: listener.address.port });
    client.on('error', () => undefined).resume();
    const ended = new Promise((resolve) => client.once('close', resolve));
    // Whoever comes later is accepted later: then this one is there.
    const spoken = await dial(listener.address.port);
    await spoken.openStream().opened.catch(() => undefined);
    await listener.close();
    await ended;
  });

  it('reports a client that resets as a lost connection', async () => {
    const { listener, taken } = await listen();
    const client = connect({ host: '127.0.0.1', port: listener.address.port });
    await new Promise((resolve) => client.once('data', resolve).write(Buffer.from(helloHex, 'hex')));
    client.resetAndDestroy();
    expect(await taken[0]?.closed).toMatchObject({
      by: 'remote',
      error: { code: 'ERR_XFER_CONNECTION_LOST' },
    });
  });
});

describe('connectAny', () => {
  const to = { scheme: 'tcp', host: 'some.name', port: 0 };
  const within = (timeoutMs: number, signal = never) => new DialLimit({ signal, timeoutMs }, 'some.name:0');
  const v4 = (address: string): DialTarget => ({ address, family: 4 });

  it('goes on to the next address when one refuses', async () => {
    const server = await serve('127.0.0.1', (socket) => socket.resume());
    const found = [v4('127.0.0.9'), { address: '::1', family: 6 }, v4('127.0.0.1')];
    const socket = await connectAny({ ...to, port: portOf(server) }, within(5_000), {
      resolve: () => Promise.resolve(found),
    });
    endings.push(() => socket.destroy());
    expect(socket.remoteAddress).toBe('127.0.0.1');
  });

  it('fails with the first error when all refuse', async () => {
    const found = [v4('127.0.0.9'), v4('127.0.0.8')];
    const dialled = connectAny({ ...to, port: 1 }, within(5_000), {
      resolve: () => Promise.resolve(found),
    });
    await expect(dialled).rejects.toMatchObject({ code: 'ERR_XFER_CONNECTION_REFUSED' });
  });

  it('says that a host is unknown', async () => {
    const unknown = Object.assign(new Error('no'), { code: 'ENOTFOUND' });
    const dialled = connectAny(to, within(5_000), { resolve: () => Promise.reject(unknown) });
    await expect(dialled).rejects.toMatchObject({ code: 'ERR_XFER_UNKNOWN_HOST' });
    const none = connectAny(to, within(5_000), { resolve: () => Promise.resolve([]) });
    await expect(none).rejects.toMatchObject({ code: 'ERR_XFER_UNKNOWN_HOST' });
  });

  it('connects only to addresses that were resolved before, and resolves nothing', async () => {
    const server = await serve('127.0.0.1', (socket) => socket.resume());
    const resolve = () => Promise.reject(new Error('resolved'));
    const port = portOf(server);
    for (const host of ['some.name', '127.0.0.9', 'localhost']) {
      const socket = await connectAny({ ...to, host, port }, within(5_000), {
        resolved: ['127.0.0.1'],
        resolve,
      });
      endings.push(() => socket.destroy());
      expect(socket.remoteAddress).toBe('127.0.0.1');
    }
    const refusals = { ERR_XFER_UNKNOWN_HOST: [], ERR_XFER_USAGE: ['localhost'] };
    for (const [code, resolved] of Object.entries(refusals)) {
      const dialled = connectAny({ ...to, host: '127.0.0.1', port }, within(5_000), { resolved, resolve });
      await expect(dialled).rejects.toMatchObject({ code });
    }
  });

  it('gives up in time, and at once when aborted', async () => {
    const resolve = () => new Promise<DialTarget[]>(() => undefined);
    await expect(connectAny(to, within(20), { resolve })).rejects.toMatchObject({ code: 'ERR_XFER_TIMEOUT' });
    const controller = new AbortController();
    const dialled = connectAny(to, within(60_000, controller.signal), { resolve });
    const reason = new Error('no longer');
    controller.abort(reason);
    await expect(dialled).rejects.toBe(reason);
  });
});

/** LINK_HELLO of fixtures/wire/mux-v1.json. */
const helloHex = '200000000018' + '0000000000000000' + '5846455200010001000003e8000000640004000000040000';
