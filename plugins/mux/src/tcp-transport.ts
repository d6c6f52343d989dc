import { networkError, type ProbeResult, type Transport } from 'xfer/plugin';
import { createServer } from 'node:net';
import type { TcpOptions } from './index.js';
import { dialTcp } from './tcp-dialer.js';
import { listenTcp } from './tcp-listener.js';

export function tcpTransport(options: TcpOptions): Transport {
  return {
    probe,
    listen: (at, listenOptions) => listenTcp(at, listenOptions, options),
    dial: (to, dialOptions) => dialTcp(to, dialOptions, options),
  };
}

/** TCP works where a loopback port can be had. */
function probe(): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error) => {
      const { code, message, remedy } = networkError(error, 'listening on loopback');
      resolve({ ok: false, code, reason: message, remedy });
    });
    server.listen({ host: '127.0.0.1', port: 0 }, () => {
      server.close(() => resolve({ ok: true, detail: 'TCP with muxed streams' }));
    });
  });
}
