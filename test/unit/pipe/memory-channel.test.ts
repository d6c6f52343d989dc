import { expect, it } from 'vitest';
import { XferError } from '../../../src/errors/index.js';
import { memoryChannel } from '../../../src/pipe/memory-channel.js';
import { Blocks } from './pipe-kit.js';

it('a channel within this process is full of blocks, however small they are, and drains as they are used up', async () => {
  const { writer, reader } = memoryChannel(2 ** 20);
  const blocks = new Blocks();
  let written = 0;
  while (writer.write(blocks.text('x')) && written < 20_000) written++;
  expect(written).toBeLessThan(20_000);
  const drained = writer.drained();
  (await reader.read())?.release();
  await drained;
  expect(writer.takenBytes).toBe(1);
  reader.stop(new XferError('ERR_XFER_BROKEN_PIPE', 'enough'));
  expect([blocks.out, writer.heldBytes]).toEqual([0, 0]);
});

it('a channel within this process gives what was written before it failed, and then why', async () => {
  const { writer, reader } = memoryChannel(2 ** 20);
  const blocks = new Blocks();
  const error = new XferError('ERR_XFER_COMMAND_FAILED', 'it ended with 1');
  writer.write(blocks.text('all that came'));
  writer.finish(error);
  const block = await reader.read();
  expect(Buffer.from(block?.bytes ?? []).toString()).toBe('all that came');
  block?.release();
  await expect(reader.read()).rejects.toBe(error);
  await expect(writer.done).rejects.toBe(error);
  expect([blocks.out, writer.heldBytes]).toEqual([0, 0]);
});
