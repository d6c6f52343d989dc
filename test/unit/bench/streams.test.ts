import { afterEach, describe, expect, it, vi } from 'vitest';
import { isContestant, type BenchSetup } from '../../../src/bench/contract.js';
import { BenchPeer } from '../../../src/bench/peer.js';
import { streamLayer } from '../../../src/bench/stream-layer.js';
import { streamsLimits } from '../../../src/bench/streams-limits.js';
import { encodeStreamsHeader } from '../../../src/bench/streams-message.js';
import { runStreams } from '../../../src/bench/streams-run.js';
import type { BenchWork } from '../../../src/bench/work.js';
import { benchDefaults } from '../../../src/config/index.js';
import { MuxBudget } from '../../../src/mux/index.js';
import {
  OpenRefused,
  openErrorCode,
  type Connection,
  type ConnectionLimits,
  type Stream,
} from '../../../src/transport/contract.js';
import { memory } from '../../support/memory-transport.js';

const address = { scheme: 'memory', host: 'here', port: 7 };
const { signal } = new AbortController();
const id = new Uint8Array(16).fill(7);
const asked = { id, isBothWays: false };
const work = { bytes: 64, count: 300, isBothWays: false };

const peerOf = (): ((connection: Connection) => void) => {
  const peer = new BenchPeer();
  return (connection) => peer.serve(connection);
};

/** Connections to somebody who listens with these limits. */
async function end(limits: ConnectionLimits, serve: (connection: Connection) => void = peerOf()) {
  const transport = await memory().load();
  await transport.listen(address, { onConnection: serve, limits });
  return () => transport.dial(address, { signal, limits: streamsLimits(new MuxBudget()) });
}

const refusal = async (stream: Stream): Promise<number | undefined> =>
  stream.opened.then(
    () => undefined,
    (error: unknown) => (error instanceof OpenRefused ? error.openCode : -1),
  );

afterEach(() => vi.useRealTimers());

describe('many streams', () => {
  it.each([false, true])('are all open at once, and all end (both ways: %s)', async (isBothWays) => {
    const dial = await end(streamsLimits(new MuxBudget()));
    const connection = await dial();
    const result = await runStreams(connection, { id, work: { ...work, isBothWays }, signal });
    expect(result).toMatchObject({
      iterations: 300,
      totalBytes: 300 * 64 * (isBothWays ? 2 : 1),
      atOnce: 300,
    });
    expect(result.halfTrips?.count).toBeGreaterThanOrEqual(benchDefaults.minIterations);
    expect(connection.stats().streams).toBe(0);
  });

  it('come in waves of as many as the other end lets in', async () => {
    const dial = await end({ ...streamsLimits(new MuxBudget()), maxStreams: 40 });
    const told: number[] = [];
    const onProgress = ({ bytes }: { bytes: number }): number => told.push(bytes / 64);
    const result = await runStreams(await dial(), { id, work: { ...work, count: 100 }, signal, onProgress });
    expect(result).toMatchObject({ iterations: 100, atOnce: 40 });
    expect(told).toEqual([40, 80, 100]);
  });

  it('come in waves of as many as are answered, where the others wait', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    let open = 0;
    const dial = await end(streamsLimits(new MuxBudget()), (connection) =>
      connection.onStream((stream) => {
        if (++open > 5) return;
        stream.onData(() => stream.send(Uint8Array.of(1)));
        stream.onEnd(() => stream.closeWrite());
        stream.accept();
        void stream.closed.then(() => (open -= 1));
      }),
    );
    const running = runStreams(await dial(), { id, work: { ...work, count: 8 }, signal, mostAtOnce: 8 });
    const state = { isOver: false };
    void running.finally(() => (state.isOver = true));
    // The first ones have 250 ms of the real clock; the stall is in the timers.
    for (let turn = 0; turn < 100_000 && !state.isOver; turn++) {
      await new Promise(setImmediate);
      if (turn % 50 === 49) await vi.advanceTimersByTimeAsync(benchDefaults.streamsStallMs);
    }
    expect((await running).atOnce).toBe(5);
  });

  it('are answered with no more than they bring, and refused to whoever has not the turn', async () => {
    const dial = await end(streamsLimits(new MuxBudget()));
    const [first, second] = [await dial(), await dial()];
    const stream = first.openStream({ header: encodeStreamsHeader(asked) });
    let came = 0;
    stream.onData((bytes) => (came += bytes.length));
    const ended = new Promise<void>((resolve) => stream.onEnd(resolve));
    stream.send(new Uint8Array(1000));
    await stream.opened;
    expect(
      await refusal(second.openStream({ header: encodeStreamsHeader({ ...asked, id: new Uint8Array(16) }) })),
    ).toBe(openErrorCode.resourceLimit);
    const [none] = encodeStreamsHeader(asked);
    expect(await refusal(first.openStream({ header: Uint8Array.of(none ?? 0, 9) }))).toBe(
      openErrorCode.refused,
    );
    stream.closeWrite();
    await ended;
    expect(came).toBe(1);
  });

  it('end at once with the signal', async () => {
    const dial = await end(streamsLimits(new MuxBudget()), (connection) =>
      connection.onStream((stream) => stream.accept()),
    );
    const ending = new AbortController();
    const connection = await dial();
    const failed = expect(runStreams(connection, { id, work, signal: ending.signal })).rejects.toThrow(
      'enough',
    );
    ending.abort(new Error('enough'));
    await failed;
    expect(connection.stats().streams).toBe(0);
  });
});

