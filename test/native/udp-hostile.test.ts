import { expect, it } from 'vitest';
import { packetKind, packetLayout } from '../../src/native/udp-api.js';
import {
  batchSocket,
  bytesOf,
  collect,
  connect,
  describeUdp,
  packetSocket,
  patternOf,
  sendRuns,
  turnsUntil,
  type Udp,
} from './udp-implementations.js';

const last = Uint8Array.of(0x10, 0xee);

/** Whole datagrams as a packet socket sends them, one of data and one of control, each with its number. */
async function captured(api: Udp, ids: { localId: Uint8Array; key: Uint8Array }): Promise<Buffer[]> {
  const sender = await packetSocket(api);
  const tap = await batchSocket(api);
  const found: Buffer[] = [];
  tap.onDatagrams((runs) => {
    for (const { bytes, segmentBytes } of runs)
      for (let at = 0; at < bytes.length; at += segmentBytes)
        found.push(Buffer.from(bytes.slice(at, at + segmentBytes)));
  });
  const connection = sender.addConnection({
    ...{ localId: bytesOf(8, 90), remoteId: ids.localId, sendKey: ids.key, receiveKey: ids.key },
    remote: tap.address,
  });
  sendRuns(sender, [{ connection, number: 1, packets: 1, packetBytes: 100, pieces: [patternOf(100)] }]);
  sender.sendControl(connection, 0, 2, patternOf(30));
  await turnsUntil(() => found.length === 2);
  return found;
}

