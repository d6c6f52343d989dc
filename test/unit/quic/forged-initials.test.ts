import { quic, type QuicOptions } from '@xfer/quic';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import type { Connection, Transport } from 'xfer/plugin';
import { forgedInitials } from '../../support/forged-initials.mjs';

const at = { scheme: 'quic', host: '127.0.0.1', port: 0 };
const spareHandshakes = 8;
const forgedPackets = 5 * spareHandshakes;
const endings: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

/** A listener that holds as many handshakes as were forged; resolves when their packets are with it. */
async function flooded(options: QuicOptions): Promise<{ dial(timeoutMs: number): Promise<Connection> }> {
  const transport = await quic(options).load();
  const listener = await transport.listen(at, { onConnection: () => undefined });
  endings.push(() => listener.close());
  const forge = await forgedInitials((port) => dialInVain(transport, port));
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  endings.push(() => socket.close());
  for (let i = 0; i < forgedPackets; i++)
    await new Promise((resolve) => socket.send(forge(), listener.address.port, '127.0.0.1', resolve));
  return {
    async dial(timeoutMs) {
      const connection = await transport.dial(listener.address, {
        signal: new AbortController().signal,
        timeoutMs,
      });
      endings.push(() => connection.abort(new Error('the test is over')));
      return connection;
    },
  };
}

function dialInVain(transport: Transport, port: number): void {
  transport
    .dial({ ...at, port }, { signal: new AbortController().signal, timeoutMs: 100 })
    .catch(() => undefined);
}

describe('a listener that gets forged first packets', () => {
  it('lets an honest dialer in', async () => {
    const { dial } = await flooded({ quic: { spareHandshakes, handshakeLookMs: 20, maxHandshakes: 1024 } });
    const connection = await dial(8_000);
    expect(connection.remote.host).toBe('127.0.0.1');
  });

  it('lets him wait where it holds as many handshakes as it may', async () => {
    const { dial } = await flooded({
      quic: { spareHandshakes, handshakeLookMs: 20, maxHandshakes: spareHandshakes },
    });
    await expect(dial(500)).rejects.toMatchObject({ code: 'ERR_XFER_TIMEOUT' });
  });
});
