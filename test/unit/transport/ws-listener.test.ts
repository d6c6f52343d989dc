import { tcp, ws } from '@xfer/mux';
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { get } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { wsDefaults, type Connection, type ListenOptions, type MuxConfig } from 'xfer/plugin';
import { clientFrame, opcode, RawClient, upgradeRequest } from '../../support/raw-ws.js';
import { tlsIdentity } from '../../support/tls-identity.js';

const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

interface Started {
  readonly port: number;
  /** What became a connection, in order. */
  readonly taken: Connection[];
  client(): RawClient;
}

async function listen(
  scheme: 'tcp' | 'ws' | 'wss',
  { mux = {}, ...options }: Partial<ListenOptions> & { mux?: Partial<MuxConfig> } = {},
): Promise<Started> {
  const taken: Connection[] = [];
  const transport = await (scheme === 'tcp' ? tcp({ mux }) : ws({ mux })).load();
  const listener = await transport.listen(
    { scheme, host: '127.0.0.1', port: 0 },
    { onConnection: (connection) => taken.push(connection), ...options },
  );
  endings.push(
    () => listener.close(),
    () => taken.forEach((connection) => connection.abort(new Error('over'))),
  );
  const { port } = listener.address;
  return {
    port,
    taken,
    client: () => {
      const client = new RawClient(port);
      endings.push(() => client.socket.destroy());
      return client;
    },
  };
}

/** LINK_HELLO of fixtures/wire/mux-v1.json. */
const hello = Buffer.from(
  '2000000000180000000000000000' + '5846455200010001000003e8000000640004000000040000',
  'hex',
);
/** The type of LINK_HELLO_ACK, and its flags and length, in the first message of a listener. */
const helloAnswer = '\x21\x00\x00\x00\x00\x18';

