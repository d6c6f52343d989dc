import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { answerWithin, OrphanWatch } from '../../../src/relay/orphan-watch.js';
import { OpenRefused, resetCode } from '../../../src/transport/contract.js';
import { TestStream } from '../../support/test-stream.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('a stream that nobody answers is reset', async () => {
  const stream = new TestStream();
  const refused = expect(answerWithin(stream, 60_000)).rejects.toMatchObject({ code: 'ERR_XFER_TIMEOUT' });
  await vi.advanceTimersByTimeAsync(59_999);
  expect(stream.resetWith).toBeUndefined();
  await vi.advanceTimersByTimeAsync(1);
  await refused;
  expect(stream.resetWith?.code).toBe(resetCode.timeout);
});

it('an answer in time is given on, whatever it is', async () => {
  const [yes, no] = [new TestStream(), new TestStream()];
  const answers = [answerWithin(yes, 60_000), answerWithin(no, 60_000)] as const;
  const refused = expect(answers[1]).rejects.toBeInstanceOf(OpenRefused);
  yes.answer(Buffer.of(7));
  no.deny(new OpenRefused(1));
  expect(await answers[0]).toEqual(Buffer.of(7));
  await refused;
  await vi.advanceTimersByTimeAsync(120_000);
  expect([yes.resetWith, no.resetWith, vi.getTimerCount()]).toEqual([undefined, undefined, 0]);
});

it('a stream of which one direction is over is an orphan when nothing moves on the other', async () => {
  const onOrphan = vi.fn();
  const watch = new OrphanWatch(60_000, onOrphan);
  watch.handleBytes();
  await vi.advanceTimersByTimeAsync(600_000);
  watch.handleEnd();
  await vi.advanceTimersByTimeAsync(59_000);
  watch.handleBytes();
  await vi.advanceTimersByTimeAsync(59_000);
  expect(onOrphan).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1000);
  expect(onOrphan).toHaveBeenCalledOnce();
});

it('a stream that is over is no orphan', async () => {
  const onOrphan = vi.fn();
  const watch = new OrphanWatch(60_000, onOrphan);
  watch.handleEnd();
  watch.close();
  await vi.advanceTimersByTimeAsync(600_000);
  expect(onOrphan).not.toHaveBeenCalled();
});
