import { describe, expect, it, vi } from 'vitest';
import { muxStreamsDefaults, transportDefaults } from '../../../src/config/index.js';
import { MuxBudget } from '../../../src/mux/budget.js';
import { MuxConnection } from '../../../src/mux/driver.js';
import type { MuxConnectionOptions } from '../../../src/mux/connection-options.js';
import { until } from '../../../src/compliance/pair.js';
import { encodeFrame } from '../../../src/mux/encode.js';
import { frameType } from '../../../src/mux/frame.js';
import type { StreamsLink } from '../../../src/mux/streams-link.js';
import type { Stream, TransportMemory } from '../../../src/transport/contract.js';
import {
  MemoryStreamsLink,
  type MemoryStreamsHooks,
  type MemoryStreamsOptions,
} from '../../support/memory-streams-link.js';
import { PagedMemory } from '../../support/paged-memory.js';

const at = { scheme: 'memory', host: 'here', port: 0 };
const MiB = 1024 * 1024;

type Wanted = Partial<Pick<MuxConnectionOptions, 'config' | 'limits' | 'budget' | 'memory' | 'isFabric'>>;

function connect(role: 'dialer' | 'listener', link: StreamsLink, wanted: Wanted = {}): MuxConnection {
  return new MuxConnection({ link, role, local: at, remote: at, budget: new MuxBudget(), ...wanted });
}

function pair(hooks: MemoryStreamsHooks = {}, wanted: Wanted = {}) {
  const [left, right] = MemoryStreamsLink.pair({ seed: 3 }, hooks);
  return { left, right, near: connect('dialer', left, wanted), far: connect('listener', right, wanted) };
}

/** A stream of `near`, accepted by `far`. */
async function openPair({ near, far }: { near: MuxConnection; far: MuxConnection }) {
  const taken = new Promise<Stream>((resolve) =>
    far.onStream((stream) => {
      stream.accept();
      resolve(stream);
    }),
  );
  const ours = near.openStream();
  await ours.opened;
  return { ours, theirs: await taken };
}

