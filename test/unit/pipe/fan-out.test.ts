import { afterEach, describe, expect, it, vi } from 'vitest';
import { XferError } from '../../../src/errors/index.js';
import { blockBytes } from '../../../src/pipe/block-pool.js';
import { feed, type FeedOptions } from '../../../src/pipe/feed.js';
import { WaitCharge } from '../../../src/pipe/wait-charge.js';
import { HandWriter, quick, turns } from './feed-kit.js';
import { brokenPipe, frame, HandMessages, HandSource, bytesOf, len32 } from './endpoint-fakes.js';

const many = 'x'.repeat(60);
const feeding = (
  source: HandSource,
  writers: readonly HandWriter[],
  options: Partial<FeedOptions> = {},
): Promise<void> => {
  const fed = feed(source, writers, { framing: 'bytes', coalesceMs: 0, ...options });
  fed.catch(() => undefined);
  return fed;
};

afterEach(() => vi.useRealTimers());

describe('several writers', () => {
  it('each get everything, and memory is free when all have released it', async () => {
    const writers = [quick(), quick(), quick()];
    await feeding(new HandSource().push('one', 'two').end(), writers);
    expect(writers.map(({ taken }) => taken)).toEqual(['onetwo', 'onetwo', 'onetwo']);
    expect(writers.every(({ isFinished }) => isFinished)).toBe(true);
  });

  it('all wait for the one that is full', async () => {
    const slow = new HandWriter();
    const writers = [quick(), slow];
    const fed = feeding(new HandSource().push(many, many, many).end(), writers);
    await turns();
    expect(writers.map(({ written }) => written.length)).toEqual([120, 120]);
    slow.take(1);
    await turns();
    expect(writers.map(({ written }) => written.length)).toEqual([180, 180]);
    slow.take();
    await fed;
  });

  it('go on without one that fails, and the feed rejects with its error at the end', async () => {
    const failing = new HandWriter();
    const other = quick();
    const dropped: unknown[] = [];
    const source = new HandSource().push(many, many);
    const fed = feeding(source, [failing, other], { onDropped: (...told) => dropped.push(told) });
    await turns();
    const error = brokenPipe();
    failing.fail(error);
    await turns();
    expect(dropped).toEqual([[0, error]]);
    expect(source.isStopped).toBe(false);
    source.push('more').end();
    await expect(fed).rejects.toBe(error);
    expect(other.taken).toBe(many + many + 'more');
    expect([failing.heldBlocks, other.heldBlocks]).toEqual([0, 0]);
  });

  it('that have all gone stop a source that still waits', async () => {
    const writers = [new HandWriter(), new HandWriter()];
    const source = new HandSource();
    const fed = feeding(source, writers);
    const first = brokenPipe();
    writers[1]?.fail(first);
    await turns();
    expect(source.isStopped).toBe(false);
    writers[0]?.fail(brokenPipe());
    await expect(fed).rejects.toBe(first);
    expect(source.isStopped).toBe(true);
  });

  it.each([false, true])(
    'get what a source gave before it failed, and then its error; balance: %s',
    async (balance) => {
      const writers = [new HandWriter(), quick()];
      const error = new XferError('ERR_XFER_COMMAND_FAILED', 'it ended with 1');
      const dropped: number[] = [];
      const fed = feeding(new HandSource().push('some', ' more', error), writers, {
        ...{ balance, coalesceMs: 0, onDropped: (index: number) => dropped.push(index) },
      });
      fed.catch(() => undefined);
      await turns();
      expect(writers[0]?.wasReset).toBeUndefined();
      writers[0]?.take();
      await expect(fed).rejects.toBe(error);
      expect(writers.map(({ wasReset }) => wasReset)).toEqual([error, error]);
      expect(writers.map(({ taken }) => taken)).toEqual(
        balance ? ['some', ' more'] : ['some more', 'some more'],
      );
      expect([writers.map(({ heldBlocks }) => heldBlocks), dropped]).toEqual([[0, 0], []]);
    },
  );

  it('are reset at once when a feed is aborted whose source has failed', async () => {
    const writers = [new HandWriter(), quick()];
    const aborter = new AbortController();
    const failed = new XferError('ERR_XFER_COMMAND_FAILED', 'it ended with 1');
    const fed = feeding(new HandSource().push('some', failed), writers, { signal: aborter.signal });
    fed.catch(() => undefined);
    await turns();
    const error = new XferError('ERR_XFER_INTERRUPTED', 'interrupted');
    aborter.abort(error);
    await expect(fed).rejects.toBe(error);
    expect([writers[0]?.wasReset, writers[0]?.taken]).toEqual([error, '']);
  });

  it('are reset when the feed is aborted, and the source is stopped', async () => {
    const source = new HandSource();
    const writers = [new HandWriter(), new HandWriter()];
    const aborter = new AbortController();
    const fed = feeding(source, writers, { signal: aborter.signal });
    const error = new XferError('ERR_XFER_INTERRUPTED', 'interrupted');
    aborter.abort(error);
    await expect(fed).rejects.toBe(error);
    expect(source.isStopped).toBe(true);
    expect(writers.map(({ wasReset }) => wasReset)).toEqual([error, error]);
  });
});

