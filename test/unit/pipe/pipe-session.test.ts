import { describe, expect, it } from 'vitest';
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

describe('a channel up', () => {
  it('brings what was written, and tells when it is delivered', async () => {
    const pipes = await meetPipes();
    const { near, far } = await openChannel(pipes);
    const blocks = new Blocks();
    for (const text of ['one', 'two', 'three']) expect(writerOf(near).write(blocks.text(text))).toBe(true);
    writerOf(near).finish();
    expect(await readText(readerOf(far))).toBe('onetwothree');
    let isDone = false;
    const done = writerOf(near).done.then(() => (isDone = true));
    await new Promise(setImmediate);
    expect(isDone).toBe(false);
    readerOf(far).delivered();
    await done;
    expect([blocks.out, writerOf(near).heldBytes, readerOf(far).heldBytes]).toEqual([0, 0, 0]);
    await pipes.dialer.end();
    await pipes.listener.over;
  });

  it('brings more than fits its window', async () => {
    const pipes = await meetPipes({ windowBytes: 2 * MiB });
    const { near, far } = await openChannel(pipes);
    const blocks = new Blocks();
    const [digest, read] = await Promise.all([
      writeAll(writerOf(near), new Generator(7), 40 * MiB, blocks),
      readAll(readerOf(far)),
    ]);
    expect(read).toEqual({ digest, bytes: 40 * MiB });
    await writerOf(near).done;
    expect(blocks.out).toBe(0);
    await pipes.dialer.end();
    await pipes.listener.over;
  });
});
