import fc from 'fast-check';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { XferError } from '../../../src/errors/index.js';
import { Balancer } from '../../../src/pipe/balancer.js';
import { blockBytes, BlockPool, SharedBlock } from '../../../src/pipe/block-pool.js';
import { FanOut } from '../../../src/pipe/fan-out.js';
import type { Framing } from '../../../src/pipe/channel.js';
import { feed } from '../../../src/pipe/feed.js';
import { BlockLedger, HandWriter, quick, turns } from './feed-kit.js';
import { brokenPipe, bytesOf, frame, HandSource, len32, piecesOf } from './endpoint-fakes.js';

const made = (framing: Framing, writers: readonly HandWriter[], standstillMs?: number) => {
  const gone: XferError[] = [];
  const dropped: [number, XferError][] = [];
  const balancer = new Balancer(writers, {
    framing,
    ...(standstillMs === undefined ? {} : { standstillMs }),
    onGone: (error) => gone.push(error),
    onDropped: (...told) => dropped.push(told),
  });
  const ledger = new BlockLedger();
  const write = (content: string | Uint8Array) => balancer.write(ledger.block(content));
  const finish = () => {
    const finished = balancer.finish();
    finished.catch(() => undefined);
    return finished;
  };
  return { balancer, gone, dropped, ledger, write, finish };
};
const linesOf = (text: string) => text.split('\n').filter((each) => each !== '');
/** The beginning of a line that is too long to be kept. */
const longBegin = 'x'.repeat(blockBytes + 1);

