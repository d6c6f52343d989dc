import { tcp, ws } from '@xfer/mux';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Connection, DialOptions, Transport } from 'xfer/plugin';
import { connectProxy, type ConnectProxy } from '../../support/connect-proxy.js';
import { rechunkingProxy } from '../../support/rechunking-proxy.js';
import { tlsIdentity } from '../../support/tls-identity.js';

const endings: (() => unknown)[] = [];
beforeEach(() => {
  for (const name of ['http_proxy', 'https_proxy', 'no_proxy'])
    for (const variable of [name, name.toUpperCase()]) vi.stubEnv(variable, undefined);
});
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
  vi.unstubAllEnvs();
});

const trusting = ws({ ca: tlsIdentity.certificate });
const never = new AbortController().signal;

/** A listener whose connections take every stream and send back what comes. */
async function echo(scheme: string, transport?: Transport): Promise<number> {
  const taken: Connection[] = [];
  const listener = await (transport ?? (await ws().load())).listen(
    { scheme, host: '127.0.0.1', port: 0 },
    {
      tls: tlsIdentity,
      onConnection(connection) {
        taken.push(connection);
        connection.onStream((stream) => {
          stream.accept();
          stream.onData((bytes) => stream.send(Buffer.from(bytes)));
          stream.onEnd(() => stream.closeWrite());
        });
      },
    },
  );
  endings.push(
    () => listener.close(),
    () => taken.forEach((connection) => connection.abort(new Error('over'))),
  );
  return listener.address.port;
}

async function dial(
  url: string,
  options: Partial<DialOptions> = {},
  descriptor = trusting,
): Promise<Connection> {
  const [, scheme = '', host = '', port = ''] = /^(\w+):\/\/(.*):(\d+)$/.exec(url) ?? [];
  const transport = await descriptor.load();
  const connection = await transport.dial(
    { scheme, host, port: Number(port) },
    { signal: never, ...options },
  );
  endings.push(() => connection.abort(new Error('over')));
  return connection;
}

async function echoed(connection: Connection, content: Buffer): Promise<Buffer> {
  const stream = connection.openStream();
  const got: Buffer[] = [];
  stream.onData((bytes) => got.push(Buffer.from(bytes)));
  const ended = new Promise<void>((resolve, reject) => {
    stream.onEnd(resolve);
    stream.onReset((code) => reject(new Error(`reset with ${code}`)));
  });
  stream.send(content);
  stream.closeWrite();
  await ended;
  return Buffer.concat(got);
}