describeUdp('a packet socket', (api) => {
  it('drops and counts what is forged: any changed bit of a header or of a control packet, any other length', async () => {
    const [socket, attacker] = [await packetSocket(api), await batchSocket(api)];
    const [localId, key] = [bytesOf(8, 7), bytesOf(16, 8)];
    socket.addConnection({
      ...{ localId, remoteId: bytesOf(8, 9), sendKey: key, receiveKey: key },
      remote: attacker.address,
    });
    const received = collect(socket);
    const [data, control] = (await captured(api, { localId, key })) as [Buffer, Buffer];
    const changed = (packet: Buffer, at: number, bit: number): Buffer => {
      const copy = Buffer.from(packet);
      copy[at]! ^= 1 << bit;
      return copy;
    };
    const covered = [
      ...Array.from({ length: packetLayout.dataHeaderBytes }, (_, at) => ({ packet: data, at })),
      ...Array.from(control, (_, at) => ({ packet: control, at })),
    ];
    let [strays, unknown, forged] = [0, 0, 0];
    const to = socket.address;
    const counted = (): number =>
      received.runs.length + socket.counters.packetsUnknown + socket.counters.packetsForged;
    for (const { packet, at } of covered) {
      for (let bit = 0; bit < 8; bit++) {
        const bytes = changed(packet, at, bit);
        if (at > 0 && at < packetLayout.numberAt) unknown++;
        else if (at === 0 && ![0x20, 0x21, 0x30].includes(bytes[0]!)) strays++;
        else forged++;
        attacker.send([{ to, bytes }]);
        await turnsUntil(() => counted() === strays + unknown + forged);
      }
    }
    const others = [data, control].flatMap((packet) => [
      packet.subarray(0, packet.length - 1),
      packet.subarray(0, packetLayout.dataHeaderBytes),
      Buffer.concat([packet, Buffer.alloc(1)]),
    ]);
    for (const bytes of others) {
      forged++;
      attacker.send([{ to, bytes }]);
      await turnsUntil(() => counted() === strays + unknown + forged);
    }
    expect(socket.counters).toMatchObject({ packetsUnknown: unknown, packetsForged: forged });
    expect(received.runs.every(({ kind }) => kind === packetKind.stray)).toBe(true);
    attacker.send([data, control].map((bytes) => ({ to, bytes })));
    await received.until((runs) => runs.some(({ kind }) => kind === packetKind.control));
    expect(received.runs.slice(strays)).toMatchObject([
      { kind: packetKind.data, number: 1, bytes: patternOf(100) },
      { kind: packetKind.control, number: 2, bytes: patternOf(30) },
    ]);
  });

  it('drops and counts what is cut short, at every length', async () => {
    const [socket, attacker] = [await packetSocket(api), await batchSocket(api)];
    const [localId, key] = [bytesOf(8, 7), bytesOf(16, 8)];
    socket.addConnection({
      ...{ localId, remoteId: bytesOf(8, 9), sendKey: key, receiveKey: key },
      remote: attacker.address,
    });
    const received = collect(socket);
    const [data, control] = (await captured(api, { localId, key })) as [Buffer, Buffer];
    const to = socket.address;
    const cut = [
      ...Array.from({ length: packetLayout.dataHeaderBytes }, (_, length) => data.subarray(0, length)),
      ...Array.from({ length: control.length - 1 }, (_, i) => control.subarray(0, i + 1)),
    ];
    for (const bytes of cut) attacker.send([{ to, bytes }]);
    attacker.send([{ to, bytes: last }]);
    await received.until((runs) => runs.length === 1);
    const unknown = packetLayout.numberAt + packetLayout.numberAt - 1;
    expect(socket.counters).toMatchObject({
      packetsUnknown: unknown,
      packetsForged: cut.length - unknown,
      packetsReceived: cut.length + 1,
    });
  });

  it('gives datagrams of other types as they are, with their source', async () => {
    const [socket, stranger] = [await packetSocket(api), await packetSocket(api)];
    const received = collect(socket);
    const sent = [0x00, 0x10, 0x1f, 0x22, 0x31, 0xff].map((type) => Uint8Array.of(type, ...patternOf(40)));
    for (const bytes of sent) expect(stranger.sendStray(socket.address, bytes)).toBe(true);
    await received.until((runs) => runs.length === sent.length);
    expect(received.runs).toMatchObject(
      sent.map((bytes) => ({
        ...{ kind: packetKind.stray, connection: -1, path: -1 },
        bytes,
        source: stranger.address,
      })),
    );
  });

  it('knows a connection no more once it is removed, and gives its number to another', async () => {
    const [one, other] = [await packetSocket(api), await packetSocket(api)];
    const { near, far } = connect(one, other);
    const received = collect(other);
    other.removeConnection(far);
    sendRuns(one, [{ connection: near, number: 1, packets: 1, packetBytes: 5, pieces: [bytesOf(5, 1)] }]);
    await turnsUntil(() => other.counters.packetsUnknown === 1);
    one.removeConnection(near);
    const again = connect(one, other, 2);
    expect(again).toEqual({ near, far });
    sendRuns(one, [{ connection: near, number: 2, packets: 1, packetBytes: 5, pieces: [bytesOf(5, 1)] }]);
    await received.until((runs) => runs.length === 1);
    expect(() => connect(one, other, 2)).toThrow(RangeError);
    expect(() => one.addressOf(near + 1, 0)).toThrow(RangeError);
    expect(() => one.sendControl(near + 1, 0, 1, last)).toThrow(RangeError);
  });

  it('gives the number of a connection to another only when the batch that may name it is done', async () => {
    const [one, other] = [await packetSocket(api), await packetSocket(api)];
    const { far } = connect(one, other);
    const given: number[] = [];
    const add = (seed: number): number => connect(one, other, seed).far;
    other.onPackets(() => {
      other.removeConnection(far);
      given.push(add(2));
    });
    one.sendStray(other.address, last);
    await turnsUntil(() => given.length === 1);
    expect(given).not.toContain(far);
    expect(add(3)).toBe(far);
  });

  it('tells the source of strays alone', async () => {
    const [one, other] = [await packetSocket(api), await packetSocket(api)];
    const { near } = connect(one, other);
    const found: unknown[] = [];
    other.onPackets(({ runs, sourceOf }) => {
      for (let run = 0; run <= runs; run++) {
        try {
          found.push(sourceOf(run));
        } catch (error) {
          found.push(error);
        }
      }
    });
    one.sendStray(other.address, last);
    await turnsUntil(() => found.length === 2);
    one.sendControl(near, 0, 1, last);
    await turnsUntil(() => found.length === 4);
    const none = expect.any(RangeError) as unknown;
    expect(found).toEqual([one.address, none, none, none]);
  });

  it('has bounded work and memory for garbage', async () => {
    const [socket, attacker] = [await packetSocket(api), await batchSocket(api)];
    socket.addConnection({
      ...{
        localId: bytesOf(8, 7),
        remoteId: bytesOf(8, 9),
        sendKey: bytesOf(16, 1),
        receiveKey: bytesOf(16, 2),
      },
      remote: attacker.address,
    });
    const received = collect(socket);
    const to = socket.address;
    const total = socket.features.kind === 'native' ? 1_000_000 : 50_000;
    // Of no connection, and of ours without its key.
    const unknown = Buffer.concat(Array.from({ length: 40 }, (_, i) => Buffer.alloc(60, 0x20 + (i % 2))));
    const forged = Buffer.from(unknown).fill(7);
    for (let at = 0; at < forged.length; at += 60) forged[at] = 0x30;
    const datagrams = [unknown, forged].map((bytes) => ({ to, bytes, segmentBytes: 60 }));
    const before = process.memoryUsage().rss;
    let sent = 0;
    while (sent < total) {
      attacker.send(datagrams);
      sent += 80;
      await turnsUntil(() => attacker.counters.packetsSent === sent);
      if (sent % 8000 === 0) await turnsUntil(() => socket.counters.packetsReceived === sent);
    }
    await turnsUntil(() => socket.counters.packetsReceived === sent);
    await turnsUntil(() => socket.counters.packetsUnknown + socket.counters.packetsForged === sent);
    expect(socket.counters.packetsUnknown).toBe(socket.counters.packetsForged);
    expect(received.batches()).toBe(0);
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 2 ** 20);
  }, 60_000);
});