describe('what is shared out among writers', () => {
  it('goes by blocks where it is not cut, to the one that holds least of its window', () => {
    const writers = [new HandWriter(100), new HandWriter(200)];
    const { write } = made('bytes', writers);
    for (let i = 0; i < 6; i++) write(`${i}`.repeat(10));
    expect(writers.map(({ heldBytes }) => heldBytes)).toEqual([20, 40]);
  });

  it('goes by lines, in turns while all hold the same', async () => {
    const writers = [quick(), quick()];
    const { write, finish, ledger } = made('lines', writers);
    write(Array.from({ length: 8 }, (_, i) => `${i}\n`).join(''));
    await finish();
    expect(writers.map(({ taken }) => taken)).toEqual(['0\n2\n4\n6\n', '1\n3\n5\n7\n']);
    expect(ledger.held).toBe(0);
  });

  it('leaves a long block of short lines in few pieces', () => {
    const writers = [quick(), quick()];
    const { write } = made('lines', writers);
    write('short\n'.repeat(10_000));
    expect((writers[0]?.blocks ?? 0) + (writers[1]?.blocks ?? 0)).toBeLessThanOrEqual(16);
  });

  it('stays with one writer from the beginning of a frame to its end', () => {
    const writers = [new HandWriter(), new HandWriter()];
    const { write } = made('len32', writers);
    const content = len32([['a part', 'another'], ['x']]);
    for (const byte of content) write(Uint8Array.of(byte));
    expect(writers.map(({ written }) => Buffer.from(written, 'latin1'))).toEqual([
      len32([['a part', 'another']]),
      Buffer.from(frame('x')),
    ]);
  });

  it('begins a frame at nobody before its end has come', () => {
    const writers = [new HandWriter(), new HandWriter()];
    const { write } = made('lines', writers);
    write('a whole line\nand the begin');
    expect(writers.map(({ written }) => written)).toEqual(['a whole line\n', '']);
    write('ning\n');
    expect(writers.map(({ written }) => written)).toEqual(['a whole line\n', 'and the beginning\n']);
  });

  it('waits for the writer that has the beginning of a long frame, and else for any', async () => {
    const writers = [new HandWriter(10), new HandWriter(10)];
    const { write, balancer } = made('lines', writers);
    write(longBegin);
    expect(balancer.hasRoom).toBe(false);
    const room = balancer.room();
    write('\n');
    writers[0]?.take();
    await room;
    write('0123456789\n');
    expect(balancer.hasRoom).toBe(true);
    write('0123456789\n');
    expect(balancer.hasRoom).toBe(false);
    writers[1]?.take();
    await balancer.room();
  });

  it('goes on to the others while one has stopped, however little room they have', async () => {
    const [stopped, other] = [new HandWriter(100), new HandWriter(100)];
    const { write, balancer, finish } = made('lines', [stopped, other]);
    const lines = Array.from({ length: 300 }, (_, i) => `line ${i}\n`);
    const content = lines.join('');
    for (let at = 0; at < content.length; at += 157) {
      write(content.slice(at, at + 157));
      for (let round = 0; round < 20 && !balancer.hasRoom; round++) {
        other.take();
        await turns(2);
      }
      expect(balancer.hasRoom).toBe(true);
    }
    expect(stopped.written.length).toBeLessThan(260);
    void finish();
    stopped.isQuick = other.isQuick = true;
    for (const writer of [stopped, other]) writer.take();
    await turns();
    expect(linesOf(stopped.taken + other.taken).sort()).toEqual(linesOf(content).sort());
  });

  it('keeps hardly more memory for a slow one than its window', async () => {
    const pool = new BlockPool(0);
    const windowBytes = 8 * blockBytes;
    const [fast, slow] = [new HandWriter(windowBytes), new HandWriter(windowBytes)];
    const { balancer } = made('lines', [fast, slow]);
    const line = 'a line of 32 bytes, with its end\n';
    const content = bytesOf(line.repeat(blockBytes / line.length));
    for (let i = 0; i < 64 && slow.heldBytes < windowBytes; i++) {
      const memory = pool.take();
      memory.bytes.set(content);
      const block = new SharedBlock(memory.bytes.subarray(0, content.length), memory);
      memory.release();
      balancer.write(block);
      await turns(1);
      if (fast.heldBytes >= windowBytes) fast.take();
    }
    fast.take();
    await turns();
    expect(slow.heldBytes).toBeGreaterThanOrEqual(windowBytes);
    expect(pool.outCount).toBeLessThanOrEqual(windowBytes / blockBytes / 2 + 1);
    balancer.reset(brokenPipe());
    await turns();
    expect(pool.outCount).toBe(0);
  });

  it('leaves a last line as it is, unless another has to follow it', async () => {
    const writers = [quick(), new HandWriter()] as [HandWriter, HandWriter];
    const { write, finish } = made('lines', writers);
    write('a\nb\nc');
    const finished = finish();
    expect(writers.map(({ written }) => written)).toEqual(['a\nc', 'b\n']);
    writers[1].fail(brokenPipe());
    await expect(finished).rejects.toMatchObject({ code: 'ERR_XFER_BROKEN_PIPE' });
    expect(writers[0].taken).toBe('a\nc\nb\n');
  });

  it('arrives whole at one of them, however it is cut and whenever they take', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 20 }),
        fc.array(fc.nat(), { maxLength: 10 }),
        fc.integer({ min: 1, max: 4 }),
        async (lengths, cuts, count) => {
          const writers = Array.from({ length: count }, () => new HandWriter());
          const lines = lengths.map((length, index) => `${index}:${'x'.repeat(length)}`);
          const { write, finish, ledger } = made('lines', writers);
          for (const [index, piece] of piecesOf(bytesOf(lines.join('\n')), cuts).entries()) {
            write(piece);
            writers[index % count]?.take(1);
          }
          const finished = finish();
          for (const writer of writers) {
            writer.isQuick = true;
            writer.take();
          }
          await finished;
          const arrived = writers.flatMap(({ taken }) => linesOf(taken));
          expect(arrived.sort()).toEqual([...lines].sort());
          expect(ledger.held).toBe(0);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('is refused where the content ends within a message', async () => {
    const { write, finish, balancer, ledger } = made('len32', [new HandWriter(), new HandWriter()]);
    write(frame('abc').subarray(0, 5));
    await expect(finish()).rejects.toMatchObject({ code: 'ERR_XFER_FRAMING' });
    balancer.reset(brokenPipe());
    expect(ledger.held).toBe(0);
  });
});

