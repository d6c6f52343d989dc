import { expect, it } from 'vitest';
import {
  batchSocket,
  bytesOf,
  collect,
  describeUdpAddon,
  packetSocket,
  patternOf,
  sendRuns,
  turnsUntil,
} from './udp-implementations.js';

/** Loopback has all of 127.0.0.0/8, and the kernel prefers the first: what it would choose is not what was asked. */
const asked = '127.0.0.2';
const keys = { sendKey: bytesOf(16, 3), receiveKey: bytesOf(16, 4) };
const hello = Uint8Array.of(0x10, 0xee);

describeUdpAddon('a listener on a wildcard', (api) => {
  it.each(['0.0.0.0', '::'])('%s answers from the address that was asked', async (host) => {
    const listener = await packetSocket(api, { host });
    const dialer = await batchSocket(api);
    const answers: { from: unknown; packets: number }[] = [];
    dialer.onDatagrams((runs) => {
      for (const { from, bytes, segmentBytes } of runs)
        answers.push({ from, packets: Math.ceil(bytes.length / segmentBytes) });
    });
    const counted = (): number => answers.reduce((sum, { packets }) => sum + packets, 0);
    const received = collect(listener);
    const { port } = listener.address;
    dialer.send([{ to: { host: asked, port }, bytes: hello }]);
    await received.until((runs) => runs.length === 1);
    const source = received.runs[0]!.source!;
    expect(source).toEqual({ ...dialer.address, local: asked });

    expect(listener.sendStray(source, hello)).toBe(true);
    const connection = listener.addConnection({
      ...{ localId: bytesOf(8, 1), remoteId: bytesOf(8, 2), ...keys },
      remote: source,
    });
    expect(listener.addressOf(connection, 0)).toEqual(dialer.address);
    listener.sendControl(connection, 0, 1, hello);
    const run = { connection, packets: 20, packetBytes: 100, pieces: [patternOf(1990)] };
    expect(
      sendRuns(listener, [
        { ...run, number: 2 },
        { ...run, number: 22 },
      ]),
    ).toBe(2);
    await turnsUntil(() => counted() === 42);
    for (const { from } of answers) expect(from).toEqual({ host: asked, port });
    expect(listener.counters).toMatchObject({ packetsSent: 42, packetsFailed: 0 });
  });

  it('remembers it for paths that packets come by', async () => {
    const listener = await packetSocket(api, { host: '0.0.0.0' });
    const [dialer, moved] = [await packetSocket(api), await packetSocket(api)];
    const ends = { localId: bytesOf(8, 1), remoteId: bytesOf(8, 2), ...keys };
    const connection = listener.addConnection({ ...ends, remote: dialer.address });
    const far = moved.addConnection({
      ...{
        localId: bytesOf(8, 2),
        remoteId: bytesOf(8, 1),
        sendKey: keys.receiveKey,
        receiveKey: keys.sendKey,
      },
      remote: { host: asked, port: listener.address.port },
    });
    const received = collect(listener);
    moved.sendControl(far, 0, 1, hello);
    await received.until((runs) => runs.length === 1);
    expect(received.runs[0]).toMatchObject({ connection, path: 1 });
    const answers = collect(moved);
    listener.sendControl(connection, 1, 1, hello);
    await answers.until((runs) => runs.length === 1);
    // Its path 0 is the address that it sends to: that is where the answer came from.
    expect(answers.runs[0]).toMatchObject({ connection: far, path: 0 });
  });

  it.each([
    { host: '0.0.0.0', peer: '127.0.0.1', local: '192.0.2.1' },
    { host: '::', peer: '127.0.0.1', local: '192.0.2.1' },
    { host: '::', peer: '::1', local: '2001:db8::99' },
  ])(
    'answers as the kernel chooses where the address is no longer ours: %j',
    async ({ host, peer, local }) => {
      const listener = await packetSocket(api, { host });
      const other = await packetSocket(api, { host: peer });
      const { gso } = listener.features;
      const received = collect(other);
      const gone = { ...other.address, local };
      expect(listener.sendStray(gone, hello)).toBe(true);
      const connection = listener.addConnection({
        ...{ localId: bytesOf(8, 1), remoteId: bytesOf(8, 2), ...keys },
        remote: gone,
      });
      other.addConnection({
        ...{
          localId: bytesOf(8, 2),
          remoteId: bytesOf(8, 1),
          sendKey: keys.receiveKey,
          receiveKey: keys.sendKey,
        },
        remote: { host: peer, port: listener.address.port },
      });
      const run = { connection, number: 1, packets: 20, packetBytes: 100, pieces: [patternOf(2000)] };
      expect(sendRuns(listener, [run])).toBe(1);
      await received.until((runs) => runs.reduce((sum, { packets }) => sum + packets, 0) === 21);
      // The kernel says EINVAL of a message with such a source: that says nothing of UDP_SEGMENT.
      expect(listener.features.gso).toBe(gso);
    },
  );
});
