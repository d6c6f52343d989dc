import fc from 'fast-check';
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
  udpAddon,
  udpTwinApi,
  type ReceivedRun,
  type RunToSend,
} from './udp-implementations.js';

const whole = (runs: readonly ReceivedRun[]): number =>
  runs.reduce((sum, { bytes }) => sum + bytes.length, 0);

/** The content by offset, as a stream would have it. */
function joined(runs: readonly ReceivedRun[], bytes: number): Uint8Array {
  const content = new Uint8Array(bytes);
  for (const run of runs) content.set(run.bytes, run.offset);
  return content;
}

describeUdp('runs', (api) => {
  it('arrive with their numbers, stream, offset and end, and joined', async () => {
    const [one, other] = [await packetSocket(api), await packetSocket(api)];
    const { near, far } = connect(one, other);
    const received = collect(other);
    const content = patternOf(20 * 1200 + 7);
    const run = { connection: near, number: 5, packets: 21, stream: 77, offset: 2 ** 40, packetBytes: 1200 };
    expect(sendRuns(one, [{ ...run, fin: true, pieces: [content] }])).toBe(1);
    await received.until((runs) => whole(runs) === content.length);
    const first = received.runs[0]!;
    expect(first).toMatchObject({ kind: packetKind.data, connection: far, number: 5, stream: 77, path: 0 });
    expect(first.offset).toBe(2 ** 40);
    expect(received.runs.reduce((sum, { packets }) => sum + packets, 0)).toBe(21);
    expect(received.runs.length).toBeLessThan(21);
    expect(received.runs.map(({ fin }) => fin)).toEqual(
      received.runs.map((_, i) => Number(i === received.runs.length - 1)),
    );
    expect(Buffer.concat(received.runs.map(({ bytes }) => bytes)).equals(content)).toBe(true);
  });

  it('are identical whatever their sizes, pieces and order', async () => {
    const [one, other] = [await packetSocket(api), await packetSocket(api)];
    const { near } = connect(one, other);
    const received = collect(other);
    let number = 1;
    const shape = fc.array(
      fc.record({
        packets: fc.integer({ min: 1, max: packetLayout.maxRunPackets }),
        packetBytes: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 900, max: 3000 })),
        lastBytes: fc.double({ min: 0, max: 1, noNaN: true }),
        cuts: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 6 }),
        stream: fc.integer({ min: 0, max: 3 }),
        /** Numbers that were lost before it. */
        lost: fc.integer({ min: 0, max: 2 }),
      }),
      { minLength: 1, maxLength: 8 },
    );
    await fc.assert(
      fc.asyncProperty(shape, async (shapes) => {
        received.runs.length = 0;
        const offsets = [0, 0, 0, 0];
        const contents = shapes.map(({ packets, packetBytes, lastBytes }) =>
          patternOf((packets - 1) * packetBytes + Math.max(1, Math.round(lastBytes * packetBytes))),
        );
        const runs = shapes.map(({ packets, packetBytes, cuts, stream, lost }, i): RunToSend => {
          const content = contents[i]!;
          const ends = [...cuts.map((cut) => Math.round(cut * content.length)), content.length].sort(
            (a, b) => a - b,
          );
          const pieces = ends.map((end, j) => content.subarray(ends[j - 1] ?? 0, end));
          number += lost;
          const run = {
            connection: near,
            number,
            packets,
            packetBytes,
            stream,
            offset: offsets[stream]!,
            pieces,
          };
          number += packets;
          offsets[stream]! += content.length;
          return run;
        });
        expect(sendRuns(one, runs)).toBe(runs.length);
        const total = contents.reduce((sum, { length }) => sum + length, 0);
        await received.until((found) => whole(found) >= total);
        for (const stream of [0, 1, 2, 3]) {
          const expected = Buffer.concat(contents.filter((_, i) => shapes[i]!.stream === stream));
          const found = joined(
            received.runs.filter((run) => run.stream === stream),
            expected.length,
          );
          expect(expected.equals(found)).toBe(true);
        }
        const numbersOf = (all: readonly { number: number; packets: number }[]): number[] =>
          all.flatMap((run) => Array.from({ length: run.packets }, (_, i) => run.number + i));
        expect(numbersOf(received.runs)).toEqual(numbersOf(runs));
        expect(received.runs.every(({ packets }) => packets <= packetLayout.maxRunPackets)).toBe(true);
      }),
      { numRuns: 60, endOnFailure: true },
    );
  }, 30_000);

  it('of several connections on one socket stay apart, and each stays joined', async () => {
    const [one, other] = [await packetSocket(api, { gso: false }), await packetSocket(api, { gro: false })];
    const ends = [1, 2, 3].map((seed) => connect(one, other, seed));
    const received = collect(other);
    const content = patternOf(30 * 100);
    // Packet by packet in turns.
    sendRuns(
      one,
      Array.from({ length: 30 }, (_, i) => i).flatMap((i) =>
        ends.map(({ near }) => ({
          ...{ connection: near, number: i + 1, packets: 1, packetBytes: 100, offset: i * 100 },
          pieces: [content.subarray(i * 100, i * 100 + 100)],
        })),
      ),
    );
    await received.until((runs) => whole(runs) === 3 * content.length);
    for (const { far } of ends) {
      const own = received.runs.filter(({ connection }) => connection === far);
      expect(Buffer.concat(own.map(({ bytes }) => bytes)).equals(content)).toBe(true);
      expect(own.length).toBeLessThan(10);
    }
  });

  it('may be a packet without content, and one of a thousand pieces and more', async () => {
    const [one, other] = [await packetSocket(api), await packetSocket(api)];
    const { near } = connect(one, other);
    const received = collect(other);
    const content = patternOf(3000);
    sendRuns(one, [
      { connection: near, number: 1, packets: 1, packetBytes: 1, fin: true, pieces: [] },
      {
        ...{ connection: near, number: 2, packets: 2, packetBytes: 1500, stream: 9 },
        pieces: Array.from(content, (_, i) => content.subarray(i, i + 1)),
      },
    ]);
    await received.until((runs) => whole(runs) === content.length);
    expect(received.runs[0]).toMatchObject({ number: 1, packets: 1, fin: 1, bytes: new Uint8Array() });
    expect(Buffer.concat(received.runs.slice(1).map(({ bytes }) => bytes)).equals(content)).toBe(true);
  });

  it('leave control packets in their place, which may be padded', async () => {
    const [one, other] = [await packetSocket(api), await packetSocket(api)];
    const { near, far } = connect(one, other);
    const received = collect(other);
    expect(one.sendControl(near, 0, 1, Uint8Array.of(1, 2, 3))).toBe(true);
    sendRuns(one, [{ connection: near, number: 2, packets: 1, packetBytes: 9, pieces: [bytesOf(9, 9)] }]);
    expect(one.sendControl(near, 0, 3, Uint8Array.of(7), 1200)).toBe(true);
    await received.until((runs) => runs.length === 3);
    const padded = bytesOf(1200 - packetLayout.framesAt - packetLayout.tagBytes, 0);
    padded[0] = 7;
    expect(received.runs).toMatchObject([
      { kind: packetKind.control, connection: far, number: 1, packets: 1, bytes: Uint8Array.of(1, 2, 3) },
      { kind: packetKind.data, number: 2, bytes: bytesOf(9, 9) },
      { kind: packetKind.control, number: 3, bytes: padded },
    ]);
  });

  it('are checked whole before anything is sent', async () => {
    const [one, other] = [await packetSocket(api), await packetSocket(api)];
    const { near } = connect(one, other);
    const good = { connection: near, number: 1, packets: 2, packetBytes: 100, pieces: [bytesOf(150, 1)] };
    const wrong: Partial<RunToSend>[] = [
      { packets: 3 },
      { packets: 1 },
      { packets: 0, pieces: [] },
      { packets: 353, pieces: [bytesOf(35_250, 1)] },
      { connection: near + 1 },
      { number: 2 ** 48 - 1 },
      { offset: 2 ** 48 - 100 },
      { offset: -1 },
      { stream: 2 ** 32 },
      { number: 1.5 },
      { packetBytes: 65_500, packets: 1 },
    ];
    for (const part of wrong) expect(() => sendRuns(one, [good, { ...good, ...part }])).toThrow(RangeError);
    expect(() => one.sendRuns(1, new Float64Array(10), [1 as unknown as Uint8Array])).toThrow(TypeError);
    expect(() => one.sendRuns(2, new Float64Array(10), [])).toThrow(RangeError);
    expect(one.counters.packetsSent).toBe(0);
    expect(sendRuns(one, [good])).toBe(1);
  });
});