describe('a writer that stops while others wait', () => {
  it('is dropped when that has lasted too long, and the others get all', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const stopped = new HandWriter();
    const others = [quick(), quick()];
    const dropped: number[] = [];
    const source = new HandSource().push(many, many, many, many).end();
    const fed = feeding(source, [stopped, ...others], {
      slow: 'drop',
      onDropped: (index) => dropped.push(index),
    });
    await turns();
    vi.advanceTimersByTime(499);
    await turns();
    expect([stopped.wasReset, stopped.written.length]).toEqual([undefined, 120]);
    vi.advanceTimersByTime(2);
    await expect(fed).rejects.toMatchObject({ code: 'ERR_XFER_TOO_SLOW' });
    expect(dropped).toEqual([0]);
    expect(stopped.wasReset?.code).toBe('ERR_XFER_TOO_SLOW');
    expect(others.map(({ taken }) => taken.length)).toEqual([240, 240]);
  });

  it('is waited for as long as nobody says drop', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const stopped = new HandWriter();
    const fed = feeding(new HandSource().push(many, many, many).end(), [stopped, quick()]);
    await turns();
    vi.advanceTimersByTime(3_600_000);
    await turns();
    expect(stopped.wasReset).toBeUndefined();
    stopped.take();
    await turns();
    stopped.take();
    await fed;
  });

  it('is not dropped while all others are full too, nor while there is nothing to write', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const writers = [new HandWriter(), new HandWriter()];
    const source = new HandSource().push(many, many, many).end();
    const fed = feeding(source, writers, { slow: 'drop' });
    await turns();
    vi.advanceTimersByTime(10_000);
    await turns();
    for (const writer of writers) writer.take();
    await turns();
    vi.advanceTimersByTime(10_000);
    for (const writer of writers) writer.take();
    await fed;
    expect(writers.map(({ wasReset }) => wasReset)).toEqual([undefined, undefined]);
  });

  it('is left to its session while that has no connection', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const lost = new HandWriter();
    const other = quick();
    const fed = feeding(new HandSource().push(many, many, many).end(), [lost, other], { slow: 'drop' });
    await turns();
    vi.advanceTimersByTime(300);
    lost.isDetached = true;
    vi.advanceTimersByTime(30_000);
    await turns();
    expect(lost.wasReset).toBeUndefined();
    lost.isDetached = false;
    vi.advanceTimersByTime(600);
    await expect(fed).rejects.toMatchObject({ code: 'ERR_XFER_TOO_SLOW' });
    expect(other.taken.length).toBe(180);
  });

  it('is dropped when it takes nothing of the rest that it alone is waited for', async () => {
    vi.useFakeTimers({
      toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'],
    });
    const writers = [new HandWriter(), new HandWriter()] as const;
    const [slow, other] = writers;
    const fed = feeding(new HandSource().push('a', 'b', 'c').end(), writers, { slow: 'drop' });
    await turns();
    vi.advanceTimersByTime(3_600_000);
    await turns();
    expect(writers.map(({ wasReset }) => wasReset)).toEqual([undefined, undefined]);
    other.take();
    await turns();
    vi.advanceTimersByTime(29_000);
    slow.take(1);
    vi.advanceTimersByTime(29_000);
    await turns();
    expect(slow.wasReset).toBeUndefined();
    vi.advanceTimersByTime(3_000);
    await expect(fed).rejects.toMatchObject({ code: 'ERR_XFER_TOO_SLOW' });
    expect(slow.wasReset?.code).toBe('ERR_XFER_TOO_SLOW');
  });

  it('is forgiven by and by', () => {
    const charge = new WaitCharge({ waitMs: 500, forgivenShare: 0.1, standstillMs: 0 });
    charge.handlePassed(400, true);
    expect(charge.restMs).toBe(100);
    charge.handlePassed(1000, false);
    expect(charge.restMs).toBe(200);
    charge.handlePassed(100_000, false);
    expect(charge.restMs).toBe(500);
  });

  it('is never too slow where the others lose less than they may, and at last where they lose more', () => {
    const run = (waitMs: number, restMs: number) => {
      const charge = new WaitCharge({ waitMs: 500, forgivenShare: 0.1, standstillMs: 0 });
      let least = Infinity;
      for (let i = 0; i < 1000; i++) {
        charge.handlePassed(waitMs, true);
        least = Math.min(least, charge.restMs);
        charge.handlePassed(restMs, false);
      }
      return least;
    };
    expect(run(9, 100)).toBeGreaterThan(0);
    expect(run(12, 100)).toBeLessThan(0);
  });
});

