import { expect, it } from 'vitest';
import { carry } from '../../../src/app/carry.js';
import { PipeMeter } from '../../../src/app/pipe-meter.js';
import type { Framing } from '../../../src/pipe/channel.js';
import type { PipeSink, PipeSource } from '../../../src/pipe/endpoint.js';
import {
  brokenPipe,
  bytesOf,
  HandMessages,
  HandSource,
  len32,
  NotingBytes,
  NotingMessages,
} from '../pipe/endpoint-fakes.js';

const local = (source: PipeSource, sink: PipeSink, { framing }: { framing: Framing }) =>
  carry([{ kind: 'local', source }], [{ kind: 'local', sink }], {
    ...{ framing, signal: new AbortController().signal, meter: new PipeMeter() },
    onProgress: () => undefined,
  });

it('bytes go from a source to a sink', async () => {
  const sink = new NotingBytes();
  await local(new HandSource().push('one', 'two').end(), sink, { framing: 'bytes' });
  expect([sink.text, sink.isEnded]).toEqual(['onetwo', true]);
});

it('messages go to messages, and to bytes as they are told to be cut', async () => {
  const batches = [[[bytesOf('a'), bytesOf('b')], [bytesOf('c')]]];
  const messages = new NotingMessages();
  await local(new HandMessages(batches), messages, { framing: 'bytes' });
  expect(messages.messages).toEqual([['a', 'b'], ['c']]);
  const framed = new NotingBytes();
  await local(new HandMessages(batches), framed, { framing: 'len32' });
  expect(Buffer.compare(framed.bytes, len32([['a', 'b'], ['c']]))).toBe(0);
  const lines = new NotingBytes();
  await local(new HandMessages(batches), lines, { framing: 'lines' });
  expect(lines.text).toBe('ab\nc\n');
});

it('lines go to messages', async () => {
  const sink = new NotingMessages();
  await local(new HandSource().push('a\nb').end(), sink, { framing: 'lines' });
  expect(sink.messages).toEqual([['a'], ['b']]);
});

it('a sink whose reader has gone stops the source', async () => {
  const source = new HandSource();
  const sink = new NotingBytes();
  const copied = local(source, sink, { framing: 'bytes' });
  const error = brokenPipe();
  sink.broken?.(error);
  await expect(copied).rejects.toBe(error);
  expect(source.isStopped).toBe(true);
});

it('a source that fails aborts the sink', async () => {
  const sink = new NotingBytes();
  const error = brokenPipe();
  await expect(local(new HandSource().push('a', error), sink, { framing: 'bytes' })).rejects.toBe(error);
  expect(sink.aborted).toBe(error);
});
