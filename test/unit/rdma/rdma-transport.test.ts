import { rdma, type RdmaOptions } from '@xfer/rdma';
import * as fc from 'fast-check';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Connection, ListenOptions, Listener, TransportTuning } from '../../../src/plugin.js';
import { encodeBootstrap, type BootstrapMessage } from '../../../plugins/rdma/src/bootstrap-message.js';
import { MemoryNetwork } from '../../support/memory-fabric.js';

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

const signal = new AbortController().signal;
const at = (scheme = 'rdma') => ({ scheme, host: '127.0.0.1', port: 0 });

interface Listening {
  readonly listener: Listener;
  /** The connections that came, in order. */
  readonly came: Connection[];
}

async function listening(
  options: RdmaOptions,
  listen: Partial<ListenOptions> = {},
  scheme?: string,
): Promise<Listening> {
  const came: Connection[] = [];
  const transport = await rdma(options).load();
  const listener = await transport.listen(at(scheme), {
    onConnection: (connection) => {
      connection.onStream((stream) => stream.accept());
      came.push(connection);
    },
    ...listen,
  });
  ends.push(() => listener.close());
  ends.push(() => came.forEach((connection) => connection.abort(new Error('over'))));
  return { listener, came };
}

async function dialled(
  { listener }: Listening,
  options: RdmaOptions,
  tuning: TransportTuning = {},
  scheme = 'rdma',
): Promise<Connection> {
  const transport = await rdma(options).load();
  const connection = await transport.dial({ ...listener.address, scheme }, { signal, tuning });
  ends.push(() => connection.abort(new Error('over')));
  return connection;
}

const until = async (condition: () => boolean) => {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
};

/** A stranger at the port, and when it is shown the door. */
async function stranger({ listener }: Listening, says?: string | Uint8Array) {
  const socket = connect({ host: '127.0.0.1', port: listener.address.port, allowHalfOpen: true });
  const got: Buffer[] = [];
  socket.on('data', (bytes) => got.push(bytes));
  const closed = new Promise<Buffer>((resolve) => {
    const over = () => resolve(Buffer.concat(got));
    socket.on('error', over).on('end', over).on('close', over);
  });
  ends.push(() => socket.destroy());
  await new Promise((resolve) => socket.once('connect', resolve));
  if (says !== undefined) socket.write(says);
  return { socket, closed };
}

/** Somebody who takes the place of a listener, and answers a hello with these. */
async function impostor(answer: (socket: Socket, hello: Buffer) => void): Promise<Listening> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
    socket.once('data', (hello) => answer(socket, hello));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ends.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { listener: { address: { ...at(), port }, close: async () => undefined }, came: [] };
}

const party = { tag: 5n, smallCount: 64, largeCount: 16, smallBytes: 8192, largeBytes: 65_536 };
const answerOf = (provider: string): BootstrapMessage => ({
  ...{ kind: 'answer', version: 1, provider },
  party: { ...party, address: Uint8Array.of(1, 2, 3) },
});
const helloOf = (changes: object = {}): Uint8Array =>
  encodeBootstrap({
    ...{ kind: 'hello', lowest: 1, highest: 1, host: undefined },
    offers: [{ provider: 'tcp;ofi_rxm', fabric: '', domain: '', version: '' }],
    ...changes,
  });

