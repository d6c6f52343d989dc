import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { wsDefaults } from 'xfer/plugin';
import { WsLink } from '../../../plugins/mux/src/ws-link.js';

const endings: (() => unknown)[] = [];
afterEach(() => {
  for (const end of endings.splice(0).reverse()) end();
});

/** A link, and the WebSocket at its other end. */
async function pair(): Promise<{ link: WsLink; far: WebSocket }> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
  await once(server, 'listening');
  const near = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  endings.push(
    () => server.close(),
    () => near.terminate(),
  );
  const opened = new Promise<WsLink>((resolve) =>
    near.once('upgrade', ({ socket }) =>
      near.once('open', () => resolve(new WsLink(near, socket, socket, 'the far side'))),
    ),
  );
  const [far] = (await once(server, 'connection')) as [WebSocket];
  return { link: await opened, far };
}

/** Pieces that do not begin alike. */
const bytes = (length: number, from = 0): Buffer =>
  Buffer.alloc(
    length,
    Uint8Array.from({ length: 253 }, (_, i) => (from + i) % 253),
  );

describe('the link over a WebSocket', () => {
  it('joins what is small, cuts what is large, and keeps the order', async () => {
    const { link, far } = await pair();
    const lengths = [14, 600, 4095, 4096, 1, 2, 100_000, 3, 14, 16_384, 5];
    const chunks = lengths.map((length, i) => bytes(length, i));
    const messages: Buffer[] = [];
    let arrived = 0;
    const all = new Promise<void>((resolve) =>
      far.on('message', (data: Buffer) => {
        messages.push(data);
        arrived += data.length;
        if (arrived === lengths.reduce((sum, length) => sum + length)) resolve();
      }),
    );
    let written = 0;
    expect(link.write(chunks, () => written++)).toBe(true);
    await all;
    expect(Buffer.concat(messages).equals(Buffer.concat(chunks))).toBe(true);
    const cut = [...Array<number>(6).fill(16_384), 100_000 - 6 * 16_384];
    expect(messages.map(({ length }) => length)).toEqual([14 + 600 + 4095, 4096, 3, ...cut, 17, 16_384, 5]);
    expect([written, link.unsentBytes]).toEqual([1, 0]);
  });

  it('never makes a message of more than messageBytes, out of however many chunks', async () => {
    const { link, far } = await pair();
    const lengths: number[] = [];
    const last = new Promise<void>((resolve) =>
      far.on('message', (data: Buffer) => {
        lengths.push(data.length);
        if (lengths.reduce((sum, length) => sum + length) === 100 * 1000) resolve();
      }),
    );
    link.write(
      Array.from({ length: 100 }, (_, i) => bytes(1000, i)),
      () => undefined,
    );
    await last;
    expect(Math.max(...lengths)).toBeLessThanOrEqual(wsDefaults.messageBytes);
    expect(lengths).toHaveLength(7);
  });

  it('asks for no more while the other side reads nothing, and goes on when it does', async () => {
    const { link, far } = await pair();
    far.pause();
    let writable = 0;
    link.onWritable(() => writable++);
    const counts: number[] = [];
    const piece = bytes(256 * 1024);
    let wants = true;
    // A kernel's buffers hold a few MiB at most.
    for (let i = 0; wants && i < 1000; i++) {
      counts.push(0);
      wants = link.write([piece], () => (counts[i] = (counts[i] ?? 0) + 1));
    }
    expect(wants).toBe(false);
    expect(link.unsentBytes).toBeGreaterThan(wsDefaults.maxBufferedBytes);
    expect(writable).toBe(0);
    let arrived = 0;
    const all = new Promise<void>((resolve) =>
      far.on('message', (data: Buffer) => {
        arrived += data.length;
        if (arrived === counts.length * piece.length) resolve();
      }),
    );
    far.resume();
    await all;
    while (link.unsentBytes > 0) await new Promise((resolve) => setImmediate(resolve));
    expect(writable).toBe(1);
    expect(counts.every((count) => count === 1)).toBe(true);
  });

  it('calls back for each write, once, when it is aborted with all of them waiting', async () => {
    const { link, far } = await pair();
    far.pause();
    const errors: Error[] = [];
    link.onError((error) => errors.push(error));
    const counts = Array<number>(64).fill(0);
    for (const i of counts.keys()) link.write([bytes(1024 * 1024)], () => (counts[i] = (counts[i] ?? 0) + 1));
    link.abort();
    link.write([bytes(10)], () => counts.push(1));
    far.resume();
    const [code] = (await once(far, 'close')) as [number];
    expect(code).toBe(1006);
    while (link.unsentBytes > 0) await new Promise((resolve) => setImmediate(resolve));
    expect(counts).toEqual(Array(65).fill(1));
    expect(errors).toEqual([]);
  });

  it('ends behind all that was written, and when the other side ends', async () => {
    const { link, far } = await pair();
    const content = bytes(3 * 1024 * 1024);
    const pieces: Buffer[] = [];
    far.on('message', (data: Buffer) => pieces.push(data));
    const ended = new Promise<void>((resolve) => link.onEnd(resolve));
    link.write([content], () => undefined);
    link.close();
    const [code] = (await once(far, 'close')) as [number];
    await ended;
    expect(code).toBe(1000);
    expect(Buffer.concat(pieces).equals(content)).toBe(true);
  });

  it.each([
    [1000, 'end'],
    [1001, 'ERR_XFER_CONNECTION_LOST'],
    [1002, 'ERR_XFER_PROTOCOL'],
    [1003, 'ERR_XFER_PROTOCOL'],
    [1007, 'ERR_XFER_PROTOCOL'],
    [1009, 'ERR_XFER_PROTOCOL'],
    [1011, 'ERR_XFER_CONNECTION_LOST'],
    [4000, 'ERR_XFER_CONNECTION_LOST'],
  ])('takes a close with code %i for %s', async (code, outcome) => {
    const { link, far } = await pair();
    const seen = new Promise<string>((resolve) => {
      link.onEnd(() => resolve('end'));
      link.onError((error) => resolve((error as Error & { code: string }).code));
    });
    far.close(code);
    expect(await seen).toBe(outcome);
  });

  it('says why its socket broke', async () => {
    const { link, far } = await pair();
    const failed = new Promise<Error>((resolve) => link.onError(resolve));
    const inside = far as unknown as { readonly _socket: Socket };
    inside._socket.resetAndDestroy();
    expect(await failed).toMatchObject({
      code: 'ERR_XFER_CONNECTION_LOST',
      message: 'the far side: connection reset by the other side',
    });
  });
});
