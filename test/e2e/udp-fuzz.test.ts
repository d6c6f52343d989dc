import { udp } from '@xfer/udp';
import { afterEach, expect, it } from 'vitest';
import { listenUdp } from '../../plugins/udp/src/udp-listener.js';
import { udpContext } from '../../plugins/udp/src/udp-context.js';
import { DialerHello } from '../../plugins/udp/src/hello/dialer-hello.js';
import { udpDefaults } from '../../src/config/index.js';
import { encodeCodeFrame, encodeDataFlags, encodeOpen, encodeUint64Frame } from '../../src/mux/encode.js';
import { extensionType, frameType } from '../../src/mux/frame.js';
import type { Datagram, PacketSocket } from '../../src/native/udp-api.js';
import { udpApi } from '../../src/native/load-udp.js';
import type { Connection, Listener } from '../../src/transport/contract.js';
import { FuzzRandom } from '../support/fuzz-random.js';
import { UdpStranger } from '../support/udp-stranger.js';

const seed = Number(process.env['XFER_FUZZ_SEED'] ?? 4840);
const count = Number(process.env['XFER_FUZZ_COUNT'] ?? 1_000_000);
/** Then it is enough, however many went. */
const mostMs = 20_000;
const atOnce = 256;
const strangers = 600;

const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

const print = (line: string) => process.stderr.write(`${line}\n`);
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A listener that gives back all that streams bring, and its socket. */
async function echoing() {
  const context = await udpContext({});
  let socket: PacketSocket | undefined;
  const connections = new Set<Connection>();
  let made = 0;
  const listener: Listener = await listenUdp(
    { scheme: 'udp', host: '127.0.0.1', port: 0 },
    {
      onConnection: (connection) => {
        made++;
        connections.add(connection);
        void connection.closed.then(() => connections.delete(connection));
        connection.onStream((stream) => {
          stream.accept();
          stream.onData((bytes) => void stream.send(bytes.slice()));
          stream.onEnd(() => stream.closeWrite());
        });
      },
    },
    {
      ...context,
      socket: async (host, port) => (socket = await context.socket(host, port)),
    },
  );
  endings.push(() => {
    for (const connection of connections) connection.abort(new Error('the test is over'));
    return listener.close();
  });
  if (!socket) throw new Error('no socket');
  return { port: listener.address.port, socket, connections, made: () => made };
}

/** Whether a connection comes about, and gives back what it got. */
async function expectEcho(port: number): Promise<void> {
  const transport = await udp().load();
  const { signal } = new AbortController();
  const connection = await transport.dial({ scheme: 'udp', host: '127.0.0.1', port }, { signal });
  const stream = connection.openStream();
  const sent = Buffer.alloc(300_000, 7);
  const got: Uint8Array[] = [];
  const ended = new Promise<void>((resolve) => stream.onEnd(resolve));
  stream.onData((bytes) => void got.push(bytes.slice()));
  stream.send(sent);
  stream.closeWrite();
  await ended;
  expect(Buffer.concat(got).equals(sent)).toBe(true);
  await connection.close();
}

it(`a listener outlives ${count} datagrams of strangers`, { timeout: mostMs + 60_000 }, async () => {
  print(`XFER_FUZZ_SEED=${seed} XFER_FUZZ_COUNT=${count}`);
  const random = new FuzzRandom(seed);
  const listener = await echoing();
  const { batchSocket } = await udpApi();
  const flood = await batchSocket({ host: '127.0.0.1', port: 0 });
  endings.push(() => flood.close());
  flood.onDatagrams(() => undefined);
  flood.onError(() => undefined);
  const templates = await hellos();
  const to = { host: '127.0.0.1', port: listener.port };
  const began = performance.now();
  let sent = 0;
  let meanwhile: Promise<void> | undefined;
  while (sent < count && performance.now() - began < mostMs) {
    const datagrams: Datagram[] = [];
    for (let i = 0; i < atOnce; i++) datagrams.push({ to, bytes: strange(random, templates) });
    sent += flood.send(datagrams);
    await turn();
    if (sent > count / 2) meanwhile ??= expectEcho(listener.port);
  }
  await (meanwhile ?? expectEcho(listener.port));
  const { packetsReceived } = listener.socket.counters;
  const { bytesSent, bytesReceived } = flood.counters;
  print(`${sent} sent, ${packetsReceived} received, ${bytesReceived} bytes answered to ${bytesSent}`);
  expect(packetsReceived).toBeGreaterThan(atOnce);
  expect(bytesReceived).toBeGreaterThan(1000);
  expect(bytesReceived).toBeLessThan(3 * bytesSent);
  // Of them all only those that echoed.
  expect(listener.made()).toBe(1);
  await expectEcho(listener.port);
  await expect.poll(() => listener.connections.size, { timeout: 10_000 }).toBe(0);
});

