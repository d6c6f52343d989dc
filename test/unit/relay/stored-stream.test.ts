import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { XferError } from '../../../src/errors/index.js';
import { MuxBudget } from '../../../src/mux/index.js';
import type { Framing } from '../../../src/relay/framing.js';
import type { ForwardingHandlers } from '../../../src/relay/piped-stream.js';
import { StoredStream } from '../../../src/relay/stored-stream.js';
import { resetCode } from '../../../src/transport/contract.js';
import { settled, TestStream } from '../../support/test-stream.js';

const KiB = 1024;
const limits = { limitBytes: 64 * KiB, inactivityMs: 5000, pauseMs: 20 };

/** Units of two bytes of length, which counts what follows. `ff ff` is no unit. */
class ToyFraming implements Framing {
  readonly headBytes = 2;

  take(head: Uint8Array): number | undefined {
    const length = Buffer.from(head).readUInt16BE();
    return length === 0xffff ? undefined : 2 + length;
  }
}

const unit = (bytes: number, value = bytes % 251) => {
  const whole = Buffer.alloc(2 + bytes, value);
  whole.writeUInt16BE(bytes);
  return whole;
};

interface Options {
  readonly framing?: Framing | undefined;
  readonly limitBytes?: number;
  readonly budgetBytes?: number;
  readonly windowBytes?: number;
  readonly handlers?: ForwardingHandlers;
  readonly branches?: number;
  isAnswered?(): boolean;
}

function stored(options: Options = {}) {
  const { handlers = {}, isAnswered = () => true, branches = 1 } = options;
  const from = new TestStream(options.windowBytes);
  const to = Array.from({ length: branches }, () => new TestStream());
  const budget = new MuxBudget({
    grantBudgetBytes: options.budgetBytes ?? 1024 * KiB,
    maxStreamsTotal: 0,
  });
  const stream = new StoredStream(from, to, handlers, {
    framing: 'framing' in options ? options.framing : new ToyFraming(),
    budget,
    isAnswered,
    limits: { ...limits, limitBytes: options.limitBytes ?? limits.limitBytes },
  });
  return { from, to, next: to[0] ?? expect.unreachable(), stream, budget };
}

/** Delivers as the window allows, whatever is behind it. */
async function deliver(from: TestStream, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const part = bytes.subarray(at, at + from.windowLeft);
    if (part.length === 0) throw new Error('there is no credit');
    from.deliver(part);
    at += part.length;
    await settled();
  }
}