describe('a writer that fails', () => {
  it('has what it never took given to the others, which are not finished before that is taken', async () => {
    const writers = [new HandWriter(), new HandWriter()] as [HandWriter, HandWriter];
    const { write, finish, dropped, ledger } = made('lines', writers);
    for (const each of ['a\n', 'b\n', 'c\n', 'd\n']) write(each);
    writers[0].take(1);
    await turns();
    const finished = finish();
    writers[1].take();
    await turns();
    expect(writers[1].isFinished).toBe(false);
    const error = brokenPipe();
    writers[0].fail(error);
    await turns();
    expect(dropped).toEqual([[0, error]]);
    writers[1].take();
    await expect(finished).rejects.toBe(error);
    expect([writers[0].taken, writers[1].taken]).toEqual(['a\n', 'b\nd\nc\n']);
    expect([writers[1].isFinished, ledger.held]).toEqual([true, 0]);
  });

  it('within a frame has all of that frame given to another, with what it took of it', async () => {
    const writers = [new HandWriter(), new HandWriter()] as [HandWriter, HandWriter];
    const { write, finish, ledger } = made('lines', writers);
    write(longBegin);
    writers[0].take();
    await turns();
    writers[0].fail(brokenPipe());
    writers[1].isQuick = true;
    await turns();
    write(' and ended\nnext\n');
    await expect(finish()).rejects.toMatchObject({ code: 'ERR_XFER_BROKEN_PIPE' });
    expect(writers[1].taken === `${longBegin} and ended\nnext\n`).toBe(true);
    expect(ledger.held).toBe(0);
  });

  it('has its frames wait while the only other one is within a frame', async () => {
    const writers = [new HandWriter(), new HandWriter()] as [HandWriter, HandWriter];
    const { write, finish, ledger } = made('lines', writers);
    write('first\n');
    write(longBegin);
    writers[1].isQuick = true;
    writers[1].take();
    writers[0].fail(brokenPipe());
    await turns();
    expect(writers[1].taken === longBegin).toBe(true);
    write(' and ended');
    await expect(finish()).rejects.toMatchObject({ code: 'ERR_XFER_BROKEN_PIPE' });
    expect(writers[1].taken === `${longBegin} and ended\nfirst\n`).toBe(true);
    expect(ledger.held).toBe(0);
  });

  it('as the last one ends it all with the first error', async () => {
    const writers = [new HandWriter(), new HandWriter()];
    const { write, gone, dropped, balancer, ledger } = made('lines', writers);
    write('a\nb\n');
    const [first, second] = [brokenPipe(), brokenPipe()];
    writers[1]?.fail(first);
    await turns();
    writers[0]?.fail(second);
    await turns();
    expect([gone, dropped]).toEqual([
      [first],
      [
        [1, first],
        [0, second],
      ],
    ]);
    write('nobody is there\n');
    expect([balancer.hasRoom, ledger.held]).toEqual([true, 0]);
  });

  it.each(['within a long line', 'at the end', 'behind it'])(
    'by standing still %s is reset, and what it had goes to the other',
    async (where) => {
      vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
      onTestFinished(() => void vi.useRealTimers());
      const [stopped, other] = [new HandWriter(), quick()];
      const { write, balancer, finish, dropped, ledger } = made('lines', [stopped, other], 30_000);
      let waiting: Promise<unknown>;
      if (where === 'within a long line') {
        write(longBegin);
        waiting = balancer.room();
      } else {
        write('a\nb\n');
        if (where === 'behind it') vi.spyOn(stopped, 'finish').mockReturnValue();
        if (where === 'behind it') stopped.take();
        waiting = finish().catch((error: unknown) => error);
      }
      await turns();
      vi.advanceTimersByTime(29_000);
      await turns();
      expect(dropped).toEqual([]);
      vi.advanceTimersByTime(3_000);
      await waiting;
      expect(dropped).toMatchObject([[0, { code: 'ERR_XFER_TOO_SLOW' }]]);
      if (where === 'within a long line') {
        write('\n');
        await finish().catch(() => undefined);
        expect(other.taken === `${longBegin}\n`).toBe(true);
      } else expect(linesOf(stopped.taken + other.taken).sort()).toEqual(['a', 'b']);
      expect(ledger.held).toBe(0);
    },
  );

  it('loses no line of a feed, wherever it fails', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 100 }), { minLength: 1, maxLength: 30 }),
        fc.nat({ max: 10 }),
        async (lengths, after) => {
          const lines = lengths.map((length, index) => `${index}:${'x'.repeat(length)}\n`);
          const failing = new HandWriter();
          const other = quick();
          const fed = feed(new HandSource().push(...lines).end(), [failing, other], {
            framing: 'lines',
            coalesceMs: 0,
            balance: true,
          });
          fed.catch(() => undefined);
          for (let i = 0; i < after; i++) {
            await turns(1);
            failing.take(1);
          }
          await turns(2);
          failing.fail(brokenPipe());
          await fed.catch(() => undefined);
          expect(linesOf(failing.taken + other.taken).sort()).toEqual(linesOf(lines.join('')).sort());
        },
      ),
      { numRuns: 60 },
    );
  });
});

it('what all writers get is released when the last of them has, also where some fail', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom('take', 'fail', 'write'), { maxLength: 30 }),
      fc.integer({ min: 1, max: 4 }),
      async (steps, count) => {
        const ledger = new BlockLedger();
        const writers = Array.from({ length: count }, () => new HandWriter());
        const fan = new FanOut(writers, { onGone: () => undefined });
        for (const [index, step] of steps.entries()) {
          if (step === 'write') fan.write(ledger.block('content'));
          else if (step === 'take') writers[index % count]?.take(1);
          else writers[index % count]?.fail(brokenPipe());
          if (index % 3 === 0) await turns(1);
        }
        const most = Math.max(...writers.map(({ heldBlocks }) => heldBlocks));
        expect(ledger.held).toBe(most);
        fan.reset(brokenPipe());
        expect(ledger.held).toBe(0);
      },
    ),
    { numRuns: 60 },
  );
});
