import type { Socket } from 'node:net';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { connectAny } from '../../../plugins/mux/src/connect-any.js';
import { DialLimit } from '../../../src/transport/dial-limit.js';
import { dialTcp } from '../../../plugins/mux/src/tcp-dialer.js';
import { transportDefaults } from '../../../src/config/index.js';

/** What was dialled, in order; nothing answers unless the test says so. */
const dialled: { readonly host: string; readonly socket: Socket }[] = [];
vi.mock(import('node:net'), async (original) => {
  const net = await original();
  const connect = (options: { host: string }) => {
    const socket = new net.Socket();
    dialled.push({ host: options.host, socket });
    return socket;
  };
  return { ...net, connect: connect as unknown as typeof net.connect };
});

const never = new AbortController().signal;
const to = { scheme: 'tcp', host: 'some.name', port: 7 };
const found = [
  { address: '2001:db8::1', family: 6 },
  { address: '2001:db8::2', family: 6 },
  { address: '192.0.2.1', family: 4 },
];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  for (const { socket } of dialled.splice(0)) socket.destroy();
});

it('dials the next address, of the other family, when the one before has been silent for a while', async () => {
  const winner = connectAny(to, new DialLimit({ signal: never, timeoutMs: 60_000 }, 'some.name:7'), {
    resolve: () => Promise.resolve(found),
  });
  await vi.advanceTimersByTimeAsync(transportDefaults.happyEyeballsMs - 1);
  expect(dialled.map(({ host }) => host)).toEqual(['2001:db8::1']);
  await vi.advanceTimersByTimeAsync(1);
  expect(dialled.map(({ host }) => host)).toEqual(['2001:db8::1', '192.0.2.1']);
  await vi.advanceTimersByTimeAsync(transportDefaults.happyEyeballsMs);
  expect(dialled).toHaveLength(3);
  dialled[1]?.socket.emit('connect');
  expect(await winner).toBe(dialled[1]?.socket);
  expect(dialled.map(({ socket }) => socket.destroyed)).toEqual([true, false, true]);
});

it('dials no further once one has answered', async () => {
  const winner = connectAny(to, new DialLimit({ signal: never, timeoutMs: 60_000 }, 'some.name:7'), {
    resolve: () => Promise.resolve(found),
  });
  await vi.advanceTimersByTimeAsync(1);
  dialled[0]?.socket.emit('connect');
  await winner;
  await vi.advanceTimersByTimeAsync(10 * transportDefaults.happyEyeballsMs);
  expect(dialled).toHaveLength(1);
});

it('waits for dialTimeoutMs where the caller names no time', async () => {
  const late = new AbortController();
  const timeout = vi.spyOn(AbortSignal, 'timeout').mockReturnValue(late.signal);
  const dial = dialTcp({ ...to, host: '192.0.2.1' }, { signal: never }, {});
  expect(timeout).toHaveBeenCalledWith(transportDefaults.dialTimeoutMs);
  late.abort();
  await expect(dial).rejects.toMatchObject({ code: 'ERR_XFER_TIMEOUT' });
});