describeUdp('paths', (api) => {
  const remote = (port: number) => ({ host: '127.0.0.1', port });

  it('are numbered by address: a verified packet from elsewhere has a new one', async () => {
    const [one, other] = [await packetSocket(api), await packetSocket(api)];
    const moved = await packetSocket(api);
    const { near, far } = connect(one, other);
    const received = collect(other);
    connect(moved, other, 2);
    const key = bytesOf(16, 1);
    const nearAgain = moved.addConnection({
      ...{ localId: bytesOf(8, 99), remoteId: bytesOf(8, 3), sendKey: key, receiveKey: key },
      remote: other.address,
    });
    one.sendControl(near, 0, 1, last);
    await received.until((runs) => runs.length === 1);
    moved.sendControl(nearAgain, 0, 2, last);
    await received.until((runs) => runs.length === 2);
    one.sendControl(near, 0, 3, last);
    await received.until((runs) => runs.length === 3);
    expect(received.runs.map(({ connection, path }) => [connection, path])).toEqual([
      [far, 0],
      [far, 1],
      [far, 0],
    ]);
    expect(other.addressOf(far, 0)).toEqual(one.address);
    expect(other.addressOf(far, 1)).toEqual(moved.address);
    expect(other.path(far, moved.address)).toBe(1);
    // Answers go where they are told to.
    const answers = collect(moved);
    other.sendControl(far, 1, 1, last);
    await turnsUntil(() => moved.counters.packetsUnknown === 1);
    expect(answers.runs).toEqual([]);
  });

  it('are eight at most: the first stays, of the others the one not used for longest goes', async () => {
    const [one, other] = [await packetSocket(api), await packetSocket(api)];
    const { near } = connect(one, other);
    const numbers = Array.from({ length: 7 }, (_, i) => one.path(near, remote(1000 + i)));
    expect(numbers).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(one.path(near, remote(1000))).toBe(1);
    expect(one.path(near, remote(2000))).toBe(8);
    expect(one.addressOf(near, 0)).toEqual(other.address);
    expect(one.addressOf(near, 1)).toEqual(remote(1000));
    expect(() => one.addressOf(near, 2)).toThrow(RangeError);
    expect(one.path(near, remote(1001))).toBe(9);
    // What is sent to one that is gone is lost, like a packet; it goes nowhere else.
    const run = { connection: near, number: 1, packets: 3, packetBytes: 10, pieces: [bytesOf(30, 1)] };
    expect(
      sendRuns(one, [
        { ...run, path: 2 },
        { ...run, number: 4 },
      ]),
    ).toBe(1);
    expect(one.counters.packetsFailed).toBe(3);
  });

  it('in use stay, whatever is received from elsewhere', async () => {
    const one = await packetSocket(api);
    const { near } = connect(one, await packetSocket(api));
    const used = one.path(near, remote(1));
    one.usePath(near, used);
    // As replays from many addresses do.
    for (let i = 0; i < 20; i++) one.path(near, remote(1000 + i));
    expect(one.addressOf(near, used)).toEqual(remote(1));
    one.usePath(near, used + 1);
    for (let i = 0; i < 20; i++) one.path(near, remote(2000 + i));
    expect(one.addressOf(near, used)).toEqual(remote(1));
    one.usePath(near, 0);
    for (let i = 0; i < 20; i++) one.path(near, remote(3000 + i));
    expect(() => one.addressOf(near, used)).toThrow(RangeError);
    expect(() => one.usePath(near + 1, 0)).toThrow(RangeError);
  });

  it.each(['127.0.0.1', '::1', '::'])('that are gone break nothing on %s', async (host) => {
    const one = await packetSocket(api, { host });
    const other = await packetSocket(api, { host: host === '::' ? '::1' : host });
    const own = other.address.host;
    const { near } = connect(one, other, 1, { one: own, other: own });
    const broken: unknown[] = [];
    one.onError((error) => broken.push(error));
    collect(one);
    const received = collect(other);
    const run = { connection: near, packets: 3, packetBytes: 10, pieces: [bytesOf(30, 1)] };
    expect(sendRuns(one, [{ ...run, number: 1, path: 7 }])).toBe(0);
    expect(one.counters).toMatchObject({ packetsFailed: 3, packetsDropped: 0 });
    one.sendControl(near, 7, 4, last);
    expect(sendRuns(one, [{ ...run, number: 5 }])).toBe(1);
    await received.until((runs) => runs.length > 0);
    expect(one.counters.packetsFailed).toBe(4);
    expect(broken).toEqual([]);
  });
});
