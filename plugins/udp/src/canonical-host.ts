import { isIPv6, SocketAddress } from 'node:net';

const mappedPrefix = '::ffff:';

/** An IP address as sockets report it: IPv6 as RFC 5952 writes it, IPv4 never as IPv6. A zone stays as it is. */
export function canonicalHost(host: string): string {
  const [address = '', zone] = host.split('%');
  if (!isIPv6(address)) return host;
  const text = new SocketAddress({ address, family: 'ipv6' }).address;
  const mapped = text.startsWith(mappedPrefix) ? text.slice(mappedPrefix.length) : '';
  if (mapped.includes('.')) return mapped;
  return zone === undefined ? text : `${text}%${zone}`;
}

/** Without its zone, which has a name and a number. */
export function withoutZone(host: string): string {
  return host.split('%')[0] ?? '';
}
