import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { OpenRefused, openErrorCode, resetCode } from '../../../src/transport/contract.js';
import { StreamReader } from '../../../src/transport/stream-reader.js';
import { settled, TestStream } from '../../support/test-stream.js';

const counted = (count: number) => Buffer.from(Array.from({ length: count }, (_, i) => i % 251));
const failing = (reason: string, code = 0): unknown => expect.objectContaining({ reason, code });

describe('a reader of a stream', () => {
  it('gives what is there, and no more than is asked for', () => {
    const stream = new TestStream();
    const reader = new StreamReader(stream);
    expect([...reader.readAvailable()]).toEqual([]);
    stream.deliver(Buffer.from('abc'));
    stream.deliver(Buffer.from('def'));
    expect(Buffer.from(reader.readAvailable(4)).toString()).toBe('abcd');
    expect(Buffer.from(reader.readAvailable()).toString()).toBe('ef');
  });

  it('waits for so many bytes, across a window that is smaller', async () => {
    const stream = new TestStream(1000);
    const reader = new StreamReader(stream);
    const content = counted(5000);
    const reading = reader.read(5000);
    for (let at = 0; at < 5000; at += 500) {
      await settled();
      stream.deliver(content.subarray(at, at + 500));
    }
    expect(Buffer.from(await reading)).toEqual(content);
    expect(stream.limit).toBe(6000);
  });

  it('gives credit for what was taken or is waited for, and for nothing else', async () => {
    const stream = new TestStream(1000);
    const reader = new StreamReader(stream);
    stream.deliver(counted(1000));
    expect([stream.limit, reader.bufferedBytes]).toEqual([1000, 1000]);
    reader.readAvailable(300);
    expect(stream.limit).toBe(1300);
    const reading = reader.read(900);
    await settled();
    expect(stream.limit).toBe(2000);
    stream.deliver(counted(500));
    await reading;
    expect([stream.limit, reader.bufferedBytes]).toEqual([2200, 300]);
  });

  it('gives less at the end, and knows when it has given all', async () => {
    const stream = new TestStream();
    const reader = new StreamReader(stream);
    const reading = reader.read(10);
    stream.deliver(Buffer.from('short'));
    stream.deliverEnd();
    expect(reader.isComplete).toBe(false);
    expect(Buffer.from(await reading).toString()).toBe('short');
    expect([reader.isComplete, (await reader.read(1)).length, await reader.arrival()]).toEqual([
      true,
      0,
      true,
    ]);
  });

  it('reads all up to the end, within a bound', async () => {
    const [small, large] = [new TestStream(), new TestStream()];
    const [whole, tooMuch] = [new StreamReader(small).readAll(6), new StreamReader(large).readAll(5)];
    const refused = expect(tooMuch).rejects.toEqual(failing('too long'));
    for (const stream of [small, large]) {
      stream.deliver(Buffer.from('sixbyt'));
      stream.deliverEnd();
    }
    expect(Buffer.from(await whole).toString()).toBe('sixbyt');
    await refused;
  });

  it('takes no more at once than it may hold', async () => {
    const reader = new StreamReader(new TestStream(), { mostBytes: 100 });
    await expect(reader.read(101)).rejects.toEqual(failing('too long'));
  });

  it('is for one at a time', async () => {
    const stream = new TestStream();
    const reader = new StreamReader(stream);
    const first = reader.read(1);
    await expect(reader.read(1)).rejects.toThrow('two at once');
    stream.deliver(Buffer.from('x'));
    expect((await first).length).toBe(1);
  });

  it.each([
    [
      'the other side resets it',
      (stream: TestStream) => stream.deliverReset(resetCode.internal),
      'cancelled',
      1,
    ],
    ['the connection is over', (stream: TestStream) => stream.deliverReset(1, undefined, true), 'lost', 1],
    [
      'nobody takes it',
      (stream: TestStream) => stream.deny(new OpenRefused(openErrorCode.routeNotFound)),
      'not found',
      1,
    ],
  ] as const)('fails at once when %s, and forgets what it holds', async (_name, happen, reason, code) => {
    const stream = new TestStream();
    const onFailure = vi.fn();
    const reader = new StreamReader(stream, { onFailure });
    stream.deliver(Buffer.from('some'));
    const reading = reader.read(10);
    happen(stream);
    await expect(reading).rejects.toEqual(failing(reason, code));
    expect(onFailure).toHaveBeenCalledExactlyOnceWith(failing(reason, code));
    expect(() => reader.readAvailable()).toThrow(reason);
    expect([reader.bufferedBytes, reader.failure?.reason]).toEqual([0, reason]);
  });

  it('says that it reads no more when it is cancelled, and gives back the credit of what comes still', async () => {
    const stream = new TestStream(100);
    const reader = new StreamReader(stream);
    const reading = reader.read(10);
    reader.cancel();
    await expect(reading).rejects.toEqual(failing('cancelled'));
    expect(stream.stoppedWith).toBe(resetCode.cancelled);
    stream.deliver(counted(100));
    expect([stream.windowLeft, reader.bufferedBytes]).toEqual([100, 0]);
  });

  describe('with a limit of inactivity', () => {
    beforeEach(() => void vi.useFakeTimers());
    afterEach(() => void vi.useRealTimers());

    it('gives up when nothing comes for so long, and what is there stays', async () => {
      const stream = new TestStream();
      const reader = new StreamReader(stream);
      const reading = reader.read(10, 5000);
      const refused = expect(reading).rejects.toEqual(failing('inactivity'));
      await vi.advanceTimersByTimeAsync(4999);
      stream.deliver(Buffer.from('four'));
      await vi.advanceTimersByTimeAsync(4999);
      stream.deliver(Buffer.from('more'));
      await vi.advanceTimersByTimeAsync(5001);
      await refused;
      expect([reader.bufferedBytes, reader.failure]).toEqual([8, undefined]);
      expect(Buffer.from(await reader.read(8)).toString()).toBe('fourmore');
      expect(vi.getTimerCount()).toBe(0);
    });

    it('tells whether something comes in time', async () => {
      const stream = new TestStream();
      const reader = new StreamReader(stream);
      const nothing = reader.arrival(20);
      await vi.advanceTimersByTimeAsync(30);
      expect(await nothing).toBe(false);
      const something = reader.arrival(20);
      stream.deliver(Buffer.from('x'));
      expect(await something).toBe(true);
      expect(vi.getTimerCount()).toBe(0);
    });
  });

  it('gives every byte once and in order, however the stream is cut and read, and never holds more than a window', async () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('deliver' as const), bytes: fc.integer({ min: 1, max: 3000 }) }),
      fc.record({ kind: fc.constant('read' as const), bytes: fc.integer({ min: 0, max: 5000 }) }),
      fc.record({ kind: fc.constant('available' as const), bytes: fc.integer({ min: 0, max: 5000 }) }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 60 }),
        fc.integer({ min: 1, max: 4000 }),
        fc.constantFrom('end' as const, 'reset' as const),
        async (steps, windowBytes, ending) => {
          const stream = new TestStream(windowBytes);
          const reader = new StreamReader(stream);
          const taken: Uint8Array[] = [];
          let given = 0;
          let takenBytes = 0;
          let waiting: Promise<unknown> | undefined;
          let wanted = 0;
          const keep = (bytes: Uint8Array) => {
            taken.push(bytes);
            takenBytes += bytes.length;
          };
          for (const { kind, bytes } of steps) {
            if (kind === 'deliver') {
              const count = Math.min(bytes, stream.windowLeft);
              stream.deliver(counted(given + count).subarray(given));
              given += count;
            } else if (kind === 'read' && !waiting) {
              wanted = bytes;
              waiting = reader.read(bytes).then(
                (read) => {
                  if (!stream.hasEnded) expect(read.length).toBe(bytes);
                  keep(read);
                  waiting = undefined;
                },
                () => expect(ending).toBe('reset'),
              );
            } else if (kind === 'available' && !waiting) keep(reader.readAvailable(bytes));
            await settled();
            expect(reader.bufferedBytes).toBeLessThanOrEqual(windowBytes + (waiting ? wanted : 0));
            // What is neither taken nor waited for is what the window has lost.
            expect(stream.windowLeft).toBe(
              windowBytes - Math.max(0, reader.bufferedBytes - (waiting ? wanted : 0)),
            );
          }
          if (ending === 'end') {
            stream.hasEnded = true;
            stream.deliverEnd();
            await waiting;
            keep(reader.readAvailable());
            expect([reader.isComplete, takenBytes]).toEqual([true, given]);
          } else {
            stream.deliverReset(resetCode.cancelled);
            await waiting;
            expect(() => reader.readAvailable()).toThrow('cancelled');
          }
          expect(Buffer.concat(taken).equals(counted(takenBytes))).toBe(true);
        },
      ),
      { numRuns: 300 },
    );
  });
});