describe('a stream that is stored and forwarded', () => {
  it('goes on by whole units: none before all of it is there, and none waits for the next', async () => {
    const { from, next } = stored();
    const [first, second] = [unit(10), unit(20)];
    await deliver(from, first.subarray(0, -1));
    expect(next.sent).toEqual([]);
    await deliver(from, Buffer.concat([first.subarray(-1), second.subarray(0, 5)]));
    expect(next.take()).toEqual([first]);
    await deliver(from, second.subarray(5));
    expect(next.take()).toEqual([second]);
  });

  it('takes a unit that is longer than the window', async () => {
    const { from, next, stream } = stored({ windowBytes: 1000 });
    const long = unit(50_000);
    await deliver(from, long);
    expect(next.sent).toHaveLength(1);
    expect(stream.bufferedBytes).toBe(long.length);
    expect(next.take()[0]?.equals(long)).toBe(true);
    expect(stream.bufferedBytes).toBe(0);
  });

  it('holds no more than the limit and a window, however slow the next hop is', async () => {
    const { from, next, stream } = stored({ windowBytes: 8 * KiB, limitBytes: 32 * KiB });
    for (let i = 0; i < 100 && from.windowLeft > 0; i++)
      await deliver(from, unit(4000, i).subarray(0, from.windowLeft));
    expect(from.windowLeft).toBe(0);
    expect(stream.bufferedBytes).toBeLessThanOrEqual(40 * KiB);
    expect(stream.bufferedBytes).toBeGreaterThan(32 * KiB);
    next.take();
    await settled();
    expect(from.windowLeft).toBeGreaterThan(0);
  });

  it('passes the end on behind all that came, a part of a unit too', async () => {
    const onEnd = vi.fn();
    const { from, next } = stored({ handlers: { onEnd } });
    await deliver(from, Buffer.concat([unit(10), unit(20).subarray(0, 7)]));
    from.deliverEnd();
    await settled();
    expect(Buffer.concat(next.take())).toEqual(Buffer.concat([unit(10), unit(20).subarray(0, 7)]));
    expect(next.hasEnded).toBe(true);
    expect(onEnd).toHaveBeenCalledOnce();
  });

  it('delivers what it holds although both directions are over', async () => {
    const { from, next } = stored({ limitBytes: 3 * KiB });
    const units = [unit(2000, 1), unit(2000, 2)];
    await deliver(from, Buffer.concat(units));
    from.deliverEnd();
    from.close();
    await settled();
    const got = next.take();
    await settled();
    expect([...got, ...next.take()]).toEqual(units);
    expect(next.hasEnded).toBe(true);
  });

  it('forgets what it holds with a reset, which overtakes it', async () => {
    const onReset = vi.fn();
    const { from, next, stream, budget } = stored({ handlers: { onReset }, limitBytes: 3 * KiB });
    await deliver(from, Buffer.concat([unit(2000, 1), unit(2000, 2), unit(100).subarray(0, 50)]));
    from.deliverReset(resetCode.cancelled, Buffer.of(1, 2, 3));
    expect(onReset).toHaveBeenCalledExactlyOnceWith(resetCode.cancelled, Buffer.of(1, 2, 3), false);
    next.reset(resetCode.cancelled);
    await settled();
    expect([stream.bufferedBytes, budget.grantedBytes, next.hasEnded]).toEqual([0, 0, false]);
  });

  it('tells its sender to stop when nobody reads any more', async () => {
    const { from, next, stream, budget } = stored();
    await deliver(from, unit(100).subarray(0, 50));
    next.deliverStop(resetCode.timeout);
    await settled();
    expect([from.stoppedWith, stream.branches.size, budget.grantedBytes]).toEqual([resetCode.timeout, 0, 0]);
  });

  it('refuses a unit above the limit by its length alone', async () => {
    const onFailure = vi.fn<(error: XferError) => void>(() => expect(from.stoppedWith).toBeUndefined());
    const { from, next, budget } = stored({ handlers: { onFailure }, limitBytes: 1000 });
    await deliver(from, unit(999).subarray(0, 2));
    expect(onFailure.mock.calls[0]?.[0].code).toBe('ERR_XFER_STORE_LIMIT');
    expect([next.sent, budget.grantedBytes]).toEqual([[], 0]);
  });

  it('fails where all memory for storing is taken, and gives back its own', async () => {
    const onFailure = vi.fn<(error: XferError) => void>();
    const { from, next, budget } = stored({ handlers: { onFailure }, budgetBytes: 10_000 });
    await deliver(from, unit(6000));
    await deliver(from, unit(6000));
    expect(onFailure.mock.calls[0]?.[0].code).toBe('ERR_XFER_LIMIT');
    expect(next.take()).toHaveLength(1);
    expect(budget.grantedBytes).toBe(0);
  });

  it('gets no credit while it is held', async () => {
    const { from, stream } = stored({ windowBytes: 1000 });
    stream.hold(true);
    from.deliver(unit(998));
    await settled();
    expect(from.windowLeft).toBe(0);
    stream.hold(false);
    expect(from.windowLeft).toBe(1000);
  });

  it('gives every branch the same, and goes on without one that is reset', async () => {
    const onBranchEnd = vi.fn();
    const { from, to, stream } = stored({ branches: 3, handlers: { onBranchEnd } });
    await deliver(from, unit(10));
    const [first, second, third] = to as [TestStream, TestStream, TestStream];
    expect(to.map((branch) => branch.sent.length)).toEqual([1, 1, 1]);
    first.take();
    second.take();
    expect(stream.bufferedBytes).toBe(12);
    stream.cancel(third, resetCode.cancelled);
    expect([third.resetWith?.code, stream.bufferedBytes, onBranchEnd.mock.calls.length]).toEqual([4, 0, 1]);
    await deliver(from, unit(11));
    expect(to.map((branch) => branch.sent.length)).toEqual([1, 1, 0]);
  });

  describe('in time', () => {
    beforeEach(() => void vi.useFakeTimers());
    afterEach(() => void vi.useRealTimers());

    it('is given up when the rest of a unit does not come, but not between two', async () => {
      const onFailure = vi.fn<(error: XferError) => void>();
      const { from } = stored({ handlers: { onFailure } });
      await deliver(from, unit(10));
      await vi.advanceTimersByTimeAsync(60_000);
      expect(onFailure).not.toHaveBeenCalled();
      from.deliver(unit(10).subarray(0, 1));
      await vi.advanceTimersByTimeAsync(4_900);
      expect(onFailure).not.toHaveBeenCalled();
      await vi.advanceTimersByTimeAsync(200);
      expect(onFailure.mock.calls[0]?.[0].code).toBe('ERR_XFER_TIMEOUT');
      expect(vi.getTimerCount()).toBe(0);
    });

    it.each(['is not answered yet', 'gets no credit'])('has time as long as its sender %s', async (why) => {
      const onFailure = vi.fn();
      let isAnswered = why !== 'is not answered yet';
      const { from, stream } = stored({ handlers: { onFailure }, isAnswered: () => isAnswered });
      stream.hold(isAnswered);
      from.deliver(unit(10).subarray(0, 4));
      await vi.advanceTimersByTimeAsync(30_000);
      expect(onFailure).not.toHaveBeenCalled();
      isAnswered = true;
      stream.hold(false);
      await vi.advanceTimersByTimeAsync(10_100);
      expect(onFailure).toHaveBeenCalledOnce();
    });

    it.each([
      ['whose units are not known', undefined, 'abc'],
      ['from what is no unit on', new ToyFraming(), '\u00ff\u00ffabc'],
    ])('goes on in parts %s: when its sender pauses, and at the limit', async (_name, framing, text) => {
      const { from, next } = stored({ framing, limitBytes: 1000 });
      const first = Buffer.from(text, 'latin1');
      from.deliver(first);
      from.deliver(Buffer.from('more'));
      await vi.advanceTimersByTimeAsync(10);
      const early = Buffer.concat(next.take());
      await vi.advanceTimersByTimeAsync(50);
      expect(Buffer.concat([early, ...next.take()])).toEqual(Buffer.concat([first, Buffer.from('more')]));
      const long = Buffer.alloc(2500, 7);
      from.deliver(long);
      await settled();
      expect(next.sent.map(({ bytes }) => bytes.length)).toEqual([1000]);
      next.take();
      await settled();
      next.take();
      await vi.advanceTimersByTimeAsync(50);
      expect(next.take().map(({ length }) => length)).toEqual([500]);
      expect(vi.getTimerCount()).toBe(0);
    });

    it('leaves out a branch that takes nothing while the others wait', async () => {
      const { from, to, stream } = stored({ branches: 2 });
      stream.dropStalled(5000);
      await deliver(from, unit(100));
      to[0]?.take();
      await vi.advanceTimersByTimeAsync(7000);
      expect(to.map(({ resetWith }) => resetWith?.code)).toEqual([undefined, resetCode.timeout]);
      expect([stream.bufferedBytes, stream.branches.size]).toEqual([0, 1]);
      from.deliverEnd();
      await settled();
      expect([to[0]?.hasEnded, vi.getTimerCount()]).toEqual([true, 0]);
    });

    it('ends in order where its units are not known', async () => {
      const { from, next } = stored({ framing: undefined });
      from.deliver(Buffer.from('all of it'));
      from.deliverEnd();
      await vi.advanceTimersByTimeAsync(1);
      expect([Buffer.concat(next.take()).toString(), next.hasEnded]).toEqual(['all of it', true]);
    });
  });

  it('delivers the same bytes in the same units, however they are cut and whenever the next hop takes them', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 9000 }), { maxLength: 12 }),
        fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 10 }),
        fc.array(fc.boolean(), { minLength: 1, maxLength: 10 }),
        fc.integer({ min: 0, max: 1 << 20 }),
        async (lengths, cuts, takes, resetAt) => {
          const { from, next, stream, budget } = stored({ windowBytes: 4 * KiB, limitBytes: 16 * KiB });
          const units = lengths.map((length, i) => unit(length, i));
          const all = Buffer.concat(units);
          const until = resetAt < all.length ? resetAt : all.length;
          const got: Buffer[] = [];
          for (let at = 0, turn = 0; at < until; turn++) {
            const cut = Math.min(cuts[turn % cuts.length] ?? 1, from.windowLeft, until - at);
            if (cut > 0) from.deliver(all.subarray(at, at + cut));
            at += cut;
            await settled();
            expect(stream.bufferedBytes).toBeLessThanOrEqual(20 * KiB);
            if (takes[turn % takes.length] || cut === 0) got.push(...next.take());
            await settled();
          }
          if (until < all.length) {
            from.deliverReset(resetCode.internal);
            next.reset(resetCode.internal);
          } else from.deliverEnd();
          for (let turn = 0; turn < 20; turn++) {
            got.push(...next.take());
            await settled();
          }
          const whole = units.filter(({ length }) => length > 0);
          if (until === all.length) expect(got).toEqual(whole);
          else expect(got).toEqual(whole.slice(0, got.length));
          expect([next.hasEnded, stream.bufferedBytes, budget.grantedBytes]).toEqual([
            until === all.length,
            0,
            0,
          ]);
        },
      ),
      { numRuns: 150 },
    );
  });
});