it.runIf(udpAddon)('either implementation reads what the other sends, byte by byte the same', async () => {
  const frames = Uint8Array.of(1, 0, 0);
  const sentBy = async (api: typeof udpTwinApi): Promise<Buffer> => {
    const one = await packetSocket(api);
    const raw = await batchSocket(udpTwinApi);
    const packets: Buffer[] = [];
    const near = one.addConnection({
      ...{
        localId: bytesOf(8, 1),
        remoteId: bytesOf(8, 2),
        sendKey: bytesOf(16, 3),
        receiveKey: bytesOf(16, 4),
      },
      remote: raw.address,
    });
    raw.onDatagrams((runs) => packets.push(...runs.map(({ bytes }) => Buffer.from(bytes))));
    const run = {
      connection: near,
      number: 2 ** 41 + 3,
      packets: 19,
      stream: 2 ** 31 + 5,
      offset: 2 ** 47 + 9,
    };
    sendRuns(one, [{ ...run, fin: true, packetBytes: 50, pieces: [patternOf(920)] }]);
    one.sendControl(near, 0, 2 ** 42, frames, 60);
    await turnsUntil(
      () => raw.counters.packetsReceived === 20 && Buffer.concat(packets).length === 19 * 33 + 920 + 60,
    );
    return Buffer.concat(packets);
  };
  expect((await sentBy(udpAddon!)).equals(await sentBy(udpTwinApi))).toBe(true);
});
