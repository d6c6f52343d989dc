import { spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { describe, expect, it } from 'vitest';
import type { BatchSocket, DatagramRun } from '../../src/native/udp-api.js';
import {
  batchSocket,
  bytesOf,
  collect,
  connect,
  describeUdp,
  describeUdpAddon,
  packetSocket,
  patternOf,
  sendRuns,
  turnsUntil,
} from './udp-implementations.js';

type Copied = Omit<DatagramRun, 'bytes'> & { bytes: Buffer };

function copied(socket: BatchSocket): { runs: Copied[]; batches: Copied[][]; datagrams: () => Buffer[] } {
  const batches: Copied[][] = [];
  const runs: Copied[] = [];
  socket.onDatagrams((live) => {
    const batch = live.map((run) => ({ ...run, bytes: Buffer.from(run.bytes) }));
    batches.push(batch);
    runs.push(...batch);
  });
  const datagrams = (): Buffer[] =>
    runs.flatMap(({ bytes, segmentBytes }) =>
      Array.from({ length: Math.max(1, Math.ceil(bytes.length / segmentBytes)) }, (_, i) =>
        bytes.subarray(i * segmentBytes, (i + 1) * segmentBytes),
      ),
    );
  return { runs, batches, datagrams };
}

describeUdp('a batch socket', (api) => {
  it('sends datagrams of pieces and of segments, and receives them with their source', async () => {
    const [one, other] = [await batchSocket(api), await batchSocket(api)];
    const received = copied(other);
    const to = other.address;
    const long = patternOf(2500);
    const sent = [
      { to, bytes: bytesOf(3, 1) },
      { to, bytes: [bytesOf(3, 2), bytesOf(0, 0), bytesOf(4, 3)] },
      { to, bytes: long, segmentBytes: 1000 },
      { to, bytes: [long.subarray(0, 999), long.subarray(999)], segmentBytes: 1250 },
      { to, bytes: [] },
    ];
    expect(one.send(sent)).toBe(5);
    await turnsUntil(() => received.datagrams().length === 8);
    expect(received.datagrams().map((bytes) => [...bytes])).toEqual(
      [
        bytesOf(3, 1),
        Uint8Array.of(2, 2, 2, 3, 3, 3, 3),
        ...[long.subarray(0, 1000), long.subarray(1000, 2000), long.subarray(2000)],
        ...[long.subarray(0, 1250), long.subarray(1250)],
        new Uint8Array(),
      ].map((bytes) => [...bytes]),
    );
    expect(
      received.runs.every(({ from }) => from.port === one.address.port && from.host === '127.0.0.1'),
    ).toBe(true);
    const bytes = 3 + 7 + 2500 + 2500;
    await turnsUntil(() => one.counters.packetsSent === 8);
    expect(one.counters).toMatchObject({ bytesSent: bytes, packetsFailed: 0, packetsDropped: 0 });
    expect(other.counters).toMatchObject({ packetsReceived: 8, bytesReceived: bytes });
  });

  it('joins datagrams of one source and length', async () => {
    const [one, other] = [await batchSocket(api, { gso: false }), await batchSocket(api, { gro: false })];
    const received = copied(other);
    const content = patternOf(40 * 100 + 1);
    one.send([{ to: other.address, bytes: content, segmentBytes: 100 }]);
    await turnsUntil(() => received.datagrams().length === 41);
    expect(Buffer.concat(received.runs.map(({ bytes }) => bytes)).equals(content)).toBe(true);
    expect(received.runs.length).toBeLessThan(20);
  });

  it('does not take short datagrams for one that goes on where longer ones end', async () => {
    const [one, other] = [await batchSocket(api), await batchSocket(api)];
    const received = copied(other);
    const to = other.address;
    one.send([
      { to, bytes: bytesOf(1000, 1) },
      { to, bytes: bytesOf(600, 2), segmentBytes: 200 },
      { to, bytes: bytesOf(400, 3), segmentBytes: 200 },
    ]);
    await turnsUntil(() => received.datagrams().reduce((sum, { length }) => sum + length, 0) === 2000);
    expect(received.datagrams().map(({ length }) => length)).toEqual([1000, 200, 200, 200, 200, 200]);
  });

  it('sends one payload to many', async () => {
    const one = await batchSocket(api);
    const others = await Promise.all(Array.from({ length: 100 }, () => batchSocket(api)));
    const received = others.map(copied);
    expect(
      one.sendToMany(
        patternOf(700),
        others.map(({ address }) => address),
      ),
    ).toBe(100);
    await turnsUntil(() => received.every(({ runs }) => runs.length === 1));
    for (const { runs } of received) expect(runs[0]?.bytes.equals(patternOf(700))).toBe(true);
    await turnsUntil(() => one.counters.packetsSent === 100);
  });

  it('tells many sources apart', async () => {
    const other = await batchSocket(api);
    const received = copied(other);
    const senders = await Promise.all(Array.from({ length: 300 }, () => batchSocket(api)));
    for (let round = 0; round < 2; round++) {
      for (const sender of senders)
        sender.send([
          { to: other.address, bytes: Uint8Array.of(sender.address.port >> 8, sender.address.port) },
        ]);
      await turnsUntil(() => received.datagrams().length === 300 * (round + 1));
    }
    for (const { bytes, from } of received.runs) expect(bytes.readUInt16BE()).toBe(from.port);
  });

  it('skips and counts what the kernel refuses, and sends the rest', async () => {
    const [one, other] = [await batchSocket(api), await batchSocket(api)];
    const received = copied(other);
    const to = other.address;
    const tooLong = { to, bytes: bytesOf(65_508, 1) };
    one.send([
      { to, bytes: bytesOf(1, 1) },
      tooLong,
      { to, bytes: bytesOf(2, 2) },
      { to: { ...to, port: 0 }, bytes: bytesOf(1, 9) },
    ]);
    one.send([
      { to: { host: '::1', port: to.port }, bytes: bytesOf(3, 3) },
      { to, bytes: bytesOf(4, 4) },
    ]);
    await turnsUntil(() => received.datagrams().length === 3);
    expect(received.datagrams().map(({ length }) => length)).toEqual([1, 2, 4]);
    await turnsUntil(() => one.counters.packetsFailed === 3);
    expect(one.counters).toMatchObject({ packetsSent: 3, packetsDropped: 0 });
  });

  it('refuses what is no datagram before it sends any', async () => {
    const one = await batchSocket(api);
    const to = { host: '127.0.0.1', port: 9 };
    const good = { to, bytes: bytesOf(1, 1) };
    expect(() => one.send([good, { to: { host: 'localhost', port: 9 }, bytes: bytesOf(1, 1) }])).toThrow(
      RangeError,
    );
    expect(() => one.send([good, { to: { host: '127.0.0.1', port: 70_000 }, bytes: bytesOf(1, 1) }])).toThrow(
      RangeError,
    );
    expect(() => one.send([good, { ...good, segmentBytes: 0 }])).toThrow(RangeError);
    expect(() => one.send([good, { to, bytes: 'text' as unknown as Uint8Array }])).toThrow(TypeError);
    expect(() => one.sendToMany(bytesOf(1, 1), [to, { host: '', port: 1 }])).toThrow(RangeError);
    expect(one.counters.packetsSent).toBe(0);
  });

  it('hands over so many messages at once, or what is there at the deadline', async () => {
    const one = await batchSocket(api, { gso: false });
    const other = await batchSocket(api, { gro: false, coalesce: { messages: 8, deadlineMs: 500 } });
    const received = copied(other);
    const send = (count: number): void =>
      void one.send(
        Array.from({ length: count }, (_, i) => ({ to: other.address, bytes: bytesOf(10 + i, i) })),
      );
    const began = performance.now();
    send(16);
    await turnsUntil(() => received.datagrams().length === 16);
    expect(performance.now() - began).toBeLessThan(500);
    expect(received.batches.map(({ length }) => length)).toEqual([8, 8]);
    send(3);
    await turnsUntil(() => received.datagrams().length === 19);
    expect(received.batches).toHaveLength(3);
  });

  it('waits less than a millisecond where it is told so', async () => {
    const one = await batchSocket(api);
    const other = await batchSocket(api, { coalesce: { messages: 64, deadlineMs: 0.2 } });
    const received = copied(other);
    for (let i = 0; i < 20; i++) {
      one.send([{ to: other.address, bytes: bytesOf(5, i) }]);
      await turnsUntil(() => received.datagrams().length === i + 1);
    }
    expect(other.counters.batchesReceived).toBeGreaterThanOrEqual(20);
  });

  it.each([
    { host: 'localhost' },
    { port: -1 },
    { socketBufferBytes: 2 ** 30 },
    { coalesce: { messages: 0, deadlineMs: 1 } },
    { coalesce: { messages: 65, deadlineMs: 1 } },
    { coalesce: { messages: 1, deadlineMs: 0 } },
    { coalesce: { messages: 1, deadlineMs: Number.NaN } },
  ])('rejects %j', async (options) => {
    await expect(batchSocket(api, options)).rejects.toThrow(RangeError);
    await expect(packetSocket(api, options)).rejects.toThrow(RangeError);
  });

  it('rejects with the system’s error where it cannot be bound', async () => {
    const taken = await batchSocket(api);
    await expect(batchSocket(api, { port: taken.address.port })).rejects.toMatchObject({
      code: 'EADDRINUSE',
    });
    await expect(batchSocket(api, { host: '192.0.2.1' })).rejects.toMatchObject({ code: 'EADDRNOTAVAIL' });
  });

  it('leaves nothing behind where it cannot be bound', async () => {
    const taken = await batchSocket(api);
    const open = (): number => readdirSync('/proc/self/fd').length;
    const before = open();
    for (let i = 0; i < 20; i++)
      await expect(batchSocket(api, { port: taken.address.port })).rejects.toThrow('EADDRINUSE');
    await turnsUntil(() => open() <= before);
  });

  it('leaves the buffers as the system has them where it is told 0', async () => {
    const plain = createSocket('udp4').bind(0, '127.0.0.1');
    await once(plain, 'listening');
    const [receiveBufferBytes, sendBufferBytes] = [plain.getRecvBufferSize(), plain.getSendBufferSize()];
    plain.close();
    const socket = await batchSocket(api, { socketBufferBytes: 0 });
    expect(socket.features).toMatchObject({ receiveBufferBytes, sendBufferBytes });
  });

  it('takes IPv4 that is written as IPv6', async () => {
    const [one, other] = [await batchSocket(api), await batchSocket(api)];
    const received = copied(other);
    const { port } = other.address;
    one.send([{ to: { host: '::ffff:127.0.0.1', port }, bytes: bytesOf(1, 1) }]);
    one.send([{ to: { host: '::ffff:7f00:1', port }, bytes: bytesOf(2, 2) }]);
    await turnsUntil(() => received.datagrams().length === 2);
    expect(received.datagrams().map(({ length }) => length)).toEqual([1, 2]);
  });

  it('says what buffers it has', async () => {
    const small = await batchSocket(api, { socketBufferBytes: 100_000 });
    expect(small.features.receiveBufferBytes).toBeGreaterThanOrEqual(100_000);
    expect(small.features.receiveBufferBytes).toBeLessThanOrEqual(200_000);
    expect(small.features.sendBufferBytes).toBeGreaterThanOrEqual(100_000);
  });

  it('sends and hears nothing once it is closed, at any time', async () => {
    const [one, other] = [await batchSocket(api), await batchSocket(api)];
    let batches = 0;
    other.onDatagrams(() => {
      batches++;
      other.close();
      other.close();
    });
    const send = (): number =>
      one.send([{ to: other.address, bytes: patternOf(200 * 30), segmentBytes: 30 }]);
    for (let i = 0; i < 20; i++) send();
    await turnsUntil(() => batches > 0);
    for (let i = 0; i < 20; i++) send();
    one.close();
    expect(send()).toBe(0);
    expect(one.sendToMany(bytesOf(1, 1), [other.address])).toBe(0);
    await new Promise((resolve) => setImmediate(resolve));
    expect(batches).toBe(1);
    expect(other.address.port).toBeGreaterThan(0);
  });

  it('lets what a handler throws be an uncaught exception, and goes on', async () => {
    const [one, other] = [await batchSocket(api), await batchSocket(api)];
    let calls = 0;
    other.onDatagrams(() => {
      if (++calls === 1) throw new Error('on purpose');
    });
    const listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    const thrown = once(process, 'uncaughtException');
    one.send([{ to: other.address, bytes: bytesOf(1, 1) }]);
    expect(((await thrown) as Error[])[0]?.message).toBe('on purpose');
    for (const listener of listeners) process.on('uncaughtException', listener);
    one.send([{ to: other.address, bytes: bytesOf(1, 1) }]);
    await turnsUntil(() => calls === 2);
  });
});

const hasPython = spawnSync('python3', ['--version']).status === 0;
if (!hasPython) process.stderr.write('NOT TESTED: marked packets: no python3 to send them\n');

const hasV6 = Object.values(networkInterfaces())
  .flat()
  .some((address) => address?.address === '::1');

describe.runIf(hasV6)('IPv6', () => {
  describeUdp('on loopback', (api) => {
    it('carries runs, and keeps to its own addresses', async () => {
      const [one, other] = [
        await packetSocket(api, { host: '::1' }),
        await packetSocket(api, { host: '::1' }),
      ];
      const { near, far } = connect(one, other, 1, { one: '::1', other: '::1' });
      const received = collect(other);
      sendRuns(one, [
        { connection: near, number: 1, packets: 4, packetBytes: 900, pieces: [patternOf(3600)] },
      ]);
      await received.until((runs) => runs.reduce((sum, { packets }) => sum + packets, 0) === 4);
      expect(received.runs[0]).toMatchObject({ connection: far, path: 0 });
      expect(one.address).toEqual({ host: '::1', port: one.address.port });
    });

    it('keeps scopes, and writes an address in one way', async () => {
      const socket = await packetSocket(api, { host: '::' });
      const { near } = connect(socket, socket, 1, { one: '::1', other: 'fe80::1%lo' });
      const { port } = socket.address;
      expect(socket.addressOf(near, 0)).toEqual({ host: 'fe80::1%lo', port });
      expect(socket.path(near, { host: '0:0:0:0:0:0:0:1', port })).toBe(1);
      expect(socket.addressOf(near, 1)).toEqual({ host: '::1', port });
      expect(socket.path(near, { host: '::ffff:127.0.0.1', port })).toBe(2);
      expect(socket.path(near, { host: '127.0.0.1', port })).toBe(2);
    });

    it('takes IPv4 on `::`, and writes it as IPv4', async () => {
      const both = await packetSocket(api, { host: '::' });
      const [four, six] = [await packetSocket(api), await packetSocket(api, { host: '::1' })];
      const received = collect(both);
      const { port } = both.address;
      expect(both.address.host).toBe('::');
      four.sendStray({ host: '127.0.0.1', port }, Uint8Array.of(4));
      await received.until((runs) => runs.length === 1);
      six.sendStray({ host: '::1', port }, Uint8Array.of(6));
      await received.until((runs) => runs.length === 2);
      expect(received.runs.map(({ source }) => source)).toMatchObject([four.address, six.address]);
      const { near, far } = connect(both, four);
      const answers = collect(four);
      expect(both.addressOf(near, 0)).toEqual(four.address);
      sendRuns(both, [
        { connection: near, number: 1, packets: 2, packetBytes: 50, pieces: [patternOf(100)] },
      ]);
      await answers.until((runs) => runs.reduce((sum, { packets }) => sum + packets, 0) === 2);
      expect(answers.runs[0]).toMatchObject({ connection: far, path: 0 });
    });
  });
});

describeUdpAddon('with and without the kernel’s help', (api) => {
  it.each([
    [true, true],
    [true, false],
    [false, true],
    [false, false],
  ])('runs arrive: GSO %j, GRO %j', async (gso, gro) => {
    const one = await packetSocket(api, { gso, gro });
    const other = await packetSocket(api, { gso, gro });
    const { near } = connect(one, other);
    const received = collect(other);
    const content = patternOf(44 * 1200);
    expect(one.features.gso && !gso).toBe(false);
    expect(other.features.gro && !gro).toBe(false);
    for (let i = 0; i < 5; i++)
      sendRuns(one, [
        { connection: near, number: 1 + i * 44, packets: 44, packetBytes: 1200, pieces: [content] },
      ]);
    await received.until((runs) => runs.reduce((sum, { packets }) => sum + packets, 0) === 220);
    const found = Buffer.concat(received.runs.map(({ bytes }) => bytes));
    expect(found.equals(Buffer.concat(Array.from({ length: 5 }, () => content)))).toBe(true);
  });

  it('lets others have their turn, however many datagrams the kernel joined', async () => {
    const one = await batchSocket(api);
    const other = await packetSocket(api);
    if (!one.features.gso || !other.features.gro) return;
    let [inTurn, most, received] = [0, 0, 0];
    other.onPackets(({ runs }) => {
      inTurn += runs;
      received += runs;
    });
    // 512 messages of 64 strays.
    const datagram = { to: other.address, bytes: bytesOf(64 * 20, 0x10), segmentBytes: 20 };
    for (let i = 0; i < 8; i++) one.send(Array.from({ length: 64 }, () => datagram));
    const sent = one.counters.packetsSent;
    expect(sent).toBe(512 * 64);
    await turnsUntil(() => {
      most = Math.max(most, inTurn);
      inTurn = 0;
      return received === sent;
    });
    expect(most).toBeLessThanOrEqual(2048 + 64 * 64);
  });

  it('longer packets than 64 KiB together are several messages', async () => {
    const [one, other] = [await packetSocket(api), await packetSocket(api)];
    const { near } = connect(one, other);
    const received = collect(other);
    const content = patternOf(44 * 9000);
    sendRuns(one, [{ connection: near, number: 1, packets: 44, packetBytes: 9000, pieces: [content] }]);
    await received.until((runs) => runs.reduce((sum, { packets }) => sum + packets, 0) === 44);
    expect(Buffer.concat(received.runs.map(({ bytes }) => bytes)).equals(content)).toBe(true);
  });

  it('reads the marks of congestion, and sends as capable of them', async () => {
    const socket = await packetSocket(api);
    const batch = await batchSocket(api);
    const seen = copied(batch);
    socket.sendStray(batch.address, bytesOf(5, 1));
    await turnsUntil(() => seen.runs.length === 1);
    expect(seen.runs[0]?.ecn).toBe(socket.features.ecn ? 2 : 0);
    const plain = createSocket('udp4');
    plain.send(bytesOf(5, 1), batch.address.port, '127.0.0.1');
    await turnsUntil(() => seen.runs.length === 2);
    plain.close();
    expect(seen.runs[1]?.ecn).toBe(0);
  });

  it.runIf(hasPython)('counts the packets of a run that were marked', async () => {
    const [one, other] = [await packetSocket(api), await packetSocket(api)];
    const tap = await batchSocket(api);
    const caught = copied(tap);
    const { near } = connect(one, other);
    const received = collect(other);
    one.path(near, tap.address);
    const run = { connection: near, path: 1, packets: 1, packetBytes: 50, pieces: [patternOf(50)] };
    for (const number of [1, 2, 3]) sendRuns(one, [{ ...run, number, offset: 50 * (number - 1) }]);
    await turnsUntil(() => caught.datagrams().length === 3);
    // The same packets again, the second and the third marked on the way (RFC 3168 §5).
    const script = [
      'import socket, sys',
      's = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)',
      'for i, packet in enumerate(sys.argv[2:]):',
      '  s.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, 2 if i == 0 else 3)',
      "  s.sendto(bytes.fromhex(packet), ('127.0.0.1', int(sys.argv[1])))",
    ].join('\n');
    const packets = caught.datagrams().map((bytes) => bytes.toString('hex'));
    expect(spawnSync('python3', ['-c', script, String(other.address.port), ...packets]).status).toBe(0);
    await received.until((runs) => runs.reduce((sum, { packets: count }) => sum + count, 0) === 3);
    expect(received.runs.reduce((sum, { marked }) => sum + marked, 0)).toBe(2);
  });

  it('tells whom a refused port belongs to, and nobody else is disturbed', async () => {
    const [one, other] = [await packetSocket(api), await packetSocket(api)];
    const { near } = connect(one, other);
    collect(one);
    const received = collect(other);
    const closed = createSocket('udp4').bind(0, '127.0.0.1');
    await once(closed, 'listening');
    const to = { host: '127.0.0.1', port: closed.address().port };
    closed.close();
    const told: unknown[] = [];
    one.onUnreachable((address, code) => told.push([address, code]));
    for (let number = 1; number <= 200; number++) {
      one.sendStray(to, Uint8Array.of(0x10));
      expect(one.sendControl(near, 0, number, Uint8Array.of(1))).toBe(true);
    }
    await received.until((runs) => runs.length === 200);
    await turnsUntil(() => told.length > 0);
    expect(told.every((entry) => JSON.stringify(entry) === JSON.stringify([to, 'ECONNREFUSED']))).toBe(true);
  });
});
