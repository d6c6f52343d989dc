import { muxDefaults, transportDefaults } from '../../../src/config/index.js';
import { describe, expect, it, vi } from 'vitest';
import { MuxBudget } from '../../../src/mux/budget.js';
import { MuxConnection } from '../../../src/mux/driver.js';
import type { MuxConfig } from '../../../src/mux/config.js';
import type { OrderedLink } from '../../../src/mux/link.js';
import { encodeFrame } from '../../../src/mux/encode.js';
import { frameType } from '../../../src/mux/frame.js';
import { MemoryLink, type MemoryHooks } from '../../support/memory-link.js';
import type { Stream } from '../../../src/transport/contract.js';

const at = { scheme: 'memory', host: 'here', port: 0 };

function connect(
  role: 'dialer' | 'listener',
  link: OrderedLink,
  config: Partial<MuxConfig> = {},
): MuxConnection {
  return new MuxConnection({ link, role, local: at, remote: at, config, budget: new MuxBudget() });
}

function pair(hooks: MemoryHooks = {}, config: Partial<MuxConfig> = {}) {
  const [left, right] = MemoryLink.pair(hooks);
  return { left, near: connect('dialer', left, config), far: connect('listener', right, config) };
}

/** Turns a hello of the dialer into one of another version. */
const fromTheFuture = (bytes: Uint8Array): Uint8Array[] => {
  const changed = Buffer.from(bytes);
  if (changed[0] === frameType.linkHello || changed[0] === frameType.linkHelloAck)
    changed.writeUInt32BE(0x00020002, 18);
  return [changed];
};

