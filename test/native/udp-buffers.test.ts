import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { batchSocket, describeUdp, describeUdpAddon } from './udp-implementations.js';

const MiB = 2 ** 20;

async function bound(type: 'udp4' | 'udp6', port = 0): Promise<Socket> {
  const socket = createSocket({ type, ipv6Only: type === 'udp6' });
  onTestFinished(() => void socket.close());
  socket.bind(port, type === 'udp4' ? '127.0.0.1' : '::');
  await once(socket, 'listening');
  return socket;
}

const sizes = (socket: Socket) => ({
  receiveBufferBytes: socket.getRecvBufferSize(),
  sendBufferBytes: socket.getSendBufferSize(),
});

describeUdp('buffers of sockets that others opened', ({ widenBuffers }) => {
  it('are of a port that somebody has', () => {
    expect(widenBuffers(0, MiB)).toBeUndefined();
    expect(widenBuffers(1, MiB)).toBeUndefined();
  });

  it.each<[unknown, unknown, typeof Error]>([
    ['1', 1, TypeError],
    [1, undefined, TypeError],
    [-1, 1, RangeError],
    [65_536, 1, RangeError],
    [1, 0.5, RangeError],
    [1, 2 ** 30, RangeError],
  ])('are asked for with a port and bytes: %s, %s', (port, bytes, kind) => {
    expect(() => widenBuffers(port as number, bytes as number)).toThrow(kind);
  });
});

describeUdpAddon('buffers of sockets that others opened', (api) => {
  it('are as large as those of our own are then, in both families', async () => {
    const first = await bound('udp4');
    const { port } = first.address();
    const second = await bound('udp6', port);
    const beside = await bound('udp4');
    const before = sizes(beside);
    // What it may have is the same for both.
    const own = await batchSocket(api, { socketBufferBytes: MiB });
    const { receiveBufferBytes, sendBufferBytes } = own.features;
    const wanted = {
      receiveBufferBytes: Math.max(receiveBufferBytes, before.receiveBufferBytes),
      sendBufferBytes: Math.max(sendBufferBytes, before.sendBufferBytes),
    };
    expect(api.widenBuffers(port, MiB)).toEqual(wanted);
    expect([sizes(first), sizes(second), sizes(beside)]).toEqual([wanted, wanted, before]);
  });

  it('never shrink', async () => {
    const socket = await bound('udp4');
    const before = sizes(socket);
    for (const bytes of [0, 1, 10_000])
      expect(api.widenBuffers(socket.address().port, bytes)).toEqual(before);
    expect(sizes(socket)).toEqual(before);
  });

  it('are those of UDP alone', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    expect(api.widenBuffers((server.address() as AddressInfo).port, MiB)).toBeUndefined();
  });
});
