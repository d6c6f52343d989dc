import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { XferError } from '../../../src/errors/index.js';
import { drain } from '../../../src/pipe/drain.js';
import { feed } from '../../../src/pipe/feed.js';
import { memoryChannel } from '../../../src/pipe/memory-channel.js';
import { brokenPipe, HandSource, NotingBytes } from './endpoint-fakes.js';

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
  expect(sink.isEnded).toBe(false);
});

describe('a drain whose session is lost', () => {
  const error = new XferError('ERR_XFER_PEER_INTERRUPTED', 'the other side was interrupted');
  const drained = (sink: NotingBytes) => {
    const { writer, reader } = memoryChannel(4096);
    const lost = new AbortController();
    const done = drain([{ reader, framing: 'bytes' }], sink, { lost: lost.signal });
    return { writer, lost, done: Promise.allSettled([done]) };
  };
  const turn = () => new Promise((resolve) => setImmediate(resolve));

  it('does not wait for a sink that takes nothing', async () => {
    const sink = new NotingBytes();
    sink.hold();
    const { writer, lost, done } = drained(sink);
    writer.write({ bytes: Buffer.from('some'), release: () => undefined });
    await turn();
    lost.abort(error);
    expect(await done).toEqual([{ status: 'rejected', reason: error }]);
    expect(sink.aborted).toBe(error);
  });

  it('still brings to its end what was read whole', async () => {
    const sink = new NotingBytes();
    sink.hold();
    const { writer, lost, done } = drained(sink);
    writer.write({ bytes: Buffer.from('all'), release: () => undefined });
    writer.finish();
    await turn();
    lost.abort(error);
    await turn();
    expect(sink.aborted).toBe(undefined);
    sink.letGo();
    expect(await done).toEqual([{ status: 'fulfilled', value: undefined }]);
    expect([sink.text, sink.isEnded]).toEqual(['all', true]);
  });
});
