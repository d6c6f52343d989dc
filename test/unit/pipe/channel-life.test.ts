import { describe, expect, it, vi } from 'vitest';
import { pipeDefaults } from '../../../src/config/index.js';
import { XferError } from '../../../src/errors/index.js';
import { mostHeldRecords } from '../../../src/transfer/held-content.js';
import {
  Blocks,
  Generator,
  meetPipes,
  MiB,
  openChannel,
  readAll,
  readerOf,
  readText,
  writeAll,
  writerOf,
} from './pipe-kit.js';

const failure = (code: string, words = '') =>
  expect.objectContaining({ code, message: expect.stringContaining(words) as string }) as XferError;
const error = (code: ConstructorParameters<typeof XferError>[0], words = 'so it is') =>
  new XferError(code, words);
const bothWays = { up: 'bytes', down: true } as const;

describe('a channel both ways', () => {
  it('carries each way by itself, and one may end while the other goes on', async () => {
    const pipes = await meetPipes();
    const { near, far } = await openChannel(pipes, bothWays);
    writerOf(near).write(new Blocks().text('question'));
    writerOf(near).finish();
    expect(await readText(readerOf(far))).toBe('question');
    readerOf(far).delivered();
    await writerOf(near).done;
    writerOf(far).write(new Blocks().text('answer'));
    writerOf(far).finish();
    expect(await readText(readerOf(near))).toBe('answer');
    readerOf(near).delivered();
    await writerOf(far).done;
    await pipes.dialer.end();
  });

  it('gives what was written before it failed, however much and slowly, and then why', async () => {
    const pipes = await meetPipes({ windowBytes: MiB });
    const { near, far } = await openChannel(pipes, bothWays);
    const why = error('ERR_XFER_COMMAND_FAILED', 'it ended with 1');
    const blocks = new Blocks();
    for (let i = 0; i < 40; i++) writerOf(near).write(blocks.text(String(i % 10).repeat(100_000)));
    writerOf(near).finish(why);
    let bytes = 0;
    const read = async (): Promise<void> => {
      for (let block = await readerOf(far).read(); block; block = await readerOf(far).read()) {
        bytes += block.bytes.length;
        block.release();
      }
    };
    await expect(read()).rejects.toEqual(failure('ERR_XFER_COMMAND_FAILED', 'it ended with 1'));
    await expect(writerOf(near).done).rejects.toBe(why);
    expect([bytes, blocks.out, writerOf(near).heldBytes]).toEqual([4_000_000, 0, 0]);
  });

  it('carries much both ways at once', async () => {
    const pipes = await meetPipes({ windowBytes: 3 * MiB });
    const { near, far } = await openChannel(pipes, bothWays);
    const [up, upRead, down, downRead] = await Promise.all([
      writeAll(writerOf(near), new Generator(1), 16 * MiB),
      readAll(readerOf(far)),
      writeAll(writerOf(far), new Generator(2), 16 * MiB),
      readAll(readerOf(near)),
    ]);
    expect([upRead.digest, downRead.digest]).toEqual([up, down]);
    await Promise.all([pipes.dialer.end(), pipes.listener.over]);
  });
});