/** A server of this test on loopback, whose sockets end with the test; resolves with its port. */
async function serve(server: Server): Promise<{ port: number; sockets: Set<Socket> }> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => {
      sockets.delete(socket);
      server.emit('one less');
    });
  });
  endings.push(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  server.listen({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, sockets };
}

const content = Buffer.from(Array.from({ length: 100_000 }, (_, i) => (i * 31) % 251));

describe('dialling a WebSocket', () => {
  it('masks with zeros, offers no extension, and asks for /', async () => {
    const middle = await rechunkingProxy(await echo('ws'));
    endings.push(() => middle.close());
    await echoed(await dial(`ws://127.0.0.1:${middle.port}`), Buffer.from('x'));
    const [head = '', ...rest] = middle.sent().toString('latin1').split('\r\n\r\n');
    expect(head).toMatch(/^GET \/ HTTP\/1\.1\r\n/);
    expect(head).toContain(`Host: 127.0.0.1:${middle.port}`);
    expect(head).not.toMatch(/extensions/i);
    // A binary message, masked with zeros, that begins with LINK_HELLO.
    expect(rest.join('')).toMatch(/^\x82[\x80-\xff](?:..)?\0{4}\x20\0/s);
  });

  it.each(['ws', 'wss'])(
    'carries everything over %s through a proxy that cuts it into 1 to 7 bytes',
    async (scheme) => {
      const middle = await rechunkingProxy(await echo(scheme));
      endings.push(() => middle.close());
      const connection = await dial(`${scheme}://127.0.0.1:${middle.port}`);
      expect((await echoed(connection, content)).equals(content)).toBe(true);
      await connection.close();
      expect(await connection.closed).toEqual({ by: 'local', clean: true });
    },
  );

  it('says what carries it', async () => {
    const plain = await dial(`ws://127.0.0.1:${await echo('ws')}`);
    const secure = await dial(`wss://127.0.0.1:${await echo('wss')}`);
    expect([plain.capabilities.encrypted, secure.capabilities.encrypted]).toEqual([false, true]);
    expect([plain.remote.scheme, secure.remote.scheme]).toEqual(['ws', 'wss']);
  });

  it.each([
    [404, 'ERR_XFER_PROTOCOL'],
    [200, 'ERR_XFER_PROTOCOL'],
    [301, 'ERR_XFER_PROTOCOL'],
    [426, 'ERR_XFER_PROTOCOL'],
    [502, 'ERR_XFER_UNREACHABLE'],
    [503, 'ERR_XFER_UNREACHABLE'],
    [504, 'ERR_XFER_UNREACHABLE'],
  ])('is told about a server that answers %i by %s', async (status, code) => {
    const http = createHttpServer((_request, response) =>
      response.writeHead(status, { Location: '/x' }).end(),
    );
    const { port, sockets } = await serve(http);
    await expect(dial(`ws://127.0.0.1:${port}`)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(String(status)) as string,
    });
    while (sockets.size > 0) await once(http, 'one less');
  });

  it.each([
    ['another protocol', 'SSH-2.0-OpenSSH_9.2\r\n', 'ERR_XFER_PROTOCOL'],
    [
      'the wrong key',
      'HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n',
      'ERR_XFER_PROTOCOL',
    ],
    ['a head without an end', `HTTP/1.1 101 Yes\r\nX: ${'x'.repeat(100_000)}`, 'ERR_XFER_PROTOCOL'],
    ['nothing, and closes', '', 'ERR_XFER_CONNECTION_LOST'],
  ])('is told about a server that says %s', async (_what, answer, code) => {
    const { port } = await serve(
      createServer((socket) =>
        socket.once('data', () => (answer === '' ? socket.destroy() : socket.write(answer))),
      ),
    );
    await expect(dial(`ws://127.0.0.1:${port}`)).rejects.toMatchObject({ code });
  });

  it('answers a listener that lies about messages with an error', async () => {
    const { port } = await serve(
      createHttpServer().on('upgrade', (request, socket) => {
        const key = `${request.headers['sec-websocket-key'] ?? ''}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
        const accept = createHash('sha1').update(key).digest('base64');
        socket.write(
          `HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
        );
        // Ten bytes of text, in the same write as nothing else.
        socket.write(Buffer.concat([Buffer.of(0x81, 10), Buffer.from('some words')]));
      }),
    );
    const connection = await dial(`ws://127.0.0.1:${port}`);
    expect(await connection.closed).toMatchObject({ clean: false, error: { code: 'ERR_XFER_PROTOCOL' } });
  });

  it.each(['a b', 'user@host', 'host/path', 'host?x', 'host#x', 'a\\b', 'a%0d%0ab'])(
    'refuses %j for a host',
    async (host) => {
      const transport = await ws().load();
      const dialled = transport.dial(
        { scheme: 'ws', host, port: 1 },
        { signal: never, resolved: ['127.0.0.1'] },
      );
      await expect(dialled).rejects.toMatchObject({
        code: 'ERR_XFER_BAD_ADDRESS',
      });
    },
  );
});

describe('dialling over TLS', () => {
  it('wants a certificate that somebody vouches for', async () => {
    const dialled = dial(`wss://127.0.0.1:${await echo('wss')}`, {}, ws());
    await expect(dialled).rejects.toMatchObject({
      code: 'ERR_XFER_CERTIFICATE',
      exit: 4,
      remedy: expect.stringContaining('NODE_EXTRA_CA_CERTS') as string,
    });
  });

  it('wants a certificate of the host that was named, wherever it was found', async () => {
    const port = await echo('wss');
    const resolved = ['127.0.0.1'];
    await expect(dial(`wss://far.example:${port}`, { resolved })).rejects.toMatchObject({
      code: 'ERR_XFER_CERTIFICATE',
      message: expect.stringContaining('far.example') as string,
    });
    await expect(dial(`wss://127.0.0.7:${port}`, { resolved })).rejects.toMatchObject({
      code: 'ERR_XFER_CERTIFICATE',
    });
    const connection = await dial(`wss://xfer.test:${port}`, { resolved });
    expect(connection.remote).toEqual({ scheme: 'wss', host: '127.0.0.1', port });
  });

  it('says where there is no TLS', async () => {
    await expect(dial(`wss://127.0.0.1:${await echo('ws')}`)).rejects.toMatchObject({
      code: 'ERR_XFER_PROTOCOL',
      remedy: expect.stringContaining('ws://') as string,
    });
    await expect(dial(`wss://127.0.0.1:${await echo('tcp', await tcp().load())}`)).rejects.toMatchObject({
      code: 'ERR_XFER_CONNECTION_LOST',
    });
  });
});

