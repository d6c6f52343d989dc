import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { resetCode, type Connection, type Stream } from 'xfer/plugin';
import { BlockPool } from '../../../src/relay/block-pool.js';
import { PipedStream, type BranchEnd } from '../../../src/relay/piped-stream.js';
import { connectPair, pattern, readAll, turns, until, type Pair } from '../../../src/compliance/pair.js';
import { memory } from '../../support/memory-transport.js';

const KiB = 1024;

/** A source, a pipe and readers, each over a connection of its own. */
class Plumbing {
  readonly pool = new BlockPool();
  readonly ends: BranchEnd[] = [];
  readonly #pairs: Pair[] = [];

  async stream(): Promise<{ near: Stream; far: Stream; connection: Connection }> {
    const listenAt = { scheme: 'memory', host: '', port: 0 };
    const pair = await connectPair({
      descriptor: memory({ mux: { maxWindowBytes: 256 * KiB } }),
      listenAt,
      nobodyAt: { ...listenAt, port: 1 },
    });
    this.#pairs.push(pair);
    const near = pair.near.openStream();
    const { stream: far } = await pair.incoming();
    far.accept();
    await near.opened;
    return { near, far, connection: pair.near };
  }

  async pipe(branches: number) {
    const source = await this.stream();
    const targets = await Promise.all(Array.from({ length: branches }, () => this.stream()));
    const outs = targets.map(({ near }) => near);
    const pipe = new PipedStream(source.far, outs, this.pool, {
      onBranchEnd: (_branch, end) => this.ends.push(end),
    });
    for (const out of outs)
      out.onReset((code, detail, isOver) => pipe.handleBranchReset(out, code, detail, isOver));
    return { source: source.near, pipe, outs, readers: targets.map(({ far }) => far) };
  }

