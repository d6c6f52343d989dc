import { afterEach, describe, expect, it } from 'vitest';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { BootstrapChannel } from '../../../plugins/rdma/src/bootstrap-channel.js';
import { rdmaConfig, type RdmaConfig } from '../../../plugins/rdma/src/config.js';
import { FabricLink } from '../../../plugins/rdma/src/fabric-link.js';
import { messageHeadBytes, messageType, writeMessageHead } from '../../../plugins/rdma/src/message-head.js';
import { openEndpoint } from '../../../plugins/rdma/src/open-endpoint.js';
import type { Content, ContentLimit, FabricPeer, Retain } from '../../../src/plugin.js';
import type { MemoryEndpoint } from '../../support/memory-endpoint.js';
import { MemoryNetwork } from '../../support/memory-fabric.js';

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

const signal = new AbortController().signal;
const turn = () => new Promise((resolve) => setImmediate(resolve));
const until = async (condition: () => boolean) => {
  while (!condition()) await turn();
};

async function sockets(): Promise<[Socket, Socket]> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
  const near = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
  const far = await accepted;
  server.close();
  ends.push(() => [near, far].forEach((socket) => socket.on('error', () => undefined).destroy()));
  return [near, far];
}

/** What goes out of a link, and what came in. */
class Side {
  readonly link: FabricLink;
  readonly endpoint: MemoryEndpoint;
  readonly party: FabricPeer;
  readonly socket: Socket;
  readonly control: Uint8Array[] = [];
  readonly contents: Content[] = [];
  readonly got: string[] = [];
  limit: ContentLimit = 2 ** 40;
  onContent: (bytes: Uint8Array, retain?: Retain) => void = () => undefined;
  error: Error | undefined;
  /** The link is not told of content. */
  isHeld = false;

  constructor(link: FabricLink, endpoint: MemoryEndpoint, party: FabricPeer, socket: Socket) {
    this.link = link;
    this.endpoint = endpoint;
    this.party = party;
    this.socket = socket;
    link.onPullControl(() => this.control.shift());
    link.onPullContent(() => this.contents.shift());
    link.onControl((bytes) => this.got.push(`control ${bytes.length}`));
    link.onContent((id, bytes, fin, retain) => {
      this.got.push(`content ${id} ${bytes.length}${fin ? ' fin' : ''}`);
      this.onContent(bytes, retain);
    });
    link.onLimit(() => this.limit);
    link.onEnd(() => this.got.push('end'));
    link.onError((error) => (this.error = error));
    ends.push(() => link.abort());
  }