describe('the choice of a provider', () => {
  const usedBy = ({ opened }: MemoryNetwork) => opened.map(({ options }) => options.provider);

  it('is shared memory on one host, at both ends', async () => {
    const network = new MemoryNetwork();
    const there = await listening({ fabric: network.api() });
    await dialled(there, { fabric: network.api() });
    expect(usedBy(network)).toEqual(['shm', 'shm']);
  });

  it("is the user's, who dials or who listens", async () => {
    const network = new MemoryNetwork();
    const options = { fabric: network.api() };
    await dialled(await listening(options), options, { provider: 'tcp' });
    await dialled(await listening(options, { tuning: { provider: 'tcp' } }), options);
    await dialled(await listening(options, {}, 'rdma+tcp'), options);
    expect(new Set(usedBy(network))).toEqual(new Set(['tcp;ofi_rxm']));
  });

  it('tells providers over IP where this machine was reached', async () => {
    const network = new MemoryNetwork();
    const options = { fabric: network.api() };
    await dialled(await listening(options), options, {}, 'rdma+tcp');
    await dialled(await listening(options), options, {}, 'rdma+shm');
    expect(network.opened.map((endpoint) => endpoint.options.host)).toEqual([
      ...['127.0.0.1', '127.0.0.1'],
      ...[undefined, undefined],
    ]);
  });

  it('fails where the ends have nothing in common, with what each has', async () => {
    const network = new MemoryNetwork();
    const there = await listening({ fabric: network.api({ providers: ['efa'] }) });
    await expect(dialled(there, { fabric: network.api() })).rejects.toMatchObject({
      code: 'ERR_XFER_NO_TRANSPORT',
      message: expect.stringContaining('it has efa, the dialer shm, tcp;ofi_rxm'),
    });
    expect(network.opened).toEqual([]);
  });

  it('falls on to the next where nothing comes over the first, and where it does not open', async () => {
    const network = new MemoryNetwork();
    const rdmaConfig = { fabricTimeoutMs: 500 };
    const silent = { fabric: network.api({ silent: ['shm'] }), rdma: rdmaConfig };
    await dialled(await listening(silent), silent);
    const here = { fabric: network.api({ broken: { shm: 'fi_endpoint: no' } }) };
    await dialled(await listening({ fabric: network.api() }), here);
    await dialled(await listening(here), { fabric: network.api() });
    const last = network.opened.filter(({ isClosed }) => !isClosed);
    expect(new Set(last.map(({ options }) => options.provider))).toEqual(new Set(['tcp;ofi_rxm']));
    await until(() => network.openCount === 6);
  });

  it('that carries nothing at last says that the exchange worked, and what to do', async () => {
    const network = new MemoryNetwork();
    const options = {
      fabric: network.api({ providers: ['efa'], silent: ['efa'] }),
      rdma: { fabricTimeoutMs: 50 },
    };
    await expect(dialled(await listening(options), options)).rejects.toMatchObject({
      code: 'ERR_XFER_UNREACHABLE',
      message: expect.stringMatching(/the exchange of addresses worked, the fabric did not: efa/),
      remedy: expect.stringContaining('security group'),
    });
    await until(() => network.openCount === 0);
  });

  it('tells in the words of the other end why nothing opens there', async () => {
    const network = new MemoryNetwork();
    const broken = { 'tcp;ofi_rxm': 'fi_mr_reg: Cannot allocate memory', shm: 'fi_domain: no' };
    const there = await listening({ fabric: network.api({ broken }) });
    await expect(dialled(there, { fabric: network.api() })).rejects.toMatchObject({
      code: 'ERR_XFER_UNREACHABLE',
      message: expect.stringContaining('tcp;ofi_rxm: fi_mr_reg: Cannot allocate memory'),
    });
  });

  it('is refused at once where it makes no sense', async () => {
    const transport = await rdma({ fabric: new MemoryNetwork().api() }).load();
    const usage = { code: 'ERR_XFER_USAGE' };
    const tuning = { provider: 'efa' };
    await expect(
      transport.listen(at('rdma+tcp'), { onConnection: () => undefined, tuning }),
    ).rejects.toMatchObject(usage);
    await expect(transport.dial(at('rdma+shm'), { signal, tuning })).rejects.toMatchObject(usage);
  });
});

