import { XferError, type Message } from 'xfer/plugin';
import { afterEach, describe, expect, it } from 'vitest';
import { addressOf, sinkOf, sourceOf, ZmqEndpoints } from '../../support/zmq-endpoints.js';

const endpoints = new ZmqEndpoints();
const open = endpoints.open.bind(endpoints);
afterEach(() => endpoints.close());

const messages = (count: number, bytes = 10): Message[] =>
  Array.from({ length: count }, (_, at) => [new Uint8Array(bytes).fill(at % 256)]);

/** Whether it has settled when all that can happen without it has. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const settle = (): void => void (settled = true);
  promise.then(settle, settle);
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  return settled;
}

describe('a source', () => {
  it('ends with so many messages, and leaves the others', async () => {
    const sink = await open('zmq+push:bind:tcp://127.0.0.1:*', 'sink');
    const source = sourceOf(await open(`zmq+pull:${addressOf(sink)}?count=3&rcvhwm=1`, 'source'));
    await sinkOf(sink).write(messages(2));
    const first = await source.read(1);
    expect(first).toHaveLength(1);
    await sinkOf(sink).write(messages(5));
    expect([...((await source.read(10)) ?? []), ...((await source.read(1)) ?? [])]).toHaveLength(2);
    expect(await source.read(1000)).toBeUndefined();
  });

  it('ends when it waited so long', async () => {
    const endpoint = await open('zmq+pull:bind:tcp://127.0.0.1:*?idle=30', 'source');
    expect(await sourceOf(endpoint).read(1000)).toBeUndefined();
  });

  it('gives no more messages once they have as many bytes', async () => {
    const sink = await open('zmq+push:bind:tcp://127.0.0.1:*', 'sink');
    const source = sourceOf(await open(`zmq+pull:${addressOf(sink)}?count=300`, 'source'));
    await sinkOf(sink).write(messages(300, 10));
    let count = 0;
    for (let read = await source.read(95); read; read = await source.read(95)) {
      expect(read.length).toBeLessThanOrEqual(10);
      for (const message of read) expect(message).toEqual([Buffer.alloc(10, count++ % 256)]);
    }
    expect(count).toBe(300);
  });

  it.each(['pull', 'sub', 'dealer', 'router'])(
    '%s ends a read that waits when it is stopped',
    async (name) => {
      const source = sourceOf(await open(`zmq+${name}:bind:tcp://127.0.0.1:*`, 'source'));
      const read = source.read(1000);
      expect(await isSettled(read)).toBe(false);
      source.stop();
      expect(await read).toBeUndefined();
      expect(await source.read(1000)).toBeUndefined();
    },
  );

  it('fails with a message whose parts are too long together', async () => {
    const { Push } = await import('zeromq');
    const endpoint = await open('zmq+pull:bind:tcp://127.0.0.1:*', 'source');
    const push = new Push({ linger: 0 });
    push.connect(addressOf(endpoint));
    const half = Buffer.alloc(60 * 1024 * 1024);
    await push.send('before');
    await push.send([half, half]);
    const source = sourceOf(endpoint);
    expect(await source.read(1)).toHaveLength(1);
    await expect(source.read(1)).rejects.toMatchObject({ code: 'ERR_XFER_FRAMING' });
    push.close();
  });
});

describe('a sink', () => {
  it('waits at the high-water mark until somebody reads', async () => {
    const sink = await open('zmq+push:bind:tcp://127.0.0.1:*?hwm=10', 'sink');
    const written = sinkOf(sink).write(messages(2000, 20_000));
    expect(await isSettled(written)).toBe(false);
    const source = sourceOf(await open(`zmq+pull:${addressOf(sink)}?hwm=1&count=2000`, 'source'));
    expect(await source.read(1)).toHaveLength(1);
    expect(await isSettled(written)).toBe(false);
    let count = 1;
    for (let read = await source.read(1e6); read; read = await source.read(1e6))
      for (const [part] of read)
        expect(Buffer.compare(part ?? new Uint8Array(), Buffer.alloc(20_000, count++ % 256))).toBe(0);
    expect(count).toBe(2000);
    await written;
  });

  it.each(['push', 'dealer'])('%s gives up a write that waits when it is aborted', async (name) => {
    const sink = sinkOf(await open(`zmq+${name}:bind:tcp://127.0.0.1:*`, 'sink'));
    const written = sink.write(messages(1));
    expect(await isSettled(written)).toBe(false);
    const error = new XferError('ERR_XFER_INTERRUPTED', 'enough');
    sink.abort(error);
    await expect(written).rejects.toBe(error);
    await expect(sink.write(messages(1))).rejects.toBe(error);
  });

  it('may have its memory changed as soon as a write is over', async () => {
    const sink = await open('zmq+push:tcp://127.0.0.1:9', 'sink');
    const pull = await open('zmq+pull:bind:tcp://127.0.0.1:*?count=1', 'source');
    await sink.close();
    const late = await open(`zmq+push:${addressOf(pull)}`, 'sink');
    const bytes = new Uint8Array(1000).fill(1);
    await sinkOf(late).write([[bytes]]);
    bytes.fill(2);
    expect(await sourceOf(pull).read(1)).toEqual([[Buffer.alloc(1000, 1)]]);
  });

  it('says at its end that nobody took what is queued', async () => {
    const sink = sinkOf(await open('zmq+push:tcp://127.0.0.1:9?linger=50', 'sink'));
    await sink.write(messages(5, 1000));
    await expect(sink.end()).rejects.toMatchObject({ code: 'ERR_XFER_TIMEOUT' });
  });

  it('sends at its end all that is queued', async () => {
    const pull = await open('zmq+pull:bind:tcp://127.0.0.1:*?count=900', 'source');
    const sink = sinkOf(await open(`zmq+push:${addressOf(pull)}`, 'sink'));
    await sink.write(messages(900, 5000));
    const ended = sink.end();
    let count = 0;
    for (let read = await sourceOf(pull).read(1e6); read; read = await sourceOf(pull).read(1e6))
      count += read.length;
    await ended;
    expect(count).toBe(900);
  });

  it('of a router drops what is for nobody, and says so once', async () => {
    const sink = sinkOf(await open('zmq+router:bind:tcp://127.0.0.1:*', 'sink'));
    await sink.write([
      [Buffer.from('nobody'), Buffer.from('a')],
      [Buffer.from('nobody'), Buffer.from('b')],
    ]);
    expect(endpoints.notes).toHaveLength(1);
  });

  it('refuses a message that is too long, or none', async () => {
    const sink = sinkOf(await open('zmq+pub:bind:tcp://127.0.0.1:*', 'sink'));
    const half = new Uint8Array(51 * 1024 * 1024);
    await expect(sink.write([[half, half]])).rejects.toMatchObject({ code: 'ERR_XFER_FRAMING' });
    await expect(sink.write([[]])).rejects.toMatchObject({ code: 'ERR_XFER_FRAMING' });
  });
});

describe('opening', () => {
  it('fails where the port is taken, the name is unknown, or it was given up', async () => {
    const taken = addressOf(await open('zmq+pull:bind:tcp://127.0.0.1:*', 'source'));
    await expect(open(`zmq+pull:bind:${taken}`, 'source')).rejects.toMatchObject({
      code: 'ERR_XFER_ADDRESS_IN_USE',
    });
    await expect(open('zmq+pull:tcp://no.such.host.invalid:1', 'source')).rejects.toMatchObject({
      code: 'ERR_XFER_UNKNOWN_HOST',
    });
    const reason = new XferError('ERR_XFER_INTERRUPTED', 'enough');
    const aborting = new AbortController();
    aborting.abort(reason);
    await expect(open('zmq+pull:tcp://127.0.0.1:1', 'source', aborting)).rejects.toBe(reason);
  });
});
