import { describe, expect, it } from 'vitest';
import { LineStream } from '../../../src/bench/line-stream.js';
import type { Stream } from '../../../src/transport/contract.js';
import { memory } from '../../support/memory-transport.js';

const address = { scheme: 'memory', host: 'here', port: 8 };
const limits = { maxBytes: 100, maxLines: 4 };

async function pair(): Promise<{ readonly near: Stream; readonly far: Stream }> {
  const transport = await memory().load();
  let arrived: (stream: Stream) => void = () => undefined;
  const coming = new Promise<Stream>((resolve) => (arrived = resolve));
  await transport.listen(address, {
    onConnection: (connection) =>
      connection.onStream((stream) => {
        stream.accept();
        arrived(stream);
      }),
  });
  const connection = await transport.dial(address, { signal: new AbortController().signal });
  const near = connection.openStream({ header: new Uint8Array(1) });
  return { near, far: await coming };
}

describe('lines on a stream', () => {
  it('come whole, however they are cut, and are no view of memory that is used again', async () => {
    const { near, far } = await pair();
    const lines = new LineStream(far, limits);
    const text = Buffer.from('{"a":1}\n{"b":"äö"}\n');
    for (const byte of text) {
      const piece = Buffer.from([byte]);
      near.send(piece, () => piece.fill(0x78));
      await new Promise(setImmediate);
    }
    near.closeWrite();
    expect([await lines.next(), await lines.next(), await lines.next()]).toEqual([
      { a: 1 },
      { b: 'äö' },
      undefined,
    ]);
  });

  it.each([
    ['is no object', 'what?\n'],
    ['is too long', 'x'.repeat(101)],
  ])('are over with one that %s', async (_, text) => {
    const { near, far } = await pair();
    const lines = new LineStream(far, limits);
    const stopped = new Promise<number>((resolve) => near.onStop(resolve));
    near.send(Buffer.from(text));
    await expect(lines.next()).rejects.toMatchObject({ code: 'ERR_XFER_PROTOCOL' });
    await stopped;
  });

  it('end with the stream, also where this side has reset it', async () => {
    const { far } = await pair();
    const lines = new LineStream(far, limits);
    const next = lines.next();
    far.reset(1);
    expect(await next).toBeUndefined();
  });

  it('that nobody takes are not read', async () => {
    const { near, far } = await pair();
    const lines = new LineStream(far, limits);
    for (let line = 0; line < 50; line++) {
      near.send(Buffer.from(`{"line":${line}}\n`));
      await new Promise(setImmediate);
    }
    near.closeWrite();
    for (let line = 0; line < 50; line++) expect(await lines.next()).toEqual({ line });
    expect(await lines.next()).toBeUndefined();
  });
});