describe('a channel that is asked for', () => {
  it('says what it is, and how what comes is cut', async () => {
    const pipes = await meetPipes();
    const near = pipes.dialer.open({ up: 'lines', down: true, name: 'a name' });
    const asked = await pipes.arrivals.next();
    expect(asked.request).toEqual({ up: 'lines', down: true, name: 'a name' });
    const far = asked.accept('len32');
    expect([far.framing, far.name, near.name]).toEqual(['lines', 'a name', 'a name']);
    writerOf(far).write(new Blocks().text('x'));
    const block = await readerOf(near).read();
    expect([near.framing, block?.bytes.length]).toEqual(['len32', 1]);
  });

  it('has content that came before it was accepted', async () => {
    const pipes = await meetPipes();
    const near = pipes.dialer.open({ up: 'bytes' });
    writerOf(near).write(new Blocks().text('early'));
    writerOf(near).finish();
    const asked = await pipes.arrivals.next();
    await vi.waitFor(() => expect(writerOf(near).heldBytes).toBe(0));
    expect(await readText(readerOf(asked.accept()))).toBe('early');
  });

  it.each([
    ['ERR_XFER_UNKNOWN_HOST', 'ERR_XFER_UNKNOWN_HOST'],
    ['ERR_XFER_REFUSED', 'ERR_XFER_REFUSED'],
    ['ERR_XFER_INTERRUPTED', 'ERR_XFER_PEER_INTERRUPTED'],
  ] as const)('may be refused with %s, which both halves say as %s', async (code, told) => {
    const pipes = await meetPipes();
    const near = pipes.dialer.open(bothWays);
    const blocks = new Blocks();
    writerOf(near).write(blocks.text('in vain'));
    const reading = readerOf(near).read();
    (await pipes.arrivals.next()).refuse(error(code));
    await expect(writerOf(near).done).rejects.toEqual(failure(told, 'the other side'));
    await expect(reading).rejects.toEqual(failure(told, 'the other side'));
    expect(blocks.out).toBe(0);
    const { far } = await openChannel(pipes);
    expect(far.id).toBe(1);
  });

  it('is refused where there are too many, and the others stay', async () => {
    const pipes = await meetPipes({ windowBytes: 64 * MiB });
    const first = await openChannel(pipes);
    const more = Array.from({ length: 999 }, () => pipes.dialer.open({ up: 'bytes' }));
    expect(() => pipes.dialer.open({ up: 'bytes' })).toThrow(failure('ERR_XFER_LIMIT'));
    // The first has its whole window; of the least ones there is room for 768 beside it.
    await expect(writerOf(more[768] ?? expect.unreachable()).done).rejects.toEqual(failure('ERR_XFER_LIMIT'));
    let asked = await pipes.arrivals.next();
    while (asked.id < 768) asked = await pipes.arrivals.next();
    writerOf(more[767] ?? expect.unreachable()).write(new Blocks().text('x'));
    writerOf(more[767] ?? expect.unreachable()).finish();
    expect(await readText(readerOf(asked.accept()))).toBe('x');
    const [digest, read] = await Promise.all([
      writeAll(writerOf(first.near), new Generator(9), MiB),
      readAll(readerOf(first.far)),
    ]);
    expect(read.digest).toBe(digest);
  });
});

describe('a reader that wants no more', () => {
  it('tells the writer why, who lets go of everything', async () => {
    const pipes = await meetPipes({ windowBytes: 2 * MiB });
    const { near, far } = await openChannel(pipes);
    const blocks = new Blocks();
    while (writerOf(near).write(blocks.of(Buffer.alloc(200_000))));
    const block = await readerOf(far).read();
    readerOf(far).stop(error('ERR_XFER_BROKEN_PIPE', 'the reader\nhas gone'));
    block?.release();
    await expect(writerOf(near).done).rejects.toEqual(
      failure('ERR_XFER_BROKEN_PIPE', String.raw`the other side: the reader\u{a}has gone`),
    );
    await writerOf(near).drained();
    expect(writerOf(near).write(blocks.text('more'))).toBe(false);
    await vi.waitFor(() => expect(blocks.out).toBe(0));
    await expect(readerOf(far).read()).rejects.toEqual(failure('ERR_XFER_BROKEN_PIPE'));
    expect([readerOf(far).heldBytes, writerOf(near).heldBytes]).toEqual([0, 0]);
    await Promise.all([pipes.dialer.end(), pipes.listener.over]);
  });

  it('leaves the other way and other channels alone', async () => {
    const pipes = await meetPipes();
    const { near, far } = await openChannel(pipes, bothWays);
    const other = await openChannel(pipes);
    readerOf(far).stop(error('ERR_XFER_BROKEN_PIPE'));
    await expect(writerOf(near).done).rejects.toEqual(failure('ERR_XFER_BROKEN_PIPE'));
    for (const [writer, reader] of [
      [writerOf(far), readerOf(near)],
      [writerOf(other.near), readerOf(other.far)],
    ] as const) {
      const [digest, read] = await Promise.all([
        writeAll(writer, new Generator(3), 3 * MiB),
        readAll(reader),
      ]);
      expect(read.digest).toBe(digest);
    }
  });
});

describe('a writer that has not all', () => {
  it('says so behind what has come', async () => {
    const pipes = await meetPipes();
    const { near, far } = await openChannel(pipes);
    writerOf(near).write(new Blocks().text('a part'));
    await vi.waitFor(() => expect(writerOf(near).heldBytes).toBe(0));
    writerOf(near).reset(error('ERR_XFER_LOCAL_IO', 'the disk is gone'));
    await expect(writerOf(near).done).rejects.toEqual(failure('ERR_XFER_LOCAL_IO'));
    const block = await readerOf(far).read();
    expect(Buffer.from(block?.bytes ?? []).toString()).toBe('a part');
    await expect(readerOf(far).read()).rejects.toEqual(failure('ERR_XFER_LOCAL_IO', 'the disk is gone'));
    await Promise.all([pipes.dialer.end(), pipes.listener.over]);
  });
});

