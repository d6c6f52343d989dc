import { canonicalHost, XferError } from 'xfer/plugin';

/** Of `/ip4/192.0.2.1/udp/4841/…`, as the binding says where a connection comes from. */
export function remoteOf(multiaddr: string): { host: string; port: number } {
  const [, host, port] = /^\/ip[46]\/([^/]+)\/udp\/(\d+)\//.exec(multiaddr) ?? [];
  if (!host || !port) throw new XferError('ERR_XFER_INTERNAL', `quic: an address like ${multiaddr}`);
  return { host: canonicalHost(host) ?? host, port: Number(port) };
}