describe('the stream layer alone', () => {
  const foundOf = async (
    of: Partial<BenchWork>,
    use: readonly string[] = [],
    { hops = 0, usesAll = false } = {},
  ) => {
    const limit = { iterations: 20 };
    const found = [];
    const setup = {
      work: { bytes: 300_000, count: 1, limit, isBothWays: false, ...of },
      ...{ use, hops, usesAll, signal, countsCpu: true, place: { isHere: true } },
    };
    for await (const one of streamLayer(setup as unknown as BenchSetup)) found.push(one);
    return found;
  };

  it.each([
    { pattern: 'memory' },
    { pattern: 'memory', isBothWays: true },
    { pattern: 'latency' },
    { pattern: 'streams', bytes: 100, count: 200 },
  ] as const)('does its work: $pattern', async (of) => {
    const [contestant] = await foundOf(of);
    if (!contestant || !isContestant(contestant)) throw new Error('nobody does it');
    for (let round = 0; round < 2; round++) {
      const result = await contestant.run(() => undefined);
      const isTwice = 'isBothWays' in of;
      expect(result.iterations).toBe(of.pattern === 'streams' ? 200 : 20);
      if (of.pattern === 'memory') expect(result.totalBytes).toBe(20 * 300_000 * (isTwice ? 2 : 1));
      expect(result.cpu?.[0]?.seconds).toBeGreaterThan(0);
      expect(result.halfTrips?.leastUs ?? 1).toBeGreaterThan(0);
    }
    await contestant.close();
  });

  it('is there where it was asked for, or nothing was, and says why it is not', async () => {
    expect(await foundOf({ pattern: 'memory' }, ['tcp'])).toEqual([]);
    expect(await foundOf({ pattern: 'file' })).toEqual([]);
    expect(await foundOf({ pattern: 'memory' }, [], { hops: 2 })).toEqual([]);
    // Of all that there are nobody has asked for it.
    expect(await foundOf({ pattern: 'file' }, ['tcp', 'memory'], { usesAll: true })).toEqual([]);
    expect(await foundOf({ pattern: 'memory' }, ['tcp', 'memory'], { usesAll: true })).toHaveLength(1);
    const [skipped] = await foundOf({ pattern: 'file' }, ['memory']);
    expect(skipped).toMatchObject({ name: 'memory', code: 'ERR_XFER_NO_TRANSPORT' });
  });
});
