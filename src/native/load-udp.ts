import type { BatchSocket, BatchSocketOptions, UdpApi } from './udp-api.js';

/** The sockets of the addon or their twins, loaded at the first call: most programs that import xfer never need them. */
export async function udpApi(): Promise<UdpApi> {
  const udp = await import('./udp.js');
  return udp.udpApi();
}

/** Datagrams, many a call. Rejects with the system's error (EADDRINUSE, EACCES …). */
export async function batchSocket(options: BatchSocketOptions): Promise<BatchSocket> {
  const udp = await udpApi();
  return udp.batchSocket(options);
}