  /** As one stream, in order, with a note of what is done. */
  put(bytes: number, done: () => void = () => undefined, fin = false): void {
    this.contents.push({
      ...{ streamId: 1, offset: this.#put, bytes, fin, done },
      chunks: bytes === 0 ? [] : [new Uint8Array(bytes).fill(this.contents.length + 1)],
    });
    this.#put += bytes;
    if (!this.isHeld) this.link.ready();
  }

  #put = 0;
}

async function sideOf(network: MemoryNetwork, socket: Socket, config: RdmaConfig): Promise<Side> {
  const api = network.api();
  const [provider] = await api.providers();
  if (!provider) return expect.unreachable('no provider');
  const { endpoint, events, party } = await openEndpoint(api, provider, undefined, config);
  const channel = new BootstrapChannel(socket, 'there');
  const link = new FabricLink({ endpoint, events, channel, config, name: 'there' });
  return new Side(link, network.opened.at(-1) ?? expect.unreachable('not opened'), party, socket);
}

async function pairOf(overrides: Partial<RdmaConfig> = {}): Promise<[Side, Side]> {
  const network = new MemoryNetwork();
  const config = rdmaConfig({ smallCount: 8, largeCount: 4, largeBytes: 128 * 1024, ...overrides });
  const [a, b] = await sockets();
  const sides: [Side, Side] = [await sideOf(network, a, config), await sideOf(network, b, config)];
  await Promise.all([
    sides[0].link.prove(sides[1].party, signal),
    sides[1].link.prove(sides[0].party, signal),
  ]);
  return sides;
}

async function begun(overrides?: Partial<RdmaConfig>): Promise<[Side, Side]> {
  const sides = await pairOf(overrides);
  for (const { link } of sides) link.begin();
  return sides;
}

describe('what is sent', () => {
  it('is control before content, each in order, and done once the other side has it', async () => {
    const [a, b] = await begun();
    const done: number[] = [];
    a.isHeld = true;
    a.put(100_000, () => done.push(1));
    a.put(10, () => done.push(2));
    a.put(0, () => done.push(3), true);
    a.isHeld = false;
    a.control.push(new Uint8Array(7));
    a.link.ready();
    await until(() => b.got.length === 4);
    await until(() => done.length === 3);
    expect(done).toEqual([1, 2, 3]);
    expect(b.got).toEqual(['control 7', 'content 1 100000', 'content 1 10', 'content 1 0 fin']);
  });

  it('is cut where control is longer than a small message', async () => {
    const [a, b] = await begun();
    a.control.push(new Uint8Array(20_000));
    a.link.ready();
    await until(() => b.got.length === 3);
    expect(b.got).toEqual(['control 8152', 'control 8152', 'control 3696']);
  });

  it('is pulled no further than the other side has buffers, and control goes on meanwhile', async () => {
    const [a, b] = await begun({ largeCount: 4, keptShare: 1 });
    const kept: (() => void)[] = [];
    b.onContent = (_bytes, retain) => {
      const release = retain?.();
      if (release) kept.push(release);
    };
    for (let i = 0; i < 10; i++) a.put(100_000);
    await until(() => kept.length === 4);
    for (let i = 0; i < 10; i++) await turn();
    expect(a.contents.length).toBe(6);
    a.control.push(new Uint8Array(3));
    a.link.ready();
    await until(() => b.got.at(-1) === 'control 3');
    for (const release of kept.splice(0)) release();
    await until(() => a.contents.length === 2);
  });

  it('is never larger than our own buffers, whatever the other side says that it takes', async () => {
    const network = new MemoryNetwork();
    const config = rdmaConfig({ smallBytes: 2048, largeBytes: 128 * 1024 });
    const [a, b] = await sockets();
    const [near, far] = [await sideOf(network, a, config), await sideOf(network, b, config)];
    const boast = { ...far.party, smallBytes: 2 ** 20, largeBytes: 2 ** 26 };
    await Promise.all([near.link.prove(boast, signal), far.link.prove(near.party, signal)]);
    expect([near.endpoint.smallRoomBytes, near.endpoint.largeRoomBytes]).toEqual([
      2048 - 16,
      128 * 1024 - 16,
    ]);
  });

  it('is under way within bounds, counted in its statistics, with a rate behind it', async () => {
    const [a, b] = await begun({ maxLargeSends: 2, largeCount: 16 });
    for (let i = 0; i < 6; i++) a.put(100_000);
    expect(a.contents.length).toBe(4);
    expect(a.link.stats()).toMatchObject({ inFlightBytes: 200_000, minRttMs: 0 });
    await until(() => b.got.length === 6 && a.link.stats().inFlightBytes === 0);
  });
});

describe('what comes', () => {
  it('before anybody is there for it is kept, in order', async () => {
    const [a, b] = await pairOf();
    a.link.begin();
    a.control.push(new Uint8Array(5));
    a.put(100_000);
    a.put(3);
    await until(() => a.link.stats().inFlightBytes === 0);
    expect(b.got).toEqual([]);
    b.link.begin();
    expect(b.got).toEqual(['control 5', 'content 1 100000', 'content 1 3']);
    expect(b.endpoint.stats().largePosted).toBe(4);
  });

  it('stays as it is while a reader keeps it, within its share', async () => {
    const [a, b] = await begun({ largeCount: 4, keptShare: 0.5 });
    const kept: { bytes: Uint8Array; release: () => void }[] = [];
    let refused = 0;
    b.onContent = (bytes, retain) => {
      const release = retain?.();
      if (release) kept.push({ bytes, release });
      else refused++;
    };
    for (let i = 0; i < 12; i++) a.put(70_000);
    await until(() => kept.length + refused === 12);
    expect([kept.length, refused]).toEqual([2, 10]);
    expect(kept.map(({ bytes }) => new Set(bytes).size)).toEqual([1, 1]);
    for (const { release } of kept) {
      release();
      release();
    }
    a.put(70_000);
    await until(() => kept.length === 3);
  });

  it('may be given back behind the end', async () => {
    const [a, b] = await begun();
    let release: (() => void) | undefined;
    b.onContent = (_bytes, retain) => (release = retain?.());
    a.put(100_000);
    await until(() => release !== undefined);
    b.link.abort();
    await until(() => b.endpoint.isClosed);
    expect(release).not.toThrow();
  });

  it('cannot be kept once its handler is over, nor what is small', async () => {
    const [a, b] = await begun();
    const retains: (Retain | undefined)[] = [];
    b.onContent = (_bytes, retain) => retains.push(retain);
    a.put(100_000);
    a.put(10);
    await until(() => retains.length === 2);
    expect(retains[0]?.()).toBeUndefined();
    expect(retains[1]).toBeUndefined();
  });

  it('is dropped where the stream is over', async () => {
    const [a, b] = await begun();
    b.limit = 'over';
    a.put(10);
    a.control.push(new Uint8Array(1));
    a.link.ready();
    await until(() => b.got.length === 1);
    expect(b.got).toEqual(['control 1']);
  });

  const message = (type: number, streamId: number, offset: number, content: number): Uint8Array => {
    const bytes = new Uint8Array(messageHeadBytes + content);
    writeMessageHead(bytes, { type, fin: false, streamId, offset });
    return bytes;
  };
  const { control, content, end } = messageType;

  it.each([
    ['is cut off', [new Uint8Array(5)], 2 ** 40],
    ['is of no known type', [message(9, 0, 0, 1)], 2 ** 40],
    ['is an empty control', [message(control, 0, 0, 0)], 2 ** 40],
    ['is past what was granted', [message(content, 1, 0, 11)], 10],
    ['is of a stream that is not open', [message(content, 1, 0, 1)], 'unopened'],
    ['is not what comes next', [message(content, 1, 5, 1)], 2 ** 40],
    ['is behind the end', [message(end, 0, 0, 0), message(control, 0, 0, 1)], 2 ** 40],
  ] as const)('breaks the link where it %s', async (_what, messages, limit) => {
    const [a, b] = await begun();
    b.limit = limit;
    messages.forEach((bytes, i) => a.endpoint.send(1000 + i, bytes.subarray(0, 24), [bytes.subarray(24)]));
    await until(() => b.error !== undefined && a.error !== undefined);
    expect(b.error).toMatchObject({ code: 'ERR_XFER_PROTOCOL' });
    expect([a.endpoint.isClosed, b.endpoint.isClosed]).toEqual([true, true]);
  });
});

describe('the end', () => {
  it('goes behind everything, and closes both when both have said it', async () => {
    const [a, b] = await begun();
    a.put(100_000);
    a.link.close();
    await until(() => b.got.length === 2);
    expect(b.got).toEqual(['content 1 100000', 'end']);
    b.put(4);
    await until(() => a.got.length === 1);
    expect([a.endpoint.isClosed, b.endpoint.isClosed]).toEqual([false, false]);
    b.link.close();
    await until(() => a.endpoint.isClosed && b.endpoint.isClosed);
    expect(a.got).toEqual(['content 1 4', 'end']);
    expect([a.error, b.error]).toEqual([undefined, undefined]);
  });

  it('by abort breaks the other side at once, and everything is done', async () => {
    const [a, b] = await begun();
    let done = 0;
    for (let i = 0; i < 3; i++) a.put(100_000, () => done++);
    a.link.abort();
    await until(() => done === 3 && b.error !== undefined);
    expect(b.error).toMatchObject({ code: 'ERR_XFER_CONNECTION_LOST' });
    expect(a.error).toBeUndefined();
  });

  it('of the other process breaks the link at once although the fabric says nothing', async () => {
    const [a, b] = await begun();
    let done = 0;
    b.endpoint.kill();
    a.put(100_000, () => done++);
    b.socket.destroy();
    await until(() => a.error !== undefined);
    expect(a.error).toMatchObject({ message: expect.stringContaining('the other process is gone') });
    await until(() => done === 1);
  });

  it('that the other side claims while nothing ended breaks the link', async () => {
    const [a, b] = await begun();
    b.socket.write(Buffer.from('7866726605000000', 'hex'));
    await until(() => a.error !== undefined);
    expect(a.error).toMatchObject({ code: 'ERR_XFER_PROTOCOL' });
  });

  it('is not waited for for ever by who has heard that all of its own came', async () => {
    const [a, b] = await begun({ endTimeoutMs: 20 });
    a.link.close();
    await until(() => b.got.length === 1);
    b.endpoint.kill();
    b.socket.end(Buffer.from('7866726605000000', 'hex'));
    await until(() => a.endpoint.isClosed);
    expect([a.got, a.error]).toEqual([['end'], undefined]);
  });

  it('by an error of the provider has its words, and everything is done', async () => {
    const [a] = await begun();
    let done = 0;
    a.put(100_000, () => done++);
    a.endpoint.fail('ECANCELED');
    await until(() => done === 1 && a.error !== undefined);
    expect(a.error).toMatchObject({ message: 'there: tcp;ofi_rxm: fi_cq_readerr: ECANCELED' });
  });
});