describe('a session', () => {
  it('serves any number of channels, one behind the other', async () => {
    const pipes = await meetPipes();
    for (let count = 0; count < 2 * mostHeldRecords + pipeDefaults.maxChannels + 2; count++) {
      const { near, far } = await openChannel(pipes);
      writerOf(near).write(new Blocks().text('x'));
      writerOf(near).finish();
      expect(await readText(readerOf(far))).toBe('x');
      readerOf(far).delivered();
      await writerOf(near).done;
    }
    await Promise.all([pipes.dialer.end(), pipes.listener.over]);
  });
});

describe('credit', () => {
  it('is given as what was read is released, and holds the sender at the window till then', async () => {
    const windowBytes = 2 * MiB;
    const pipes = await meetPipes({ windowBytes });
    const { near, far } = await openChannel(pipes);
    const blocks = new Blocks();
    const writing = writeAll(writerOf(near), new Generator(5), 8 * MiB, blocks);
    await vi.waitFor(() => expect(readerOf(far).heldBytes).toBe(windowBytes));
    expect(writerOf(near).heldBytes).toBeLessThanOrEqual(windowBytes + MiB);
    let most = 0;
    const read = await readAll(readerOf(far), () => {
      most = Math.max(most, readerOf(far).heldBytes);
      return undefined;
    });
    expect(most).toBeLessThanOrEqual(windowBytes);
    expect(read).toEqual({ digest: await writing, bytes: 8 * MiB });
  });
});

describe('what decides about lanes', () => {
  it('sees a window of content to come while anything may, and then what is left', async () => {
    const windowBytes = 4 * MiB;
    const pipes = await meetPipes({ windowBytes });
    const remaining = () => pipes.dialer.measured.remainingBytes;
    expect(remaining()).toBe(0);
    const { near, far } = await openChannel(pipes);
    expect(remaining()).toBe(windowBytes);
    writerOf(near).write(new Blocks().of(Buffer.alloc(MiB)));
    writerOf(near).finish();
    expect(remaining()).toBe(MiB);
    await readAll(readerOf(far));
    await writerOf(near).done;
    const { receivedBytes, loads } = pipes.listener.measured;
    expect([remaining(), receivedBytes, loads.get(0)?.receivedBytes]).toEqual([0, MiB, MiB]);
    expect([...pipes.listener.carried]).toEqual([[0, MiB]]);
  });
});

describe('the end of a session', () => {
  it('is in order behind all channels', async () => {
    const pipes = await meetPipes();
    const { near, far } = await openChannel(pipes);
    const ended = pipes.dialer.end();
    expect(() => pipes.dialer.open({ up: 'bytes' })).toThrow();
    writerOf(near).finish();
    expect(await readText(readerOf(far))).toBe('');
    readerOf(far).delivered();
    await Promise.all([ended, pipes.listener.over]);
  });

  it('rejects all that was under way where a side gives up, with its reason', async () => {
    const pipes = await meetPipes();
    const { near, far } = await openChannel(pipes, bothWays);
    const there = [pipes.dialer.over, writerOf(near).done, readerOf(near).read()];
    const here = [pipes.listener.over, writerOf(far).done, readerOf(far).read()];
    const rejected = Promise.all([
      ...there.map((each) =>
        expect(each).rejects.toEqual(failure('ERR_XFER_NO_SPACE', 'the other side: no room')),
      ),
      ...here.map((each) => expect(each).rejects.toEqual(failure('ERR_XFER_NO_SPACE', 'no room'))),
    ]);
    pipes.listener.abort(error('ERR_XFER_NO_SPACE', 'no room'));
    await rejected;
  });

  it('rejects all where the session is lost', async () => {
    const pipes = await meetPipes();
    const { near, far } = await openChannel(pipes);
    const all = [writerOf(near).done, readerOf(far).read(), pipes.dialer.over, pipes.listener.over];
    const rejected = Promise.all(
      all.map((each) => expect(each).rejects.toEqual(failure('ERR_XFER_CONNECTION_LOST'))),
    );
    pipes.sessions.dialer.session.abort(error('ERR_XFER_CONNECTION_LOST'));
    pipes.sessions.listener.session.abort(error('ERR_XFER_CONNECTION_LOST'));
    await rejected;
    await expect(readerOf(far).read()).rejects.toEqual(failure('ERR_XFER_CONNECTION_LOST'));
  });

  it('is no end in order where a side just leaves', async () => {
    const pipes = await meetPipes();
    await openChannel(pipes);
    pipes.sessions.dialer.session.finish();
    pipes.first.kill();
    pipes.sessions.listener.session.abort(error('ERR_XFER_CONNECTION_LOST'));
    await expect(pipes.listener.over).rejects.toEqual(failure('ERR_XFER_CONNECTION_LOST'));
  });
});