  async close(): Promise<void> {
    await Promise.all(this.#pairs.map((pair) => pair.close()));
  }
}

let plumbing: Plumbing;
beforeEach(() => (plumbing = new Plumbing()));
afterEach(() => plumbing.close());

describe('a piped stream', () => {
  it('gives every branch all bytes, and the end behind them', async () => {
    const { source, pipe, readers } = await plumbing.pipe(3);
    const all = readers.map(readAll);
    source.send(pattern(700 * KiB, 3));
    source.closeWrite();
    for (const bytes of await Promise.all(all)) expect(bytes.equals(pattern(700 * KiB, 3))).toBe(true);
    expect(pipe.bufferedBytes).toBe(0);
  });

  it('waits for the slowest branch with no more than a window', async () => {
    const { source, pipe, readers } = await plumbing.pipe(2);
    const [quick, slow] = readers;
    let seen = 0;
    quick!.onData((bytes) => (seen += bytes.length));
    slow!.pause();
    for (let i = 0; i < 32; i++) source.send(pattern(256 * KiB, i));
    await turns(200);
    expect(pipe.bufferedBytes).toBeLessThanOrEqual(256 * KiB);
    expect(seen).toBeLessThan(2048 * KiB);
    slow!.onData(() => undefined);
    slow!.resume();
    await until(() => seen === 8192 * KiB);
  });

  it('goes on with the others when one branch stops, is reset or is cancelled', async () => {
    const { source, pipe, outs, readers } = await plumbing.pipe(4);
    const [stays, stops, resets, cancelled] = readers;
    const all = readAll(stays!);
    const seen = new Promise<number>((resolve) => cancelled!.onReset((code) => resolve(code)));
    source.send(pattern(100 * KiB, 1));
    stops!.stopReading(resetCode.cancelled);
    resets!.reset(resetCode.internal);
    pipe.cancel(outs[3]!, resetCode.timeout);
    await until(() => plumbing.ends.length === 3);
    expect(plumbing.ends.map(({ kind }) => kind).sort()).toEqual(['cancelled', 'reset', 'stop']);
    expect(await seen).toBe(resetCode.timeout);
    source.send(pattern(600 * KiB, 2));
    source.closeWrite();
    expect((await all).equals(Buffer.concat([pattern(100 * KiB, 1), pattern(600 * KiB, 2)]))).toBe(true);
    expect(pipe.branches.size).toBe(1);
  });

  it('frees what a branch that stands still has held up, when that is cancelled', async () => {
    const { source, pipe, outs, readers } = await plumbing.pipe(2);
    const all = readAll(readers[0]!);
    readers[1]!.pause();
    source.send(pattern(3000 * KiB, 4));
    source.closeWrite();
    await turns(100);
    pipe.cancel(outs[1]!, resetCode.timeout);
    expect((await all).equals(pattern(3000 * KiB, 4))).toBe(true);
  });

  it('drops a branch that takes nothing for too long, and only such a one', async () => {
    const { source, pipe, outs, readers } = await plumbing.pipe(3);
    pipe.dropStalled(200);
    const all = readAll(readers[0]!);
    const [, slow, still] = readers;
    const seen = new Promise<number>((resolve) => still!.onReset((code) => resolve(code)));
    still!.pause();
    // One that is slow lets a little through again and again.
    let taken = 0;
    slow!.onData((bytes) => {
      taken += bytes.length;
      slow!.pause();
      setTimeout(() => slow!.resume(), 2);
    });
    source.send(pattern(1500 * KiB, 4));
    source.closeWrite();
    expect(await seen).toBe(resetCode.timeout);
    expect((await all).equals(pattern(1500 * KiB, 4))).toBe(true);
    await until(() => taken === 1500 * KiB);
    expect([...pipe.branches]).toEqual([outs[0], outs[1]]);
    expect(plumbing.ends.map(({ kind }) => kind)).toEqual(['cancelled']);
  });

  it('drops nobody where the others wait for nothing, or none gets on', async () => {
    const { source, pipe, readers } = await plumbing.pipe(2);
    pipe.dropStalled(50);
    for (const reader of readers) reader.pause();
    source.send(pattern(1500 * KiB, 4));
    await until(() => pipe.bufferedBytes > 0);
    const at = performance.now();
    await until(() => performance.now() - at > 200);
    const all = readers.map(readAll);
    for (const reader of readers) reader.resume();
    source.closeWrite();
    for (const bytes of await Promise.all(all)) expect(bytes.length).toBe(1500 * KiB);
    expect(plumbing.ends).toEqual([]);
  });

  it('stops its source when nobody reads any more', async () => {
    const { source, readers } = await plumbing.pipe(2);
    const stopped = new Promise<number>((resolve) => source.onStop(resolve));
    readers[0]!.stopReading(resetCode.timeout);
    await until(() => plumbing.ends.length === 1);
    readers[1]!.stopReading(resetCode.cancelled);
    expect(await stopped).toBe(resetCode.cancelled);
  });

  it('gives no credit while it is held, and what it owes afterwards', async () => {
    const { source, pipe, readers } = await plumbing.pipe(1);
    let seen = 0;
    readers[0]!.onData((bytes) => (seen += bytes.length));
    pipe.hold(true);
    source.send(pattern(2000 * KiB));
    await turns(200);
    expect(seen).toBeLessThanOrEqual(256 * KiB);
    pipe.hold(false);
    await until(() => seen === 2000 * KiB);
  });

  it('uses its memory again and again, and never while somebody may still read or write it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 400 * KiB }), fc.integer({ min: 0, max: 4 })), {
          minLength: 1,
          maxLength: 12,
        }),
        async (pieces) => {
          const world = new Plumbing();
          try {
            const [one, two] = [await world.pipe(2), await world.pipe(1)];
            const readers = [...one.readers, ...two.readers].map(readAll);
            for (const [i, [size, wait]] of pieces.entries()) {
              one.source.send(pattern(size, i));
              two.source.send(pattern(size, 1000 + i));
              await turns(wait);
            }
            one.source.closeWrite();
            two.source.closeWrite();
            const [a, b, c] = await Promise.all(readers);
            const want = (seed: number) => Buffer.concat(pieces.map(([size], i) => pattern(size, seed + i)));
            expect([a!.equals(want(0)), b!.equals(want(0)), c!.equals(want(1000))]).toEqual([
              true,
              true,
              true,
            ]);
          } finally {
            await world.close();
          }
        },
      ),
      { numRuns: 40 },
    );
  }, 60_000);
});
