import { afterEach, describe, expect, it, vi } from 'vitest';
import { encodeBenchHeader } from '../../../src/bench/message.js';
import { encodeTransfersHeader } from '../../../src/bench/transfers-message.js';
import { BenchPeer } from '../../../src/bench/peer.js';
import { streamLoops } from '../../../src/bench/stream-loops.js';
import { benchDefaults } from '../../../src/config/index.js';
import { XferError } from '../../../src/errors/index.js';
import {
  OpenRefused,
  openErrorCode,
  resetCode,
  type Connection,
  type Stream,
} from '../../../src/transport/contract.js';
import { memory } from '../../support/memory-transport.js';

/** Of one bench, and of another one. */
const [id, otherId] = [new Uint8Array(16).fill(1), new Uint8Array(16).fill(2)];
const address = { scheme: 'memory', host: 'here', port: 7 };
const once = { pattern: 'latency', bytes: 8, limit: { iterations: 1 }, isBothWays: false } as const;
const never = new AbortController().signal;

/** Connections to one peer, as many as are asked for. */
async function peer() {
  const transport = await memory().load();
  const served = new BenchPeer();
  await transport.listen(address, { onConnection: (connection) => served.serve(connection) });
  const dial = (): Promise<Connection> => transport.dial(address, { signal: never });
  return { served, dial };
}

const refusal = async (connection: Connection, header: Uint8Array): Promise<number | undefined> =>
  connection.openStream({ header }).opened.then(
    () => undefined,
    (error: unknown) => (error instanceof OpenRefused ? error.openCode : -1),
  );

afterEach(() => vi.useRealTimers());

describe('the other end of a bench', () => {
  it.each([
    ['latency', false],
    ['memory', false],
    ['memory', true],
  ] as const)(
    'answers %s of any size, one stream after the other (both ways: %s)',
    async (pattern, isBothWays) => {
      const { dial } = await peer();
      const loops = streamLoops(await dial(), id, never);
      for (const bytes of [1, 3, 4096, 300_000]) {
        const { iterations, totalBytes, seconds, halfTrips } = await loops.run({
          ...{ pattern, bytes, isBothWays },
          limit: { iterations: 20 },
        });
        expect(iterations).toBe(20);
        expect(totalBytes).toBe(20 * bytes * (pattern === 'latency' || isBothWays ? 2 : 1));
        expect(seconds).toBeGreaterThan(0);
        expect(halfTrips?.count).toBe(pattern === 'latency' ? 20 : undefined);
      }
    },
  );

  it.each(['latency', 'memory'] as const)('counts %s from behind what warms up', async (pattern) => {
    const { dial } = await peer();
    const connection = await dial();
    const sent: number[] = [];
    const measure = (): void => void sent.push(connection.stats().bytesSent);
    const bytes = 4096;
    await streamLoops(connection, id, never, measure).run({
      ...{ pattern, bytes, isBothWays: false, limit: { iterations: 20 } },
    });
    const [before = NaN] = sent;
    expect(sent).toHaveLength(1);
    // Two messages warm up, twenty count.
    expect(Math.floor(before / bytes)).toBe(2);
    expect(Math.floor(connection.stats().bytesSent / bytes)).toBe(22);
  });

  it('has one bench at a time, a stream on each of its connections, and the next when all those have ended', async () => {
    const { dial } = await peer();
    const [first, lane, second] = [await dial(), await dial(), await dial()];
    const [own, header] = [encodeBenchHeader(id, 8), encodeBenchHeader(otherId, 8)];
    const stream = first.openStream({ header: own });
    await stream.opened;
    await lane.openStream({ header: own }).opened;
    expect(await refusal(first, own)).toBe(openErrorCode.resourceLimit);
    expect(await refusal(second, header)).toBe(openErrorCode.resourceLimit);
    await expect(streamLoops(second, otherId, never).run(once)).rejects.toMatchObject({
      code: 'ERR_XFER_LIMIT',
    });
    stream.reset(resetCode.cancelled);
    // Between two streams the turn stays with whoever has it.
    expect(await refusal(second, header)).toBe(openErrorCode.resourceLimit);
    await first.close();
    expect(await refusal(second, header)).toBe(openErrorCode.resourceLimit);
    lane.abort(new XferError('ERR_XFER_INTERRUPTED', 'over'));
    await lane.closed;
    await expect.poll(() => refusal(second, header)).toBeUndefined();
  });

  it('holds messages of so many bytes for one bench, and takes more when others are over', async () => {
    const { dial } = await peer();
    const { maxMessageBytes, maxTurnBytes } = benchDefaults;
    const header = encodeBenchHeader(id, maxMessageBytes);
    const streams = [];
    for (let held = 0; held < maxTurnBytes; held += maxMessageBytes) {
      const stream = (await dial()).openStream({ header });
      await stream.opened;
      streams.push(stream);
    }
    const last = await dial();
    expect(await refusal(last, header)).toBe(openErrorCode.resourceLimit);
    streams[0]?.reset(resetCode.cancelled);
    await expect.poll(() => refusal(last, header)).toBeUndefined();
  });

  it('refuses streams that are no bench, and sizes that are too large', async () => {
    const { dial } = await peer();
    const connection = await dial();
    expect(await refusal(connection, Uint8Array.of(1, 2))).toBe(openErrorCode.refused);
    const large = benchDefaults.maxMessageBytes + 1;
    expect(await refusal(connection, encodeBenchHeader(id, large))).toBe(openErrorCode.refused);
    await expect(
      streamLoops(connection, id, never).run({ ...once, pattern: 'memory', bytes: large }),
    ).rejects.toMatchObject({ code: 'ERR_XFER_REFUSED', remedy: 'start xfer bench --serve there' });
  });

  it('resets a stream that brings what is no message', async () => {
    const { dial } = await peer();
    const stream = (await dial()).openStream({ header: encodeBenchHeader(id, 4) });
    const reset = new Promise<number>((resolve) => stream.onReset(resolve));
    stream.send(Uint8Array.of(77));
    expect(await reset).toBe(resetCode.protocol);
  });

  it('reads no more from whoever does not read, and holds little for him', async () => {
    const { dial } = await peer();
    const connection = await dial();
    const bytes = 64 * 1024;
    const stream = connection.openStream({ header: encodeBenchHeader(id, bytes) });
    await stream.opened;
    stream.pause();
    stream.onData(() => undefined);
    const echo = new Uint8Array(bytes);
    echo[0] = 2;
    let released = 0;
    const wanted = 1000;
    for (let sent = 0; sent < wanted; sent++) stream.send(echo, () => released++);
    // What has gone nowhere after all turns that it may take stays here.
    for (let turn = 0; turn < 2000; turn++) await new Promise(setImmediate);
    expect(released).toBeGreaterThan(0);
    expect(released).toBeLessThan(wanted / 2);
    connection.abort(new XferError('ERR_XFER_INTERRUPTED', 'over'));
  });

  it('ends a connection that opens nothing, and a stream that does not end', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { dial } = await peer();
    const [idle, busy] = [await dial(), await dial()];
    const stream = busy.openStream({ header: encodeBenchHeader(id, 4) });
    const reset = new Promise<number>((resolve) => stream.onReset(resolve));
    await stream.opened;
    await vi.advanceTimersByTimeAsync(benchDefaults.idleMs);
    expect(await idle.closed).toMatchObject({ by: 'remote' });
    await vi.advanceTimersByTimeAsync(benchDefaults.streamMs);
    expect(await reset).toBe(resetCode.timeout);
  });
});