it(
  `a listener outlives ${strangers} who speak the hellos and then nonsense`,
  { timeout: 120_000 },
  async () => {
    print(`XFER_FUZZ_SEED=${seed}`);
    const random = new FuzzRandom(seed);
    const listener = await echoing();
    for (let number = 0; number < strangers; number++) {
      const stranger = await UdpStranger.dial(listener.port);
      for (let packet = 0; packet < 30; packet++) {
        const what = random.below(10);
        if (what === 0) stranger.frames(random.bytes(1 + random.below(60)));
        else if (what === 1) stranger.frames(hostileFrame(random));
        else if (what < 7) stranger.control(muxFrame(random));
        else
          stranger.data(
            random.chance(3) ? random.word() : random.below(12),
            random.chance(3) ? random.oddInteger() % (2 ** 48 - 1000) : random.below(3) * 100,
            random.bytes(1 + random.below(200)),
            random.chance(4),
          );
        if (random.chance(5)) await turn();
      }
      await turn();
      stranger.close();
      if (number % 100 === 0) await expectEcho(listener.port);
    }
    expect(listener.made()).toBeGreaterThanOrEqual(strangers);
    await expectEcho(listener.port);
  },
);

/** First HELLOs as they are. */
async function hellos(): Promise<Uint8Array[]> {
  const { crypto } = await udpContext({});
  const parameters = { maxDatagramBytes: 1472, receiveBufferBytes: 1 << 20, creditBytes: 1 << 26 };
  return Array.from({ length: 4 }, () => {
    const hello = new DialerHello({
      config: udpDefaults,
      crypto,
      parameters,
      pullControl: () => undefined,
    });
    return hello.poll(0) ?? new Uint8Array();
  });
}

const noise = new FuzzRandom(seed).bytes(1 << 16);
const types = [0x10, 0x11, 0x12, 0x13, 0x14, 0x20, 0x21, 0x30];

function strange(random: FuzzRandom, templates: readonly Uint8Array[]): Uint8Array {
  const what = random.below(16);
  if (what === 0) return otherDialer(random, random.pick(templates));
  if (what === 15) return random.flipped(random.pick(templates));
  if (what === 1) return random.pick(templates).subarray(0, random.below(1200));
  const from = random.below(noise.length - 1500);
  const bytes = Uint8Array.prototype.slice.call(noise, from, from + random.below(what < 4 ? 1400 : 120));
  if (what < 12) bytes[0] = random.pick(types);
  if (what === 3 && bytes.length > 2) bytes.set([0x10, 0, 1]);
  return bytes;
}

/** The same HELLO of another id and key: it is answered. */
function otherDialer(random: FuzzRandom, hello: Uint8Array): Uint8Array {
  const other = hello.slice();
  const from = random.below(noise.length - 40);
  other.set(noise.subarray(from, from + 40), 3);
  return other;
}

/** Frames of CONTROL that say what they must not. */
function hostileFrame(random: FuzzRandom): Uint8Array {
  const ack = Buffer.alloc(25);
  ack[0] = 2;
  ack.writeUIntBE(random.oddInteger() % 2 ** 48, 1, 6);
  ack.writeUInt32BE(random.word(), 7);
  ack.writeUInt32BE(random.word(), 11);
  ack.writeUInt16BE(random.below(3), 19);
  ack.writeUInt32BE(random.word(), 21);
  const far = Buffer.alloc(12, 3);
  far.writeUIntBE(random.oddInteger() % 2 ** 48, 1, 6);
  far.writeUInt16BE(random.below(9), 7);
  const close = Uint8Array.of(6, 0, random.below(4), 1, 255);
  return random.pick<Uint8Array>([ack, far, close, Uint8Array.of(5, 1, 2, 3, 4, 5, 6, 7, 8)]);
}

function muxFrame(random: FuzzRandom): Uint8Array {
  const id = random.chance(4) ? random.oddInteger() : random.below(12);
  const value = random.chance(2) ? random.oddInteger() : 1 << 20;
  const frames: readonly (() => Uint8Array)[] = [
    () => encodeOpen(id | 1, value, 0, random.bytes(random.below(20))),
    () => encodeOpen(random.oddInteger(), value, 0, new Uint8Array(0)),
    () => encodeUint64Frame(frameType.window, id, value),
    () => encodeUint64Frame(frameType.openAck, id, value),
    () => encodeUint64Frame(frameType.goaway, 0, value),
    () => encodeUint64Frame(frameType.keepalive, 0, value),
    () => encodeCodeFrame(frameType.stop, id, random.below(9)),
    () => encodeCodeFrame(frameType.streamReset, id, random.below(9)),
    () => encodeCodeFrame(extensionType.streamDetail, id, random.word()),
    () => encodeDataFlags(id, random.below(4)),
    () => random.flipped(encodeOpen(1, 1 << 20, 0, new Uint8Array(0))),
  ];
  return random.pick(frames)();
}