describe('a feed', () => {
  it('reads before the other side is there', async () => {
    const source = new HandSource();
    const read = vi.spyOn(source, 'read');
    const aborter = new AbortController();
    const fed = feeding(source, [new HandWriter()], { signal: aborter.signal });
    expect(read).toHaveBeenCalledTimes(1);
    aborter.abort(brokenPipe());
    await expect(fed).rejects.toMatchObject({ code: 'ERR_XFER_BROKEN_PIPE' });
  });

  it('has no memory for a source that is idle, and keeps it between what comes', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    let wake: () => void = () => undefined;
    const offered: number[] = [];
    class IdleSource extends HandSource {
      readable = () => new Promise<void>((resolve) => (wake = resolve));
      override read = (into: Uint8Array) => {
        offered.push(into.length);
        return super.read(into);
      };
    }
    const source = new IdleSource();
    const fed = feeding(source, [quick()]);
    for (const [before, idleMs] of [10_000, 500, 1500].entries()) {
      await turns();
      vi.advanceTimersByTime(idleMs);
      expect(offered.length).toBe(before);
      source.push('a');
      wake();
    }
    await turns();
    expect(offered).toEqual([blockBytes, blockBytes - 1, blockBytes]);
    source.end();
    wake();
    await fed;
  });

  it('does not wait for an end of the source when its one writer has gone', async () => {
    const source = new HandSource().push('a');
    const writer = new HandWriter();
    const fed = feeding(source, [writer]);
    await turns();
    const error = brokenPipe();
    writer.fail(error);
    await expect(fed).rejects.toBe(error);
    expect([source.isStopped, writer.wasReset]).toEqual([true, undefined]);
  });

  it('pauses while its one writer is full, and stops waiting when that has gone', async () => {
    const source = new HandSource().push(many, many, many);
    const writer = new HandWriter();
    const fed = feeding(source, [writer]);
    await turns();
    expect(writer.written).toHaveLength(120);
    writer.fail(brokenPipe());
    await expect(fed).rejects.toMatchObject({ code: 'ERR_XFER_BROKEN_PIPE' });
  });

  it('has what came wait a millisecond for more, while the source is read on', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const source = new HandSource().push('a', 'b');
    const writer = quick();
    const fed = feeding(source, [writer], { coalesceMs: 1 });
    await turns();
    source.push('c');
    await turns();
    expect(writer.taken).toBe('');
    vi.advanceTimersByTime(1);
    expect([writer.taken, writer.blocks]).toEqual(['abc', 1]);
    source.push('d').end();
    await fed;
    expect([writer.taken, writer.blocks]).toEqual(['abcd', 2]);
  });

  it('of messages cuts them as is said', async () => {
    const messages = () => new HandMessages([[[bytesOf('a'), bytesOf('b')]], [[bytesOf('c')]]]);
    const [framed, lines] = [quick(), quick()];
    await feed(messages(), [framed], { framing: 'bytes' });
    await feed(messages(), [lines], { framing: 'lines' });
    expect(framed.taken).toBe(Buffer.from(len32([['a', 'b'], ['c']])).toString('latin1'));
    expect(lines.taken).toBe('ab\nc\n');
  });

  it('of messages that are no lines resets its writer', async () => {
    const writer = new HandWriter();
    const fed = feed(new HandMessages([[[bytesOf('a\nb')]]]), [writer], { framing: 'lines' });
    await expect(fed).rejects.toMatchObject({ code: 'ERR_XFER_FRAMING' });
    expect(writer.wasReset?.code).toBe('ERR_XFER_FRAMING');
  });

  it.each([
    ['ends within a message', frame('abc').subarray(0, 5)],
    ['is longer than may be', Buffer.from([0x7f, 0xff, 0xff, 0xff, 0])],
  ])('of bytes that are to be messages is reset where one %s', async (_, content) => {
    const writer = quick();
    const source = new HandSource().push(content).end();
    await expect(feeding(source, [writer], { framing: 'len32' })).rejects.toMatchObject({
      code: 'ERR_XFER_FRAMING',
    });
    expect([writer.wasReset?.code, writer.heldBlocks]).toEqual(['ERR_XFER_FRAMING', 0]);
  });

  it('tells how much was written', async () => {
    const told: number[] = [];
    await feeding(new HandSource().push('ab', 'cde').end(), [quick()], { onProgress: (n) => told.push(n) });
    expect(told).toEqual([2, 5]);
  });
});
