import fc from 'fast-check';
import { expect, it, onTestFinished, vi } from 'vitest';
import { transportDefaults } from '../../../src/config/index.js';
import { drain } from '../../../src/pipe/drain.js';
import { feed } from '../../../src/pipe/feed.js';
import { memoryChannel } from '../../../src/pipe/memory-channel.js';
import { SharedBlock } from '../../../src/pipe/block-pool.js';
import { brokenPipe, bytesOf, HandSource, NotingBytes } from './endpoint-fakes.js';

const joined = (source: HandSource, sink: NotingBytes, windowBytes = 4096) => {
  const { writer, reader } = memoryChannel(windowBytes);
  const fed = feed(source, [writer], { framing: 'bytes', coalesceMs: 0 });
  const drained = drain([{ reader, framing: 'bytes' }], sink);
  return { writer, reader, results: Promise.allSettled([fed, drained]) };
};
const statuses = async (results: Promise<PromiseSettledResult<void>[]>) =>
  (await results).map((result) => (result.status === 'fulfilled' ? 'done' : (result.reason as Error)));

it('whatever pieces content comes in, it arrives whole and in order, and nothing stays held', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ minLength: 1, maxLength: 5000 }), { maxLength: 20 }),
      fc.integer({ min: 1, max: 20_000 }),
      async (pieces, windowBytes) => {
        const sink = new NotingBytes();
        const { writer, results } = joined(new HandSource().push(...pieces).end(), sink, windowBytes);
        expect(await statuses(results)).toEqual(['done', 'done']);
        expect(Buffer.compare(sink.bytes, Buffer.concat(pieces))).toBe(0);
        expect(sink.isEnded).toBe(true);
        expect(writer.heldBytes).toBe(0);
      },
    ),
    { numRuns: 50 },
  );
});

it('a sink whose reader has gone stops the source, with its error on both sides', async () => {
  const source = new HandSource().push('a');
  const sink = new NotingBytes();
  sink.failure = brokenPipe();
  const { writer, results } = joined(source, sink);
  expect(await statuses(results)).toEqual([sink.failure, sink.failure]);
  expect(source.isStopped).toBe(true);
  expect(writer.heldBytes).toBe(0);
});

it('a sink that finds its reader gone while nothing is written stops the source at once', async () => {
  const source = new HandSource();
  const sink = new NotingBytes();
  const { results } = joined(source, sink);
  const error = brokenPipe();
  sink.broken?.(error);
  expect(await statuses(results)).toEqual([error, error]);
  expect(source.isStopped).toBe(true);
});

it('a source that fails aborts the sink with its error', async () => {
  const error = brokenPipe();
  const sink = new NotingBytes();
  const { results } = joined(new HandSource().push('some', error), sink);
  expect(await statuses(results)).toEqual([error, error]);
  expect(sink.aborted).toBe(error);
  expect([sink.text, sink.isEnded]).toEqual(['some', false]);
});

it('a sink that takes nothing is aborted some time after the other side has gone, and not where all has come', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const { closeTimeoutMs } = transportDefaults;
  const error = brokenPipe();
  for (const isAll of [false, true]) {
    const { writer, reader } = memoryChannel(4096);
    const [sink, gone] = [new NotingBytes(), new AbortController()];
    for (const text of ['some ', 'more ', 'content']) writer.write(new SharedBlock(bytesOf(text)));
    sink.hold();
    const drained = Promise.allSettled([drain([{ reader, framing: 'bytes' }], sink, { gone: gone.signal })]);
    await vi.waitFor(() => expect(sink.writes).toBe(1));
    gone.abort(error);
    sink.letGo();
    await vi.waitFor(() => expect(sink.text).toBe('some more content'));
    sink.hold();
    writer.write(new SharedBlock(bytesOf(' behind')));
    if (isAll) writer.finish();
    await vi.waitFor(() => expect(sink.writes).toBe(4));
    await vi.advanceTimersByTimeAsync(closeTimeoutMs);
    expect(sink.aborted).toBeUndefined();
    await vi.advanceTimersByTimeAsync(closeTimeoutMs);
    expect(sink.aborted).toBe(isAll ? undefined : error);
    sink.letGo();
    expect(await statuses(drained)).toEqual([isAll ? 'done' : error]);
    expect(vi.getTimerCount()).toBe(0);
  }
});

it('a sink waits for what comes from this machine, whoever else has gone', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const { writer, reader } = memoryChannel(4096);
  const sink = new NotingBytes();
  const input = { reader, framing: 'bytes', isHere: true } as const;
  const drained = Promise.allSettled([drain([input], sink, { gone: AbortSignal.abort(brokenPipe()) })]);
  await vi.advanceTimersByTimeAsync(3 * transportDefaults.closeTimeoutMs);
  writer.write(new SharedBlock(bytesOf('late')));
  writer.finish();
  expect(await statuses(drained)).toEqual(['done']);
  expect(sink.text).toBe('late');
  await vi.advanceTimersByTimeAsync(transportDefaults.closeTimeoutMs);
  expect(vi.getTimerCount()).toBe(0);
});

it('ends that throw when they are to end keep nobody from ending', async () => {
  const source = new HandSource();
  const sink = new NotingBytes();
  source.stop = sink.abort = () => {
    throw new Error('a plugin at fault');
  };
  const { writer, reader } = memoryChannel(4096);
  const stop = new AbortController();
  const { signal } = stop;
  const results = Promise.allSettled([
    feed(source, [writer], { framing: 'bytes', signal }),
    drain([{ reader, framing: 'bytes' }], sink, { signal }),
  ]);
  const error = brokenPipe();
  stop.abort(error);
  source.end();
  expect(await statuses(results)).toEqual([error, error]);
});