describe('MuxConnection', () => {
  it('tells both sides of versions that do not fit', async () => {
    const { near, far } = pair({ tamper: fromTheFuture });
    const reason = await far.closed;
    expect(reason).toMatchObject({ by: 'local', clean: false, error: { code: 'ERR_XFER_VERSION' } });
    expect((await near.closed).clean).toBe(false);
  });

  it('says so too where it is the dialer that is too old', async () => {
    const hooks = { tamper: fromTheFuture };
    const [left, right] = MemoryLink.pair({}, hooks);
    const near = connect('dialer', left);
    connect('listener', right);
    expect(await near.closed).toMatchObject({ by: 'local', error: { code: 'ERR_XFER_VERSION' } });
  });

  it('ends the link on a protocol error, with every stream reset', async () => {
    const [left, right] = MemoryLink.pair();
    const near = connect('dialer', left);
    right.onData(() => right.write([encodeFrame(0x33, 0, 0, new Uint8Array(0))], () => undefined));
    const reset = new Promise((resolve) => near.openStream().onReset(resolve));
    expect(await near.closed).toMatchObject({
      by: 'local',
      clean: false,
      error: { code: 'ERR_XFER_PROTOCOL' },
    });
    expect(await reset).toBe(2);
  });

  it('reports an end without GOAWAY as a lost connection', async () => {
    const [left, right] = MemoryLink.pair();
    const near = connect('dialer', left);
    right.close();
    expect(await near.closed).toMatchObject({
      by: 'remote',
      clean: false,
      error: { code: 'ERR_XFER_CONNECTION_LOST' },
    });
  });

  it('gives up on a link that never says hello', async () => {
    const [left] = MemoryLink.pair();
    const near = connect('dialer', left, { helloTimeoutMs: 20 });
    expect(await near.closed).toMatchObject({ clean: false, error: { code: 'ERR_XFER_TIMEOUT' } });
  });

  it('is suspect while it hears nothing, and no longer with the next byte', async () => {
    const quick = { probeIntervalMs: 10, suspectMs: 30, deadMs: 60_000 };
    const hooks: MemoryHooks = {};
    const [left, right] = MemoryLink.pair({}, hooks);
    const near = connect('dialer', left, quick);
    const far = connect('listener', right, quick);
    far.onStream((stream) => stream.accept());
    await near.openStream().opened;
    const seen: boolean[] = [];
    const turned = (wanted: number) =>
      new Promise<void>((resolve) =>
        near.onSuspect((suspect) => (seen.push(suspect), seen.length >= wanted && resolve())),
      );
    hooks.held = true;
    near.openStream().send(new Uint8Array(10));
    await turned(1);
    const healthy = turned(2);
    right.release();
    await healthy;
    expect(seen[0]).toBe(true);
    expect(seen.at(-1)).toBe(false);
    near.abort(new Error('done'));
  });

  it('closes although a stream does not end, after closeTimeoutMs', async () => {
    const { near, far } = pair();
    far.onStream((stream) => stream.accept());
    const stream = near.openStream();
    await stream.opened;
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      let over = false;
      const closed = near.close().then(() => (over = true));
      await vi.advanceTimersByTimeAsync(transportDefaults.closeTimeoutMs - 1);
      expect(over).toBe(false);
      await vi.advanceTimersByTimeAsync(1);
      await closed;
      expect(await near.closed).toMatchObject({ clean: false, error: { code: 'ERR_XFER_TIMEOUT' } });
    } finally {
      vi.useRealTimers();
    }
  });

  it('never hands the link more than maxLinkQueueBytes and a frame', async () => {
    const hooks: MemoryHooks = {};
    const { left, near, far } = pair(hooks, { maxLinkQueueBytes: 200_000, initialWindowBytes: 16 << 20 });
    far.onStream((stream) => {
      stream.accept();
      stream.onData(() => undefined);
    });
    const stream = near.openStream();
    await stream.opened;
    hooks.held = true;
    stream.send(new Uint8Array(8 << 20));
    await new Promise((resolve) => setImmediate(resolve));
    expect(left.unsentBytes).toBeGreaterThan(0);
    expect(left.unsentBytes).toBeLessThanOrEqual(200_000 + muxDefaults.maxFramePayloadBytes + 14);
    expect(near.stats().unsentBytes).toBeGreaterThanOrEqual(8 << 20);
    near.abort(new Error('done'));
  });

  it('waits for onWritable once the link says that it is full', async () => {
    let writable: () => void = () => undefined;
    let writes = 0;
    const link: OrderedLink = {
      write: (_chunks, written) => (writes++, setImmediate(written), false),
      onData: () => undefined,
      onWritable: (handler) => (writable = handler),
      onEnd: () => undefined,
      onError: () => undefined,
      close: () => undefined,
      abort: () => undefined,
      unsentBytes: 0,
    };
    const near = connect('dialer', link);
    await new Promise((resolve) => setImmediate(resolve));
    near.openStream();
    await new Promise((resolve) => setImmediate(resolve));
    expect(writes).toBe(1);
    writable();
    expect(writes).toBe(2);
    near.abort(new Error('done'));
  });

  it('tells whether the other side has answered, by its hello alone', async () => {
    const { near, far } = pair();
    expect([await near.answered, await far.answered]).toEqual([true, true]);
    near.abort(new Error('done'));
    const [left, right] = MemoryLink.pair();
    const deaf = connect('dialer', left);
    right.onData(() => undefined);
    right.write([Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')], () => undefined);
    expect(await deaf.answered).toBe(false);
    expect(await deaf.closed).toMatchObject({ clean: false, error: { code: 'ERR_XFER_PROTOCOL' } });
  });

  it('lets a handler that throws end its own stream alone', async () => {
    const { near, far } = pair();
    const uncaught = new Promise((resolve) => process.once('uncaughtException', resolve));
    const others = process.listeners('uncaughtException').slice(0, -1);
    for (const other of others) process.off('uncaughtException', other);
    const taken: Stream[] = [];
    far.onStream((stream) => {
      stream.accept();
      taken.push(stream);
      stream.onData(() => {
        if (taken.length === 1) throw new Error('my own fault');
        stream.closeWrite();
      });
    });
    const bad = near.openStream();
    bad.send(Uint8Array.of(1));
    const code = await new Promise((resolve) => bad.onReset(resolve));
    expect([code, ((await uncaught) as Error).message]).toEqual([1, 'my own fault']);
    for (const other of others) process.on('uncaughtException', other);
    const good = near.openStream();
    good.send(Uint8Array.of(1));
    await new Promise<void>((resolve) => good.onEnd(resolve));
    near.abort(new Error('done'));
  });
});