/** Turns a hello into one of another version. */
const fromTheFuture = (control: Uint8Array): Uint8Array => {
  const changed = Buffer.from(control);
  if (changed[0] === frameType.linkHello || changed[0] === frameType.linkHelloAck)
    changed.writeUInt32BE(0x00020002, 18);
  return changed;
};

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('MuxConnection over a link that carries streams by itself', () => {
  it('says so, and tells what the link measures', async () => {
    const both = pair();
    expect(both.near.capabilities).toMatchObject({ streams: 'native', ordered: true });
    const { ours } = await openPair(both);
    both.left.hooks.held = true;
    ours.send(new Uint8Array(3 * MiB));
    const { minRttMs, rttMs, lost, deliveryRate, unsentBytes } = both.near.stats();
    expect({ minRttMs, rttMs, lost, deliveryRate }).toEqual({
      minRttMs: 1,
      rttMs: 2,
      lost: 3,
      deliveryRate: 4,
    });
    expect(unsentBytes).toBe(3 * MiB + 5);
    both.near.abort(new Error('done'));
  });

  it('starts with a window of its own, within what its user allows', async () => {
    const granted = async (wanted: Wanted): Promise<number> => {
      const both = pair({}, wanted);
      const { ours } = await openPair(both);
      ours.send(new Uint8Array(64 * MiB));
      for (let before = -1; both.near.stats().bytesSent > before; await turn())
        before = both.near.stats().bytesSent;
      const sent = 64 * MiB - both.near.stats().unsentBytes + 5;
      both.near.abort(new Error('done'));
      return sent;
    };
    expect(await granted({})).toBe(muxStreamsDefaults.initialWindowBytes);
    expect(await granted({ limits: { maxWindowBytes: MiB } })).toBe(MiB);
    expect(await granted({ config: { initialWindowBytes: 3 * MiB } })).toBe(3 * MiB);
    const scarce = new MuxBudget({ grantBudgetBytes: 4 * MiB, maxStreamsTotal: 10 });
    scarce.takeBytes(3 * MiB);
    expect(await granted({ budget: scarce })).toBe(64 * 1024);
  });

  it('tells both sides of versions that do not fit', async () => {
    const { near, far } = pair({ tamper: fromTheFuture });
    const reason = await far.closed;
    expect(reason).toMatchObject({ by: 'local', clean: false, error: { code: 'ERR_XFER_VERSION' } });
    expect((await near.closed).clean).toBe(false);
  });

  it('says so too where it is the dialer that is too old', async () => {
    const [left, right] = MemoryStreamsLink.pair({ seed: 4 }, {}, { tamper: fromTheFuture });
    const near = connect('dialer', left);
    connect('listener', right);
    expect(await near.closed).toMatchObject({ by: 'local', error: { code: 'ERR_XFER_VERSION' } });
  });

  it('ends the link on a protocol error in control, with every stream reset', async () => {
    const [left, right] = MemoryStreamsLink.pair({ seed: 5 });
    const near = connect('dialer', left);
    let pulled = false;
    right.onPullControl(() => {
      if (pulled) return undefined;
      pulled = true;
      return encodeFrame(0x33, 0, 0, new Uint8Array(0));
    });
    const reset = new Promise((resolve) => near.openStream().onReset(resolve));
    right.ready();
    expect(await near.closed).toMatchObject({ by: 'local', error: { code: 'ERR_XFER_PROTOCOL' } });
    expect(await reset).toBe(2);
  });

  it('ends the link on content past what was granted', async () => {
    const [left, right] = MemoryStreamsLink.pair({ seed: 9 });
    const handlers = vi.spyOn(left, 'onContent');
    const near = connect('dialer', left);
    const { ours } = await openPair({ near, far: connect('listener', right) });
    const [give] = handlers.mock.calls[0] ?? [];
    give?.(ours.id, new Uint8Array(muxStreamsDefaults.initialWindowBytes), false);
    expect(near.stats().streams).toBe(1);
    give?.(ours.id, new Uint8Array(1), false);
    expect(await near.closed).toMatchObject({ by: 'local', error: { code: 'ERR_XFER_PROTOCOL' } });
  });

  it('reports an end without GOAWAY as a lost connection', async () => {
    const [left, right] = MemoryStreamsLink.pair({ seed: 6 });
    const near = connect('dialer', left);
    right.close();
    expect(await near.closed).toMatchObject({
      by: 'remote',
      clean: false,
      error: { code: 'ERR_XFER_CONNECTION_LOST' },
    });
  });

  it('gives up on a link that never says hello', async () => {
    const [left] = MemoryStreamsLink.pair({ seed: 7 });
    const near = connect('dialer', left, { config: { helloTimeoutMs: 20 } });
    expect(await near.closed).toMatchObject({ clean: false, error: { code: 'ERR_XFER_TIMEOUT' } });
  });

  it('ends the link only when it has pulled what was said', async () => {
    const hooks: MemoryStreamsHooks = {};
    const both = pair(hooks);
    await openPair(both).then(({ ours, theirs }) => {
      ours.reset(4);
      return new Promise((resolve) => theirs.onReset(resolve));
    });
    const close = vi.spyOn(both.left, 'close');
    hooks.held = true;
    const messages: number[] = [];
    both.far.onMessage((bytes) => messages.push(bytes.length));
    both.near.sendMessage(new Uint8Array(77));
    const closing = both.near.close();
    await turn();
    await turn();
    expect(close).not.toHaveBeenCalled();
    both.left.release();
    await closing;
    expect(await both.near.closed).toEqual({ by: 'local', clean: true });
    expect(await both.far.closed).toEqual({ by: 'remote', clean: true });
    expect(messages).toEqual([77]);
  });

  it('closes although a stream does not end, after closeTimeoutMs', async () => {
    const both = pair();
    await openPair(both);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      let over = false;
      const closed = both.near.close().then(() => (over = true));
      await vi.advanceTimersByTimeAsync(transportDefaults.closeTimeoutMs - 1);
      expect(over).toBe(false);
      await vi.advanceTimersByTimeAsync(1);
      await closed;
      expect(await both.near.closed).toMatchObject({ clean: false, error: { code: 'ERR_XFER_TIMEOUT' } });
    } finally {
      vi.useRealTimers();
    }
  });

  it('tells of a broken link', async () => {
    const both = pair();
    const { ours } = await openPair(both);
    const reset = new Promise((resolve) => ours.onReset((_code, _detail, isOver) => resolve(isOver)));
    const error = new Error('the cable');
    both.left.break(error);
    expect(await both.near.closed).toEqual({ by: 'remote', clean: false, error });
    expect(await reset).toBe(true);
  });

  it('is suspect while it hears nothing, and no longer when content comes', async () => {
    const quick = { probeIntervalMs: 10, suspectMs: 30, deadMs: 60_000 };
    const hooks: MemoryStreamsHooks = {};
    const [left, right] = MemoryStreamsLink.pair({ seed: 8 }, {}, hooks);
    const near = connect('dialer', left, { config: quick });
    const far = connect('listener', right, { config: quick });
    const { ours } = await openPair({ near, far });
    const seen: boolean[] = [];
    hooks.held = true;
    ours.send(new Uint8Array(10));
    await new Promise<void>((resolve) => near.onSuspect((suspect) => (seen.push(suspect), resolve())));
    left.inbox.handleContent(ours.id, 0, Uint8Array.of(1), false);
    expect(seen).toEqual([true, false]);
    near.abort(new Error('done'));
  });

  it('holds up no other stream, and no control, where content of one is late', async () => {
    const both = pair();
    const { ours: late } = await openPair(both);
    const { ours, theirs } = await openPair(both);
    // What is missing in front of it will never come.
    both.right.inbox.handleContent(late.id, 1000, Uint8Array.of(1), false);
    const got = new Promise<number>((resolve) => theirs.onData((bytes) => resolve(bytes.length)));
    ours.send(new Uint8Array(9));
    expect(await got).toBe(9);
    late.reset(4);
    both.near.abort(new Error('done'));
  });
});