describe('the time that a dial has', () => {
  it.each([
    ['an upgrade', 'ws'],
    ['TLS', 'wss'],
  ])('ends %s that is not answered, and leaves nothing', async (_what, scheme) => {
    const silent = createServer((socket) => socket.resume());
    const { port, sockets } = await serve(silent);
    const url = `${scheme}://127.0.0.1:${port}`;
    await expect(dial(url, { timeoutMs: 50 })).rejects.toMatchObject({ code: 'ERR_XFER_TIMEOUT' });
    const controller = new AbortController();
    const accepted = once(silent, 'connection');
    const dialled = dial(url, { signal: controller.signal });
    const reason = new Error('no longer');
    void accepted.then(() => controller.abort(reason));
    await expect(dialled).rejects.toBe(reason);
    while (sockets.size > 0) await once(silent, 'one less');
  });

  it('ends with the caller, and a connection does not', async () => {
    const controller = new AbortController();
    const connection = await dial(`wss://127.0.0.1:${await echo('wss')}`, { signal: controller.signal });
    controller.abort(new Error('too late'));
    expect((await echoed(connection, content)).equals(content)).toBe(true);
  });
});

describe('dialling through an HTTP proxy', () => {
  async function proxied(answer?: number | 'never'): Promise<ConnectProxy> {
    const proxy = await connectProxy(answer);
    endings.push(() => proxy.close());
    vi.stubEnv('HTTP_PROXY', proxy.url.replace('//', '//me:pass%20word@'));
    vi.stubEnv('HTTPS_PROXY', proxy.url);
    return proxy;
  }

  it.each(['ws', 'wss'])('leaves it to the proxy to find the host, for %s', async (scheme) => {
    const proxy = await proxied();
    const port = await echo(scheme);
    const controller = new AbortController();
    const connection = await dial(`${scheme}://xfer.test:${port}`, { signal: controller.signal });
    const credentials =
      scheme === 'ws' ? `Basic ${Buffer.from('me:pass word').toString('base64')}` : undefined;
    expect(proxy.asked).toEqual([{ target: `xfer.test:${port}`, credentials }]);
    expect(connection.remote).toEqual({ scheme, host: 'xfer.test', port });
    controller.abort(new Error('too late'));
    expect((await echoed(connection, content)).equals(content)).toBe(true);
    await connection.close();
    expect(await connection.closed).toEqual({ by: 'local', clean: true });
  });

  it('looks at the certificate of the host, not of the proxy', async () => {
    await proxied();
    const port = await echo('wss');
    await expect(dial(`wss://far.example:${port}`)).rejects.toMatchObject({ code: 'ERR_XFER_CERTIFICATE' });
  });

  it('goes straight where NO_PROXY or resolved addresses say so', async () => {
    const proxy = await proxied();
    const port = await echo('ws');
    const resolved = await dial(`ws://far.example:${port}`, { resolved: ['127.0.0.1'] });
    vi.stubEnv('NO_PROXY', '127.0.0.0/8');
    const listed = await dial(`ws://127.0.0.1:${port}`);
    expect([resolved.remote.host, listed.remote.host]).toEqual(['127.0.0.1', '127.0.0.1']);
    expect(proxy.asked).toEqual([]);
  });

  it.each([
    [403, /NO_PROXY/],
    [407, /NAME:PASSWORD/],
    [502, /NO_PROXY/],
  ])('tells of a proxy that answers %i, without its password', async (status, remedy) => {
    const proxy = await proxied(status);
    const dialled = dial('ws://far.example:4840');
    await expect(dialled).rejects.toMatchObject({
      code: 'ERR_XFER_PROXY',
      exit: 3,
      remedy: expect.stringMatching(remedy) as string,
      message: `the HTTP proxy ${new URL(proxy.url).host} does not connect to far.example:4840: ${status} "No"`,
    });
  });

  it('tells of a proxy that is not there, hangs up, or is none', async () => {
    vi.stubEnv('HTTP_PROXY', 'http://127.0.0.1:1');
    await expect(dial('ws://far.example:4840')).rejects.toMatchObject({
      code: 'ERR_XFER_PROXY',
      message: expect.stringContaining('ECONNREFUSED') as string,
    });
    for (const answer of ['', 'SSH-2.0-OpenSSH_9.2\r\n\r\n']) {
      const { port } = await serve(createServer((socket) => socket.once('data', () => socket.end(answer))));
      vi.stubEnv('HTTP_PROXY', `http://127.0.0.1:${port}`);
      await expect(dial('ws://far.example:4840')).rejects.toMatchObject({ code: 'ERR_XFER_PROXY' });
    }
  });

  it('gives up on a proxy that does not answer, and leaves nothing', async () => {
    const proxy = await proxied('never');
    await expect(dial('ws://far.example:4840', { timeoutMs: 50 })).rejects.toMatchObject({
      code: 'ERR_XFER_TIMEOUT',
    });
    const controller = new AbortController();
    const dialled = dial('wss://far.example:4840', { signal: controller.signal });
    const reason = new Error('no longer');
    setImmediate(() => controller.abort(reason));
    await expect(dialled).rejects.toBe(reason);
    for (const socket of proxy.open) if (!socket.closed) await once(socket, 'close');
  });
});
