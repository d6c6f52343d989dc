import { afterEach, describe, expect, it, vi } from 'vitest';
import { encodeBenchHeader } from '../../../src/bench/message.js';
import { BenchPeer } from '../../../src/bench/peer.js';
import { streamLoops } from '../../../src/bench/stream-loops.js';
import { benchDefaults } from '../../../src/config/index.js';
import { XferError } from '../../../src/errors/index.js';
import { OpenRefused, openErrorCode, resetCode, type Connection } from '../../../src/transport/contract.js';
import { memory } from '../../support/memory-transport.js';

const address = { scheme: 'memory', host: 'here', port: 7 };
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
  it.each(['latency', 'memory'] as const)(
    'answers %s of any size, one stream after the other',
    async (pattern) => {
      const { dial } = await peer();
      const loops = streamLoops(await dial(), never);
      for (const bytes of [1, 3, 4096, 300_000]) {
        const { iterations, seconds, halfTrips } = await loops.run(pattern, bytes, { iterations: 20 });
        expect(iterations).toBe(20);
        expect(seconds).toBeGreaterThan(0);
        expect(halfTrips?.count).toBe(pattern === 'latency' ? 20 : undefined);
      }
    },
  );

  it('has one stream and one connection at a time, and the next when that has ended', async () => {
    const { dial } = await peer();
    const [first, second] = [await dial(), await dial()];
    const header = encodeBenchHeader(8);
    const stream = first.openStream({ header });
    await stream.opened;
    expect(await refusal(first, header)).toBe(openErrorCode.resourceLimit);
    expect(await refusal(second, header)).toBe(openErrorCode.resourceLimit);
    await expect(streamLoops(second, never).run('latency', 8, { iterations: 1 })).rejects.toMatchObject({
      code: 'ERR_XFER_LIMIT',
    });
    stream.reset(resetCode.cancelled);
    // Between two streams the turn stays with whoever has it.
    expect(await refusal(second, header)).toBe(openErrorCode.resourceLimit);
    await first.close();
    expect(await refusal(second, header)).toBeUndefined();
  });

  it('refuses streams that are no bench, and sizes that are too large', async () => {
    const { dial } = await peer();
    const connection = await dial();
    expect(await refusal(connection, Uint8Array.of(1, 2))).toBe(openErrorCode.refused);
    const large = benchDefaults.maxMessageBytes + 1;
    expect(await refusal(connection, encodeBenchHeader(large))).toBe(openErrorCode.refused);
    await expect(
      streamLoops(connection, never).run('memory', large, { iterations: 1 }),
    ).rejects.toMatchObject({ code: 'ERR_XFER_REFUSED', remedy: 'start xfer bench --serve there' });
  });

  it('resets a stream that brings what is no message', async () => {
    const { dial } = await peer();
    const stream = (await dial()).openStream({ header: encodeBenchHeader(4) });
    const reset = new Promise<number>((resolve) => stream.onReset(resolve));
    stream.send(Uint8Array.of(77));
    expect(await reset).toBe(resetCode.protocol);
  });

  it('reads no more from whoever does not read, and holds little for him', async () => {
    const { dial } = await peer();
    const connection = await dial();
    const bytes = 64 * 1024;
    const stream = connection.openStream({ header: encodeBenchHeader(bytes) });
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
    const stream = busy.openStream({ header: encodeBenchHeader(4) });
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
    const run = streamLoops(connection, never).run('latency', 8, { timeMs: 30_000 });
    const failed = expect(run).rejects.toMatchObject({ code: 'ERR_XFER_CONNECTION_LOST' });
    await new Promise(setImmediate);
    served.close(new XferError('ERR_XFER_INTERRUPTED', 'interrupted'));
    await failed;
    await expect(streamLoops(connection, never).run('latency', 8, { iterations: 1 })).rejects.toMatchObject({
      code: 'ERR_XFER_CONNECTION_LOST',
    });
  });

  it('ends at once with the signal, and by its reason', async () => {
    const { dial } = await peer();
    const ending = new AbortController();
    const run = streamLoops(await dial(), ending.signal).run('memory', 8, { timeMs: 30_000 });
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
    const run = streamLoops(connection, never).run('latency', 8, { iterations: 1 });
    const failed = expect(run).rejects.toMatchObject({ code: 'ERR_XFER_TIMEOUT' });
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
    await vi.advanceTimersByTimeAsync(2 * benchDefaults.silenceMs);
    await failed;
  });
});
