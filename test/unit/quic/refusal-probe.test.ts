import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RefusalProbe } from '../../../plugins/quic/src/refusal-probe.js';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

/** Where nobody listens any more. */
async function freePort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  await once(socket, 'close');
  return port;
}

/** A probe whose refusal has come from the network. */
async function refused(): Promise<{ probe: RefusalProbe; errors: Error[] }> {
  const errors: Error[] = [];
  const probe = new RefusalProbe(
    { family: 4, address: '127.0.0.1', port: await freePort() },
    { onReady: () => undefined, onRefused: (error) => errors.push(error) },
  );
  while (vi.getTimerCount() === 0 && errors.length === 0) await new Promise(setImmediate);
  return { probe, errors };
}

describe('a refusal of the probe', () => {
  it('ends a dial when that had the time to succeed without it', async () => {
    const { errors } = await refused();
    vi.advanceTimersByTime(199);
    expect(errors).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(errors).toMatchObject([{ code: 'ECONNREFUSED' }]);
    vi.advanceTimersByTime(1_000);
    expect(errors.length).toBe(1);
  });

  it('is of no account where the dial has succeeded meanwhile', async () => {
    const { probe, errors } = await refused();
    probe.end();
    vi.advanceTimersByTime(1_000);
    expect(errors).toEqual([]);
  });

  it('is believed at once where this machine itself lets nothing out', async () => {
    const refusal = new Promise<Error>((resolve) => {
      // No socket may send to all without having said so.
      const to = { family: 4, address: '255.255.255.255', port: 9 } as const;
      new RefusalProbe(to, { onReady: () => undefined, onRefused: resolve });
    });
    expect(await refusal).toMatchObject({ code: 'EACCES' });
  });
});
