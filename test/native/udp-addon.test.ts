import { spawnSync } from 'node:child_process';
import { expect, it, onTestFinished } from 'vitest';
import { loadUdpAddon, slabBytes, type AddonUdpSocket } from '../../src/native/udp-addon.js';
import { runField } from '../../src/native/udp-api.js';
import {
  bytesOf,
  collect,
  connect,
  describeUdpAddon,
  packetSocket,
  patternOf,
  sendRuns,
  turnsUntil,
} from './udp-implementations.js';

const none = (): void => undefined;

/** The bare addon's, which nobody checks arguments for. */
function bare(coalesceMessages: number, coalesceUs: number): AddonUdpSocket {
  const { UdpSocket } = loadUdpAddon();
  const [slab, fields] = [new Uint8Array(slabBytes), new Float64Array(512 * 11)];
  const coalescing = [coalesceMessages, coalesceUs] as const;
  const socket = new UdpSocket(true, '127.0.0.1', 0, 0, true, true, ...coalescing, slab, fields);
  onTestFinished(() => socket.close());
  return socket;
}

describeUdpAddon('the bare addon', (api) => {
  it('hands over what waits for no time at all', async () => {
    const socket = bare(8, 0);
    let batches = 0;
    socket.start(() => batches++, none, none, none);
    (await packetSocket(api)).sendStray(socket.address(), Uint8Array.of(0x10));
    await turnsUntil(() => batches === 1);
  });

  it('refuses arrays that only say that they are long', async () => {
    const one = await packetSocket(api);
    const pieces: Uint8Array[] = [];
    pieces.length = 2 ** 32 - 1;
    expect(() => one.sendRuns(0, new Float64Array(runField.size), pieces)).toThrow(TypeError);
  });

  it('sends nothing of memory that a later piece took away', async () => {
    const [one, other] = [await packetSocket(api), await packetSocket(api)];
    const { near } = connect(one, other);
    const pieces = [patternOf(1000), bytesOf(500, 1)];
    const { buffer } = pieces[0]!;
    Object.defineProperty(pieces, 1, {
      get: () => {
        structuredClone(buffer, { transfer: [buffer as ArrayBuffer] });
        return bytesOf(500, 1);
      },
    });
    // connection, path, number, packets, stream, offset, fin, packetBytes, bytes, pieces
    const fields = Float64Array.of(near, 0, 1, 1, 4, 0, 0, 1500, 1500, 2);
    expect(() => one.sendRuns(1, fields, pieces)).toThrow(RangeError);
    expect(one.counters.packetsSent).toBe(0);
  });

  it('sends both where a piece sends by itself', async () => {
    const [one, other] = [await packetSocket(api), await packetSocket(api)];
    const { near } = connect(one, other);
    const received = collect(other);
    const pieces = [bytesOf(1000, 1), bytesOf(500, 2)];
    Object.defineProperty(pieces, 1, {
      get: () => {
        const inner = { connection: near, number: 1, packets: 1, packetBytes: 50, pieces: [bytesOf(50, 3)] };
        expect(sendRuns(one, [inner])).toBe(1);
        return bytesOf(500, 2);
      },
    });
    const fields = Float64Array.of(near, 0, 9, 1, 4, 0, 0, 1500, 1500, 2);
    expect(one.sendRuns(1, fields, pieces)).toBe(1);
    await received.until((runs) => runs.length === 2);
    const content = Buffer.concat([bytesOf(1000, 1), bytesOf(500, 2)]);
    expect(received.runs.map(({ number }) => number)).toEqual([1, 9]);
    expect(Buffer.from(received.runs[0]!.bytes)).toEqual(Buffer.from(bytesOf(50, 3)));
    expect(Buffer.from(received.runs[1]!.bytes).equals(content)).toBe(true);
  });
});

/** ICMP type 3 with this code (RFC 792), for a datagram from one port of loopback to another. */
const forge = `
import socket, struct, sys
source, to, code = map(int, sys.argv[1:])
local = socket.inet_aton('127.0.0.1')
header = struct.pack('!BBHHHBBH4s4s', 0x45, 0, 28, 1, 0, 64, 17, 0, local, local)
body = bytes(4) + header + struct.pack('!HHHH', source, to, 8, 0)
first = struct.pack('!BBH', 3, code, 0) + body
total = sum(struct.unpack('!%dH' % (len(first) // 2), first))
total = (total & 0xffff) + (total >> 16)
packet = struct.pack('!BBH', 3, code, ~(total + (total >> 16)) & 0xffff) + body
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
s.sendto(packet, ('127.0.0.1', 0))
`;
const canForge =
  spawnSync('python3', ['-c', 'import socket; socket.socket(2, socket.SOCK_RAW, 1)']).status === 0;
if (!canForge) process.stderr.write('NOT TESTED: forged ICMP: no python3 with raw sockets here\n');

/** All but 4, which the kernel would remember as the MTU of the path, for everyone on this machine. */
const codes = [0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

describeUdpAddon('a forged ICMP message', (api) => {
  it.runIf(canForge).each(codes)('of code %i breaks no socket', async (code) => {
    const [one, other] = [await packetSocket(api), await packetSocket(api)];
    const { near } = connect(one, other);
    const received = collect(other);
    const broken: unknown[] = [];
    one.onError((error) => broken.push(error));
    collect(one);
    const args = [one.address.port, other.address.port, code].map(String);
    const { status, stderr } = spawnSync('python3', ['-c', forge, ...args], { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    // Now the kernel has it for the next call, whatever that sends.
    one.sendControl(near, 0, 1, bytesOf(3, 1));
    await received.until((runs) => runs.length === 1);
    expect(broken).toEqual([]);
    expect(one.counters).toMatchObject({ packetsSent: 1, packetsFailed: 0 });
  });
});
