import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { encodeMessages, messageDecoder } from '../../src/pipe/message-codec.js';
import { decodePipeMessage, encodePipeMessage, type PipeMessage } from '../../src/pipe/messages.js';

interface Golden {
  messages: { name: string; message: PipeMessage; hex: string }[];
  refusedMessages: { name: string; hex: string }[];
  frames: { name: string; messages: string[][]; hex: string }[];
  refusedFrames: { name: string; hex: string }[];
}

const golden = JSON.parse(
  readFileSync(new URL('../../fixtures/wire/pipe-v1.json', import.meta.url), 'utf8'),
) as Golden;
const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'));
const hexOf = (...chunks: readonly Uint8Array[]) => Buffer.concat(chunks).toString('hex');

describe('messages of pipes on the wire', () => {
  it.each(golden.messages)('are written and read so: $name', ({ message, hex }) => {
    expect(hexOf(encodePipeMessage(message))).toBe(hex);
    expect(decodePipeMessage(bytes(hex))).toEqual(message);
  });

  it('are all there', () => {
    expect(new Set(golden.messages.map(({ message }) => message.type))).toEqual(
      new Set([
        ...['open', 'opened', 'refused', 'credit', 'received', 'again', 'finish', 'delivered'],
        ...['stop', 'reset', 'end', 'abort'],
      ]),
    );
  });

  it.each(golden.refusedMessages)('are none: $name', ({ hex }) => {
    expect(() => decodePipeMessage(bytes(hex))).toThrow(
      expect.objectContaining({ code: 'ERR_XFER_PROTOCOL' }),
    );
  });
});

describe('frames on the wire', () => {
  it.each(golden.frames)('are written and read so: $name', ({ messages, hex }) => {
    const parts = messages.map((message) => message.map(bytes));
    expect(hexOf(...encodeMessages(parts, 'len32'))).toBe(hex);
    const read = messageDecoder('len32').decode(bytes(hex));
    expect(read.map((message) => message.map((part) => hexOf(part)))).toEqual(messages);
  });

  it.each(golden.refusedFrames)('are none: $name', ({ hex }) => {
    expect(() => messageDecoder('len32').decode(bytes(hex))).toThrow(
      expect.objectContaining({ code: 'ERR_XFER_FRAMING' }),
    );
  });
});
