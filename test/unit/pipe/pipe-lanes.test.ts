import { expect, it, vi } from 'vitest';
import type { Channel } from '../../../src/pipe/channel.js';
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

const windowBytes = 2 * MiB;

/** Writes and reads a channel both ways; resolves when each way has come as it was written. */
async function flood(near: Channel, far: Channel, seed: number, bytes: number): Promise<void> {
  const ways = [
    [writerOf(near), readerOf(far)],
    [writerOf(far), readerOf(near)],
  ] as const;
  await Promise.all(
    ways.map(async ([writer, reader], way) => {
      const blocks = new Blocks();
      const generator = new Generator(2 * seed + way + 1);
      const [digest, read] = await Promise.all([
        writeAll(writer, generator, bytes, blocks),
        readAll(reader, () => {
          expect(reader.heldBytes).toBeLessThanOrEqual(reader.windowBytes);
          return generator.below(3) === 0 ? new Promise(setImmediate) : undefined;
        }),
      ]);
      expect(read, `seed ${seed}`).toEqual({ digest, bytes });
      await writer.done;
      expect(writer.heldBytes).toBe(0);
      // A copy of what is there already may still be read.
      await vi.waitFor(() => expect(blocks.out).toBe(0));
    }),
  );
}

it('brings everything once and in order over several lanes', async () => {
  const pipes = await meetPipes({ windowBytes });
  for (let lanes = 1; lanes < 4; lanes++) await pipes.join();
  const { near, far } = await openChannel(pipes, { up: 'bytes', down: true });
  await flood(near, far, 11, 24 * MiB);
  expect([...pipes.dialer.carried.values()].filter((bytes) => bytes > 0).length).toBeGreaterThan(1);
  await Promise.all([pipes.dialer.end(), pipes.listener.over]);
});

it.each([1, 2, 3, 4, 5, 6])(
  'brings everything once and in order while lanes are cut and others join, seed %i',
  async (seed) => {
    const pipes = await meetPipes({ windowBytes });
    const random = new Generator(seed * 7919);
    const kills = [pipes.first.kill];
    const over = new AbortController();
    const channels = await Promise.all(
      Array.from({ length: 3 }, () => openChannel(pipes, { up: 'bytes', down: true })),
    );
    const disturbing = (async () => {
      for (let act = 0; act < 12 && !over.signal.aborted; act++) {
        // A while of content, whatever time that takes.
        const { receivedBytes } = pipes.dialer.measured;
        const more = random.below(4 * MiB);
        await vi.waitFor(
          () =>
            expect(over.signal.aborted || pipes.dialer.measured.receivedBytes >= receivedBytes + more).toBe(
              true,
            ),
          { timeout: 15_000, interval: 1 },
        );
        const kill = random.below(2) === 0 && kills.splice(random.below(kills.length), 1)[0];
        if (kill) kill();
        // Without a lane nothing moves until one joins.
        if (!kill || kills.length === 0) kills.push((await pipes.join()).kill);
      }
    })();
    await Promise.all(channels.map(({ near, far }, i) => flood(near, far, seed * 10 + i, 8 * MiB)));
    over.abort();
    await disturbing;
    await Promise.all([pipes.dialer.end(), pipes.listener.over]);
  },
);

it('goes on where a record was altered on the way, once', async () => {
  const pipes = await meetPipes({ windowBytes });
  const { near, far } = await openChannel(pipes);
  let isDue = true;
  pipes.first.dialerHooks.tamper = (bytes) => {
    // In the body of a large record.
    if (!isDue || bytes.length < 100_000) return [bytes];
    isDue = false;
    const altered = Buffer.from(bytes);
    altered.writeUInt8(altered.readUInt8(90_000) ^ 1, 90_000);
    return [altered];
  };
  const [digest, read] = await Promise.all([
    writeAll(writerOf(near), new Generator(21), 4 * MiB),
    readAll(readerOf(far)),
  ]);
  expect([read.digest, isDue]).toEqual([digest, false]);
});

it('sends little on a lane that rests while another is there', async () => {
  const pipes = await meetPipes({ windowBytes });
  const { lane } = await pipes.join();
  pipes.dialer.handleRest(lane, true);
  const { near, far } = await openChannel(pipes);
  const [digest, read] = await Promise.all([
    writeAll(writerOf(near), new Generator(22), 8 * MiB),
    readAll(readerOf(far)),
  ]);
  await writerOf(near).done;
  expect(read.digest).toBe(digest);
  const on = (each: number) => pipes.dialer.carried.get(each) ?? 0;
  expect(on(lane)).toBeLessThan(on(0) / 4);
});

it('tells the writer on the next lane that all is delivered, where the reader has ended without any', async () => {
  const pipes = await meetPipes({ windowBytes });
  const { near, far } = await openChannel(pipes, { down: true });
  const [writer, reader] = [writerOf(far), readerOf(near)];
  writer.write(new Blocks().text('all'));
  writer.finish();
  expect(await readText(reader)).toBe('all');
  pipes.first.kill();
  await vi.waitFor(() => expect(pipes.sessions.dialer.session.lanes).toEqual([]));
  reader.delivered();
  const ended = pipes.dialer.end();
  await pipes.join();
  await Promise.all([writer.done, ended, pipes.listener.over]);
});