describe('a run that goes wrong', () => {
  it('says that the other end is gone', async () => {
    const { dial, served } = await peer();
    const connection = await dial();
    const run = streamLoops(connection, id, never).run({ ...once, limit: { timeMs: 30_000 } });
    const failed = expect(run).rejects.toMatchObject({ code: 'ERR_XFER_CONNECTION_LOST' });
    await new Promise(setImmediate);
    await served.close(new XferError('ERR_XFER_INTERRUPTED', 'interrupted'));
    await failed;
    await expect(streamLoops(connection, id, never).run(once)).rejects.toMatchObject({
      code: 'ERR_XFER_CONNECTION_LOST',
    });
  });

  it('ends at once with the signal, and by its reason', async () => {
    const { dial } = await peer();
    const ending = new AbortController();
    const run = streamLoops(await dial(), id, ending.signal).run({
      ...once,
      pattern: 'memory',
      limit: { timeMs: 30_000 },
    });
    const reason = new XferError('ERR_XFER_INTERRUPTED', 'interrupted');
    const failed = expect(run).rejects.toBe(reason);
    await new Promise(setImmediate);
    ending.abort(reason);
    await failed;
  });

  it('is over when the other end says nothing for too long', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
    const transport = await memory().load();
    await transport.listen(address, { onConnection: (connection) => connection.onStream((s) => s.accept()) });
    const connection = await transport.dial(address, { signal: never });
    const run = streamLoops(connection, id, never).run(once);
    const failed = expect(run).rejects.toMatchObject({ code: 'ERR_XFER_TIMEOUT' });
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
    await vi.advanceTimersByTimeAsync(2 * benchDefaults.silenceMs);
    await failed;
  });
});

describe('a stream that asks for transfers', () => {
  const header = encodeTransfersHeader(id);
  const lines = (stream: Stream): Promise<string> => {
    let text = '';
    stream.onData((bytes) => (text += Buffer.from(bytes).toString()));
    return stream.closed.then(() => text);
  };

  it('is ended where nobody says anything, and the peer ends at once', async () => {
    const { dial, served } = await peer();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const stream = (await dial()).openStream({ header });
    await stream.opened;
    const closed = vi.fn();
    void stream.closed.then(closed);
    await vi.advanceTimersByTimeAsync(benchDefaults.processSilenceMs - 1);
    expect(closed).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    await vi.waitFor(() => expect(closed).toHaveBeenCalled());
    await served.close(new XferError('ERR_XFER_INTERRUPTED', 'the test is over'));
  });

  it('has one turn after the other, on whichever connection it comes', async () => {
    const { dial, served } = await peer();
    const [one, other] = [await dial(), await dial()].map((connection) => connection.openStream({ header }));
    if (!one || !other) throw new Error('no streams');
    await one.opened;
    let isOpen = false;
    void other.opened.then(() => (isOpen = true));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(isOpen).toBe(false);
    one.closeWrite();
    await other.opened;
    other.closeWrite();
    await Promise.all([one.closed, other.closed]);
    await served.close(new XferError('ERR_XFER_INTERRUPTED', 'the test is over'));
  });

  it('is answered so often and no more', async () => {
    const { dial } = await peer();
    const stream = (await dial()).openStream({ header });
    await stream.opened;
    const said = lines(stream);
    for (let time = 0; time < 1_000; time++) stream.send(Buffer.from('{"ask":"offer"}\n'));
    stream.closeWrite();
    const answers = (await said).trim().split('\n');
    expect(answers.length).toBeLessThan(20);
    expect(answers.at(-1)).toContain('ERR_XFER_PROTOCOL');
  });
});
