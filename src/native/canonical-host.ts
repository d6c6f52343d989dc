import { isIPv4, isIPv6, SocketAddress } from 'node:net';
import { networkInterfaces } from 'node:os';

/**
 * An IP literal as the sockets report it, so that equal addresses are equal texts: RFC 5952, IPv4 never as IPv6, and a zone
 * (RFC 4007 §11) only where the address has a scope: the interface's name, or its number where Node would not take the name
 * back. Undefined for what is no IP literal.
 */
export function canonicalHost(host: string): string | undefined {
  if (isIPv4(host)) return host;
  const percent = host.indexOf('%');
  const bare = percent === -1 ? host : host.slice(0, percent);
  if (!isIPv6(bare)) return undefined;
  const written = withoutMapping(new SocketAddress({ address: bare, family: 'ipv6' }).address);
  if (percent === -1) return written;
  const zone = host.slice(percent + 1);
  if (zone === '') return undefined;
  return hasScope.test(written) ? `${written}%${reportedZone(zone)}` : written;
}

/** As the system takes it: libuv knows interfaces by their names alone. */
export function systemHost(host: string): string {
  const [bare = host, zone] = host.split('%', 2);
  if (zone === undefined || !/^\d+$/.test(zone)) return host;
  return `${bare}%${scopes().find(([, number]) => number === Number(zone))?.[0] ?? zone}`;
}

/** fe80::/10 and ff00::/8. */
const hasScope = /^(fe[89ab][0-9a-f]|ff[0-9a-f]{2}):/;
/** What `net.isIP` takes behind the percent sign. */
const plainZone = /^[0-9A-Za-z.:-]+$/;

const withoutMapping = (host: string): string => host.replace(/^::ffff:(?=\d+\.)/, '');

function reportedZone(zone: string): string {
  const isNumber = /^\d+$/.test(zone);
  if (!isNumber && plainZone.test(zone)) return zone;
  const [name, number] =
    scopes().find((scope) => (isNumber ? scope[1] === Number(zone) : scope[0] === zone)) ?? [];
  if (name === undefined) return zone;
  return plainZone.test(name) ? name : String(number);
}

/** Interfaces that have an address with a scope, as each that reaches others by such addresses has, and their numbers. */
function scopes(): (readonly [name: string, number: number])[] {
  return Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) =>
    addresses.flatMap((address) =>
      address.family === 'IPv6' && address.scopeid > 0 ? [[name, address.scopeid] as const] : [],
    ),
  );
}