describe('bytes that are not copied', () => {
  const memoryPair = (options: Partial<MemoryStreamsOptions>, memory?: TransportMemory) => {
    const [left, right] = MemoryStreamsLink.pair({ seed: 21, pullBytes: MiB, bytesPerTurn: MiB, ...options });
    const near = connect('dialer', left, memory ? { memory } : {});
    return { left, right, near, far: connect('listener', right) };
  };

  it('has the memory of its link, and says so', () => {
    const memory = new PagedMemory();
    const { near, far } = memoryPair({}, memory);
    expect(near.memory).toBe(memory);
    expect([near.capabilities.zeroCopy, far.capabilities.zeroCopy]).toEqual([true, false]);
    expect('memory' in far && far.memory).toBeFalsy();
    near.abort(new Error('done'));
  });

  it('leads over a fabric only where its link does', () => {
    const [left, right] = MemoryStreamsLink.pair({ seed: 22 });
    const near = connect('dialer', left, { isFabric: true });
    expect(near.capabilities.isFabric).toBe(true);
    expect(connect('listener', right).capabilities.isFabric).toBeUndefined();
    near.abort(new Error('done'));
  });

  it('pulls a long send by itself, right from where it lies', async () => {
    const both = memoryPair({ aloneBytes: 100_000 });
    const { ours, theirs } = await openPair(both);
    const pieces: number[] = [];
    theirs.onData((bytes) => pieces.push(bytes.length));
    for (const bytes of [10, 20, 300_000, 30, 40, 100_000, 100_000]) ours.send(new Uint8Array(bytes));
    ours.closeWrite();
    await new Promise<void>((resolve) => theirs.onEnd(resolve));
    expect(pieces).toEqual([30, 300_000, 70, 100_000, 100_000]);
    both.near.abort(new Error('done'));
  });

  it('lets the reader keep what it reads, as it is, past the end of everything', async () => {
    const both = memoryPair({ mostRetained: 1 });
    const { ours, theirs } = await openPair(both);
    const kept: { bytes: Uint8Array; release: (() => void) | undefined }[] = [];
    const got = new Promise<void>((resolve) =>
      theirs.onData((bytes, retain) => {
        kept.push({ bytes, release: retain?.() });
        if (kept.length === 2) resolve();
      }),
    );
    ours.send(new Uint8Array(1000).fill(1));
    await until(() => kept.length === 1);
    ours.send(new Uint8Array(1000).fill(2));
    await got;
    const [first, second] = kept;
    expect(second?.release).toBeUndefined();
    both.near.abort(new Error('done'));
    await both.far.closed;
    expect(first?.bytes.every((byte) => byte === 1)).toBe(true);
    expect(both.right.inbox.retained).toBe(1);
    first?.release?.();
    expect(both.right.inbox.retained).toBe(0);
  });

  it('gives nothing to keep of what was held for its reader', async () => {
    const both = memoryPair({ mostRetained: 10 });
    const { ours, theirs } = await openPair(both);
    theirs.pause();
    ours.send(new Uint8Array(1000));
    await until(() => both.far.stats().bytesReceived >= 1000);
    const retains: unknown[] = [];
    theirs.onData((_bytes, retain) => retains.push(retain));
    theirs.resume();
    expect(retains).toEqual([undefined]);
    both.near.abort(new Error('done'));
  });

  it('gives credit for what is kept as for what is not', async () => {
    const both = memoryPair({ mostRetained: Infinity });
    const { ours, theirs } = await openPair(both);
    let seen = 0;
    theirs.onData((bytes, retain) => {
      seen += bytes.length;
      retain?.();
    });
    const most = 4 * muxStreamsDefaults.initialWindowBytes;
    ours.send(new Uint8Array(most));
    ours.closeWrite();
    await new Promise<void>((resolve) => theirs.onEnd(resolve));
    expect(seen).toBe(most);
    both.near.abort(new Error('done'));
  });
});

describe('a link that does not carry anything yet', () => {
  const begins = (link: MemoryStreamsLink) => {
    const handlers: (() => void)[] = [];
    return {
      link: Object.assign(link, { onBegin: (handler: () => void) => void handlers.push(handler) }),
      begin: () => handlers.forEach((handler) => handler()),
    };
  };

  it('is not late, and its hello is due from when it begins', async () => {
    vi.useFakeTimers();
    try {
      const [left] = MemoryStreamsLink.pair({ seed: 12 });
      const { link, begin } = begins(left);
      const near = connect('dialer', link, { config: { helloTimeoutMs: 100, deadMs: 5000 } });
      let isOver = false;
      void near.closed.then(() => (isOver = true));
      // The hello that is pulled for the link's own packets is no sign that anybody heard it.
      await vi.advanceTimersByTimeAsync(60_000);
      expect(isOver).toBe(false);
      begin();
      await vi.advanceTimersByTimeAsync(90);
      expect(isOver).toBe(false);
      await vi.advanceTimersByTimeAsync(20);
      expect(await near.closed).toMatchObject({ clean: false, error: { code: 'ERR_XFER_TIMEOUT' } });
    } finally {
      vi.useRealTimers();
    }
  });
});
