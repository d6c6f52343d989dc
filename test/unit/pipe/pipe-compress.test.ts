import { expect, it } from 'vitest';
import { ownCapabilities, ownHello } from '../../../src/session/hello.js';
import { sessionPair } from '../transfer/transfer-kit.js';
import {
  Blocks,
  Generator,
  MiB,
  openChannel,
  pipesOver,
  readAll,
  readerOf,
  writeAll,
  writerOf,
} from './pipe-kit.js';

const canInflate = (caps: readonly string[]) =>
  ownHello('recv', 'bob', false, [], [...ownCapabilities, ...caps]);

it.each([
  ['shrinks what goes where the other side can inflate it', ['lz4'], 0.2],
  ['sends it as it is where it cannot', [], 1.01],
])('a pipe that is to compress %s', async (_what, caps, most) => {
  const [near, far] = await sessionPair(canInflate(caps));
  const pipes = pipesOver(near, far, { compress: 'lz4' });
  const channel = await openChannel(pipes);
  const blocks = new Blocks();
  const [digest, read] = await Promise.all([
    // Mostly zeros.
    writeAll(writerOf(channel.near), new Generator(31), 12 * MiB, blocks),
    readAll(readerOf(channel.far)),
  ]);
  expect(read).toEqual({ digest, bytes: 12 * MiB });
  const [carried = 0] = pipes.listener.carried.values();
  expect(carried).toBeLessThan(12 * MiB * most);
  await Promise.all([pipes.dialer.end(), pipes.listener.over]);
  expect(blocks.out).toBe(0);
});
