import { networkError, type ProbeResult } from 'xfer/plugin';
import { createServer } from 'node:net';

/** What stands on TCP works where a loopback port can be had. */
export function probeLoopback(detail: string): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error) => {
      const { code, message, remedy } = networkError(error, 'listening on loopback');
      resolve({ ok: false, code, reason: message, remedy });
    });
    server.listen({ host: '127.0.0.1', port: 0 }, () => {
      server.close(() => resolve({ ok: true, detail }));
    });
  });
}