describe('a listener', () => {
  const patient = { mux: { helloTimeoutMs: 100 } };

  it.each([
    ['another protocol', 'GET / HTTP/1.1\r\n\r\n'],
    ['a mux of xfer', Buffer.from('200000000010', 'hex')],
    ['an exchange that is too long', Buffer.from('786672660100ffff', 'hex')],
    ['an exchange that begins in its middle', encodeBootstrap({ kind: 'finished' })],
  ])('closes on %s, without an endpoint', async (_what, says) => {
    const network = new MemoryNetwork();
    const there = await listening({ fabric: network.api() });
    expect(await (await stranger(there, says)).closed).toHaveLength(0);
    expect(network.opened).toEqual([]);
  });

  it.each([
    ['says nothing', new Uint8Array(0)],
    ['says half of it', helloOf().subarray(0, 20)],
    ['never says where its own endpoint is', helloOf()],
  ])('lets nobody stay who %s', async (_what, says) => {
    const network = new MemoryNetwork();
    const there = await listening({ fabric: network.api(), ...patient });
    await (
      await stranger(there, says)
    ).closed;
    await until(() => network.openCount === 0);
    expect(there.came).toEqual([]);
  });

  it('has no endpoint for who leaves before it is proven', async () => {
    const network = new MemoryNetwork();
    const there = await listening({ fabric: network.api() });
    const { socket } = await stranger(there, helloOf());
    await new Promise((resolve) => socket.once('data', resolve));
    expect(network.openCount).toBe(1);
    socket.resetAndDestroy();
    await until(() => network.openCount === 0);
  });

  it('tells a dialer of another version so', async () => {
    const there = await listening({ fabric: new MemoryNetwork().api() });
    const said = await (await stranger(there, helloOf({ lowest: 2, highest: 9 }))).closed;
    expect(said.subarray(8).toString('latin1')).toMatch(/version 1 only$/);
  });

  it('asks before anything is opened who may come in', async () => {
    const network = new MemoryNetwork();
    const there = await listening({ fabric: network.api() }, { admit: () => undefined });
    await expect(dialled(there, { fabric: network.api() })).rejects.toMatchObject({
      code: 'ERR_XFER_CONNECTION_LOST',
    });
    expect(network.opened).toEqual([]);
  });

  it('refuses endpoints past its limit with a word, and has room again when one is over', async () => {
    const network = new MemoryNetwork();
    const options = { fabric: network.api() };
    const there = await listening({ ...options, rdma: { maxEndpoints: 1 } });
    const first = await dialled(there, options);
    await expect(dialled(there, options)).rejects.toMatchObject({ code: 'ERR_XFER_LIMIT' });
    await first.close();
    await until(() => network.openCount === 0);
    await dialled(there, options);
  });

  it('has no room for another while the memory of one that is over is not free', async () => {
    let free = (): void => undefined;
    const closes = () => new Promise<void>((resolve) => (free = resolve));
    const network = new MemoryNetwork();
    const there = await listening({ fabric: network.api({ closes }), rdma: { maxEndpoints: 1 } });
    const { socket } = await stranger(there, helloOf());
    await new Promise((resolve) => socket.once('data', resolve));
    socket.resetAndDestroy();
    await until(() => network.openCount === 0);
    const options = { fabric: network.api() };
    await expect(dialled(there, options)).rejects.toMatchObject({ code: 'ERR_XFER_LIMIT' });
    free();
    await dialled(there, options);
  });

  it('leaves who gives up while an endpoint does not open, and closes what opens later', async () => {
    let open = (): void => undefined;
    const opens = () => new Promise<void>((resolve) => (open = resolve));
    const network = new MemoryNetwork();
    const there = await listening({
      ...{ fabric: network.api({ opens }), rdma: { maxEndpoints: 1 }, ...patient },
    });
    await (
      await stranger(there, helloOf())
    ).closed;
    // What may still open takes its place.
    await expect(dialled(there, { fabric: network.api() })).rejects.toMatchObject({ code: 'ERR_XFER_LIMIT' });
    open();
    await until(() => network.opened.length === 1 && network.openCount === 0);
  });

  it('stands whatever a stranger says, however it is cut, and keeps no endpoint for him', async () => {
    const network = new MemoryNetwork();
    const options = { fabric: network.api() };
    const there = await listening({ ...options, ...patient });
    const ready = encodeBootstrap({ kind: 'ready', party: { ...party, address: Uint8Array.of(1) } });
    const said = fc.oneof(
      fc.constantFrom(
        helloOf(),
        ready,
        encodeBootstrap(answerOf('shm')),
        encodeBootstrap({ kind: 'finished' }),
      ),
      fc.uint8Array({ maxLength: 64 }),
      fc.constant(new Uint8Array(9000)),
    );
    const cuts = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 5 });
    const tells = fc.tuple(fc.boolean(), fc.array(said, { minLength: 1, maxLength: 6 }), cuts);
    await fc.assert(
      fc.asyncProperty(tells, async ([isPolite, messages, sizes]) => {
        const { socket, closed } = await stranger(there, isPolite ? helloOf() : undefined);
        const all = Buffer.concat(messages);
        for (let at = 0, i = 0; at < all.length && !socket.destroyed; i++) {
          const bytes = sizes[i % sizes.length] ?? 1;
          await new Promise((resolve) => socket.write(all.subarray(at, at + bytes), resolve));
          at += bytes;
        }
        socket.end();
        await closed;
        socket.destroy();
        await until(() => network.openCount === 0);
      }),
      { numRuns: 60 },
    );
    expect(there.came).toEqual([]);
    await dialled(there, options);
  });

  it('tries a provider once, however often it is offered', async () => {
    const network = new MemoryNetwork();
    const there = await listening({ fabric: network.api({ broken: { 'tcp;ofi_rxm': 'no' } }) });
    const offer = { provider: 'tcp;ofi_rxm', fabric: '', domain: '', version: '' };
    await (
      await stranger(there, helloOf({ offers: [offer, offer, offer] }))
    ).closed;
    expect(network.tried).toEqual(['tcp;ofi_rxm']);
  });

  it('that closes drops who is not a connection yet, and leaves the others', async () => {
    const options = { fabric: new MemoryNetwork().api() };
    const there = await listening(options);
    const near = await dialled(there, options);
    const waiting = await stranger(there, new Uint8Array(0));
    await there.listener.close();
    await waiting.closed;
    await near.openStream().opened;
  });
});

