import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { turns, until } from '../../../src/compliance/pair.js';
import type { XferError } from '../../../src/errors/index.js';
import { nativeApi } from '../../../src/native/index.js';
import { openRecord } from '../../../src/native/record-codec.js';
import { groupKeys } from '../../../src/session/group-keys.js';
import { GroupSender } from '../../../src/session/group-sender.js';
import { resetCode, type Stream } from '../../../src/transport/contract.js';
import { HandStream } from './hand-stream.js';
import { contentHeader } from './lane-kit.js';

const key = { epoch: new Uint8Array(16).fill(1), key: new Uint8Array(32).fill(2), cipher: 1 } as const;

function group(count: number) {
  const streams = Array.from({ length: count }, () => new HandStream());
  const digests: string[] = [];
  const ends: { stream: Stream; error: XferError }[] = [];
  let rooms = 0;
  const sender = new GroupSender(key, nativeApi(), {
    onRoom: () => rooms++,
    onDigest: (number, digest) => (digests[number] = Buffer.from(digest).toString('hex')),
    onStreamEnd: (stream, error) => ends.push({ stream, error }),
    onFailed: (error) => expect.unreachable(error.message),
  });
  for (const stream of streams) sender.add(stream);
  const send = (text: string) =>
    new Promise<void>((resolve) => {
      const bodyBytes = text.length;
      const fill = (body: Uint8Array) => {
        body.set(Buffer.from(text));
        return Promise.resolve({ bodyBytes, layout: 0, contentBytes: bodyBytes });
      };
      const header = contentHeader({ bodyBytes, number: sender.count });
      sender.sendContent({ fill, header }, () => resolve());
    });
  return { sender, streams, digests, ends, send, rooms: () => rooms };
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

describe('a group of streams', () => {
  it('gets the same bytes on each, sealed once under rising numbers, and their digests in order', async () => {
    const { streams, digests, send } = group(3);
    await Promise.all(['one', 'two', 'three'].map(send));
    await until(() => digests.length === 3 && streams[0]!.sent.length === 3);
    const [first, ...others] = streams.map((stream) => stream.take());
    for (const other of others) expect(other).toEqual(first);
    expect(digests).toEqual(first!.map(sha256));
    const keys = groupKeys(key);
    const texts = first!.map((record) => Buffer.from(openRecord(keys.next(), record).body).toString());
    expect(texts).toEqual(['one', 'two', 'three']);
  });

  it('never seals another record under the number of one', () => {
    const { sender } = group(1);
    const header = contentHeader({ number: 1 });
    expect(() => sender.sendContent({ fd: 0, header }, () => undefined)).toThrow('another number');
  });

  it('waits for the stream that is full, and says which', async () => {
    const { sender, streams, send, rooms } = group(2);
    streams[1]!.isFull = true;
    await send('x');
    await until(() => sender.isFull);
    expect([sender.hasRoom, ...streams.map((stream) => sender.isStreamFull(stream))]).toEqual([
      false,
      false,
      true,
    ]);
    const before = rooms();
    streams[1]!.drain();
    await until(() => rooms() > before);
    expect([sender.hasRoom, sender.isFull]).toEqual([true, false]);
  });

  it('goes on with the others when one is full for good and is given up', async () => {
    const { sender, streams, send } = group(2);
    streams[1]!.isFull = true;
    await send('x');
    await until(() => sender.isFull);
    sender.remove(streams[1]!);
    // As a transport does.
    streams[1]!.drain();
    await until(() => sender.hasRoom);
    await send('y');
    await until(() => streams[0]!.sent.length === 2);
    expect([streams[1]!.sent.length, streams[1]!.resetWith]).toEqual([1, resetCode.cancelled]);
  });

  it('tells once of a stream that is reset or not read any more, and sends nothing more there', async () => {
    const { streams, ends, send } = group(3);
    streams[0]!.deliverReset(resetCode.internal);
    streams[1]!.deliverStop(resetCode.cancelled);
    streams[1]!.deliverReset(resetCode.internal);
    expect(ends.map(({ stream }) => stream)).toEqual([streams[0], streams[1]]);
    expect(ends.map(({ error }) => error.code)).toEqual([
      'ERR_XFER_CONNECTION_LOST',
      'ERR_XFER_CONNECTION_LOST',
    ]);
    await send('x');
    await until(() => streams[2]!.sent.length === 1);
    expect([streams[0]!.sent, streams[1]!.sent]).toEqual([[], []]);
  });

  it('ends one stream behind what was sent, and the others for themselves', async () => {
    const { sender, streams, ends, send } = group(2);
    await send('x');
    await until(() => streams[0]!.sent.length === 1);
    sender.end(streams[0]!);
    expect([streams[0]!.hasEnded, streams[0]!.resetWith, streams[1]!.hasEnded]).toEqual([
      true,
      undefined,
      false,
    ]);
    streams[0]!.deliverReset(resetCode.internal);
    await turns(5);
    expect(ends).toEqual([]);
    sender.abort();
    expect(streams[1]!.resetWith).toBe(resetCode.cancelled);
  });

  it('uses memory again when all streams have let go of it, and no earlier', async () => {
    const { streams, digests, send } = group(2);
    const text = 'x'.repeat(200_000);
    await send(text);
    await until(() => digests.length === 1 && streams.every(({ sent }) => sent.length === 1));
    const [held] = streams[1]!.sent;
    streams[0]!.take();
    await send('y'.repeat(200_000));
    await until(() => streams[0]!.sent.length === 1);
    expect(Buffer.compare(held!.memory, held!.bytes)).toBe(0);
    expect(streams[0]!.sent[0]!.memory.buffer).not.toBe(held!.memory.buffer);
    const second = streams[0]!.sent[0]!.memory.buffer;
    for (const stream of streams) stream.take();
    await until(() => digests.length === 2);
    await send('z'.repeat(200_000));
    await until(() => streams[0]!.sent.length === 1);
    expect([held!.memory.buffer, second]).toContain(streams[0]!.sent[0]!.memory.buffer);
  });
});