describe.each(['ws', 'tcp'] as const)('a %s listener', (scheme) => {
  it('answers a browser with 426 and one line', async () => {
    const { port, taken } = await listen(scheme);
    const response = await new Promise<{ status: number | undefined; body: string; headers: object }>(
      (resolve) =>
        get({ host: '127.0.0.1', port, path: '/some/page' }, (answer) => {
          let body = '';
          answer.setEncoding('utf8').on('data', (text: string) => (body += text));
          answer.on('end', () => resolve({ status: answer.statusCode, body, headers: answer.headers }));
        }),
    );
    expect(response.status).toBe(426);
    expect(response.body).toBe('This is xfer: it takes WebSocket here, and has no pages.\n');
    expect(response.headers).toMatchObject({ upgrade: 'websocket' });
    expect(taken).toEqual([]);
  });

  it('takes a WebSocket at any path, and says hello in binary messages', async () => {
    const { client, taken } = await listen(scheme);
    const raw = client();
    await raw.upgrade(['X-Forwarded-For: 192.0.2.1', 'Origin: https://some.example'], '/below/here?x=1');
    expect(raw.heard).toContain('Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
    raw.socket.write(clientFrame({ opcode: opcode.binary, payload: hello }));
    expect(await raw.hears(helloAnswer)).toContain(`\x82`);
    expect(taken.map(({ remote, local }) => [remote.scheme, remote.host, local.scheme])).toEqual([
      ['ws', '127.0.0.1', 'ws'],
    ]);
  });

  it('hears a hello in many messages, fragments and masks, behind pings, and with the upgrade itself', async () => {
    const { client } = await listen(scheme);
    const raw = client();
    raw.socket.write(
      Buffer.concat([
        Buffer.from(upgradeRequest()),
        clientFrame({ opcode: opcode.ping, payload: Buffer.from('there?') }),
        ...[...hello.subarray(0, 20)].map((byte) =>
          clientFrame({ opcode: opcode.binary, payload: Uint8Array.of(byte) }),
        ),
        clientFrame({ opcode: opcode.binary, payload: hello.subarray(20, 25), isLast: false }),
        clientFrame({ opcode: opcode.pong, payload: Uint8Array.of() }),
        clientFrame({ opcode: opcode.more, payload: hello.subarray(25, 26), isLast: false }),
        clientFrame({ opcode: opcode.more, payload: hello.subarray(26) }),
      ]),
    );
    expect(await raw.hears(helloAnswer)).toContain('\x8a\x06there?');
  });

  it.each([
    ['a text message', { opcode: opcode.text, payload: Buffer.from('hello') }, 1003],
    ['a text message of no text', { opcode: opcode.text, payload: Uint8Array.of(0xff) }, 1007],
    [
      'a message that is too long',
      { opcode: opcode.binary, payload: Uint8Array.of(1), length: 65_537 },
      1009,
    ],
    [
      'a message of more bytes than there are',
      { opcode: opcode.binary, payload: Uint8Array.of(1), length: 2 ** 40 },
      1009,
    ],
    ['a frame of an unknown kind', { opcode: 5, payload: hello }, 1002],
    ['a fragment of nothing', { opcode: opcode.more, payload: hello }, 1002],
    ['a close that makes no sense', { opcode: opcode.close, payload: Uint8Array.of(0, 1) }, 1002],
  ])('ends a connection that brings %s', async (_what, frame, code) => {
    const { client, taken } = await listen(scheme);
    const raw = client();
    await raw.upgrade();
    raw.socket.write(clientFrame(frame));
    await raw.closed;
    expect(await taken[0]?.closed).toMatchObject({ clean: false, error: { code: 'ERR_XFER_PROTOCOL' } });
    const said = Buffer.of(0x88, 2, code >> 8, code & 0xff).toString('latin1');
    expect(raw.heard.endsWith(said)).toBe(true);
  });

  it('ends a connection that brings more fragments than a message may have', async () => {
    const { client, taken } = await listen(scheme);
    const raw = client();
    await raw.upgrade();
    const fragment = (at: number) =>
      clientFrame({
        opcode: at === 0 ? opcode.binary : opcode.more,
        payload: Uint8Array.of(1),
        isLast: false,
      });
    raw.socket.write(
      Buffer.concat(Array.from({ length: wsDefaults.maxMessageFragments + 1 }, (_, at) => fragment(at))),
    );
    await raw.closed;
    expect(await taken[0]?.closed).toMatchObject({ error: { code: 'ERR_XFER_PROTOCOL' } });
  });

  it('tells a connection that vanishes from one that closes', async () => {
    const { client, taken } = await listen(scheme);
    const [vanishes, closes] = [client(), client()];
    for (const raw of [vanishes, closes]) {
      await raw.upgrade();
      raw.socket.write(clientFrame({ opcode: opcode.binary, payload: hello }));
      await raw.hears(helloAnswer);
    }
    vanishes.socket.destroy();
    expect(await taken[0]?.closed).toMatchObject({
      by: 'remote',
      error: { code: 'ERR_XFER_CONNECTION_LOST' },
    });
    // In order, but with no GOAWAY before it.
    closes.socket.write(clientFrame({ opcode: opcode.close, payload: Uint8Array.of(0x03, 0xe8) }));
    expect(await taken[1]?.closed).toMatchObject({
      by: 'remote',
      error: { code: 'ERR_XFER_CONNECTION_LOST' },
    });
    expect(closes.heard.endsWith('\x88\x02\x03\xe8')).toBe(true);
  });

  it('refuses a head that is too long with 431, and garbage with 400', async () => {
    const { client, taken } = await listen(scheme);
    const long = client();
    long.socket.write(upgradeRequest([`X-Long: ${'x'.repeat(wsDefaults.maxUpgradeHeaderBytes)}`]));
    await long.closed;
    expect(long.heard).toContain('HTTP/1.1 431 ');
    const endless = client();
    endless.socket.write(`GET /${'x'.repeat(2 ** 20)}`);
    await endless.closed;
    expect(endless.heard).toContain('HTTP/1.1 431 ');
    const garbage = client();
    garbage.socket.write('GARBAGE\x00\xff\r\n\r\n');
    await garbage.closed;
    expect(garbage.heard).toContain('HTTP/1.1 400 ');
    expect(taken).toEqual([]);
  });

  it.each([
    ['a key that is none', upgradeRequest().replace('dGhlIHNhbXBsZSBub25jZQ==', 'short')],
    ['another version', upgradeRequest().replace('Version: 13', 'Version: 99')],
    ['another protocol', upgradeRequest().replace('Upgrade: websocket', 'Upgrade: h2c')],
  ])('refuses an upgrade with %s', async (_what, request) => {
    const { client, taken } = await listen(scheme);
    const raw = client();
    raw.socket.write(request);
    await raw.closed;
    expect(raw.heard).toContain('HTTP/1.1 400 ');
    expect(taken).toEqual([]);
  });

  it('waits for an upgrade no longer than for a hello, however much of it comes', async () => {
    const { client, taken } = await listen(scheme, { mux: { helloTimeoutMs: 100 } });
    const slow = client();
    slow.socket.write(upgradeRequest().slice(0, 20));
    const dripping = client();
    const letters = `GET / HTTP/1.1\r\nX: ${'x'.repeat(1000)}`;
    let at = 0;
    const drip = setInterval(() => dripping.socket.write(letters[at++] ?? 'x'), 5);
    await Promise.all([slow.closed, dripping.closed]);
    clearInterval(drip);
    expect(taken).toEqual([]);
  });

  it('waits for the hello of a WebSocket no longer than for any', async () => {
    const { client, taken } = await listen(scheme, { mux: { helloTimeoutMs: 100 } });
    const raw = client();
    await raw.upgrade();
    await raw.closed;
    expect(await taken[0]?.closed).toMatchObject({ error: { code: 'ERR_XFER_TIMEOUT' } });
  });

  it('counts who has not upgraded yet, and nobody twice', async () => {
    const { client, taken } = await listen(scheme, { maxConnections: 1 });
    const first = client();
    first.socket.write('GET / HT');
    await new Promise((resolve) => first.socket.once('ready', resolve));
    const second = client();
    await second.closed;
    expect(second.heard).toBe('');
    first.socket.destroy();
    await first.closed;
    for (let i = 0; i < 3; i++) {
      // The place is free when the listener has seen the one before go.
      let raw = client();
      for (await raw.upgrade(); raw.heard === ''; await raw.upgrade()) raw = client();
      raw.socket.destroy();
      await taken.at(-1)?.closed;
    }
    expect(taken).toHaveLength(3);
  });

  it('drops who has not upgraded when it closes', async () => {
    const taken: Connection[] = [];
    const transport = await (scheme === 'tcp' ? tcp() : ws()).load();
    const address = { scheme, host: '127.0.0.1', port: 0 };
    const listener = await transport.listen(address, {
      onConnection: (connection) => taken.push(connection),
    });
    const half = new RawClient(listener.address.port);
    half.socket.write('GET / HTTP/1.1\r\n');
    const whole = new RawClient(listener.address.port);
    await whole.upgrade();
    await listener.close();
    await half.closed;
    whole.socket.write(clientFrame({ opcode: opcode.binary, payload: hello }));
    expect(await whole.hears(helloAnswer)).toContain(helloAnswer);
    taken[0]?.abort(new Error('over'));
    await whole.closed;
  });
});

describe('a wss listener', () => {
  it('wants a certificate and a key that fit', async () => {
    const transport = await ws().load();
    const at = { scheme: 'wss', host: '127.0.0.1', port: 0 };
    const listening = (tls?: ListenOptions['tls']) =>
      transport.listen(at, { onConnection: () => undefined, ...(tls ? { tls } : {}) });
    await expect(listening()).rejects.toMatchObject({
      code: 'ERR_XFER_USAGE',
      remedy: expect.stringMatching(/--tls-cert .* --tls-key /) as string,
    });
    const swapped = { certificate: tlsIdentity.key, key: tlsIdentity.certificate };
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const pem = { type: 'pkcs8', format: 'pem' } as const;
    const other = { ...tlsIdentity, key: privateKey.export(pem) };
    const locked = {
      ...tlsIdentity,
      key: createPrivateKey(tlsIdentity.key).export({ ...pem, cipher: 'aes-256-cbc', passphrase: 'x' }),
    };
    const none = { certificate: tlsIdentity.certificate, key: '' };
    for (const tls of [swapped, none, other, locked])
      await expect(listening(tls)).rejects.toMatchObject({
        code: 'ERR_XFER_USAGE',
        message: expect.not.stringContaining(tlsIdentity.key.toString().split('\n')[1] ?? '') as string,
      });
  });

  it('drops who speaks no TLS, or says nothing, in time', async () => {
    const { client, taken } = await listen('wss', { tls: tlsIdentity, mux: { helloTimeoutMs: 200 } });
    const plain = client();
    plain.socket.write(upgradeRequest());
    const silent = client();
    const half = client();
    half.socket.write(Buffer.from('16030100f5010000f10303', 'hex'));
    await Promise.all([plain.closed, silent.closed, half.closed]);
    expect(plain.heard).not.toContain('HTTP');
    expect(taken).toEqual([]);
  });
});