describe('a dialer', () => {
  const options = (network = new MemoryNetwork()) => ({ fabric: network.api() });

  it('says so where there is no xfer over fabrics', async () => {
    const there = await impostor((socket) => socket.end('SSH-2.0-nothing\r\n'));
    await expect(dialled(there, options())).rejects.toMatchObject({ code: 'ERR_XFER_PROTOCOL' });
  });

  it('takes no provider that it did not offer', async () => {
    const there = await impostor((socket) => socket.write(encodeBootstrap(answerOf('efa'))));
    await expect(dialled(there, options())).rejects.toMatchObject({ code: 'ERR_XFER_PROTOCOL' });
  });

  it('opens nothing for who says nothing, and gives up in time', async () => {
    const network = new MemoryNetwork();
    const there = await impostor(() => undefined);
    const transport = await rdma(options(network)).load();
    const dial = transport.dial(there.listener.address, { signal, timeoutMs: 100 });
    await expect(dial).rejects.toMatchObject({ code: 'ERR_XFER_TIMEOUT' });
    expect(network.opened).toEqual([]);
  });

  it('that is called off while an endpoint does not open leaves at once, and nothing open', async () => {
    let open = (): void => undefined;
    const opens = () => new Promise<void>((resolve) => (open = resolve));
    const network = new MemoryNetwork();
    const there = await impostor((socket) => socket.write(encodeBootstrap(answerOf('tcp;ofi_rxm'))));
    const transport = await rdma({ fabric: network.api({ opens }) }).load();
    const off = new AbortController();
    const dial = transport.dial({ ...there.listener.address, scheme: 'rdma+tcp' }, { signal: off.signal });
    await until(() => network.tried.length === 1);
    const reason = new Error('changed my mind');
    off.abort(reason);
    await expect(dial).rejects.toBe(reason);
    open();
    await until(() => network.opened.length === 1 && network.openCount === 0);
  });

  it('that is called off while the fabric is tried leaves nothing open', async () => {
    const network = new MemoryNetwork();
    const there = await impostor((socket) => socket.write(encodeBootstrap(answerOf('tcp;ofi_rxm'))));
    const transport = await rdma(options(network)).load();
    const off = new AbortController();
    const dial = transport.dial({ ...there.listener.address, scheme: 'rdma+tcp' }, { signal: off.signal });
    await until(() => network.openCount === 1);
    const reason = new Error('changed my mind');
    off.abort(reason);
    await expect(dial).rejects.toBe(reason);
    await until(() => network.openCount === 0);
  });
});

describe('a connection', () => {
  it('has memory, and says that it leads over a fabric and encrypts nothing', async () => {
    const options = { fabric: new MemoryNetwork().api() };
    const { capabilities, memory } = await dialled(await listening(options), options);
    expect(capabilities).toMatchObject({
      isFabric: true,
      zeroCopy: true,
      encrypted: false,
      streams: 'native',
    });
    await until(() => memory?.acquire(1) !== undefined);
  });

  it('breaks with the words of the provider', async () => {
    const network = new MemoryNetwork();
    const options = { fabric: network.api() };
    const there = await listening(options);
    const near = await dialled(there, options);
    network.opened[1]?.fail('EIO');
    const { clean, error } = await near.closed;
    expect([clean, error?.message]).toEqual([false, expect.stringContaining('shm: fi_cq_readerr: EIO')]);
    expect((await there.came[0]?.closed)?.clean).toBe(false);
    await until(() => network.openCount === 0);
  });
});
