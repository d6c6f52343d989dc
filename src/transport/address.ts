import { isIPv6 } from 'node:net';
import { defaultPorts } from '../config/index.js';
import { XferError } from '../errors/index.js';

/** Where to listen or dial: `scheme://host:port`. */
export interface Address {
  readonly scheme: string;
  readonly host: string;
  readonly port: number;
}

const shape = /^(?:([a-z][a-z0-9+.-]*):\/\/)?(\[[^\]]*\]|[^:/[\]]*)(?::(\d{1,5}))?\/?$/i;

/**
 * Reads `[scheme://]host[:port]`. IPv6 hosts stand in brackets.
 * Throws ERR_XFER_BAD_ADDRESS, naming what is wrong.
 */
export function parseAddress(
  text: string,
  fallback: { scheme: string; port: (scheme: string) => number },
): Address {
  const match = shape.exec(text);
  if (!match) throw new XferError('ERR_XFER_BAD_ADDRESS', `not an address: ${JSON.stringify(text)}`);
  const scheme = (match[1] ?? fallback.scheme).toLowerCase();
  const host = unbracket(match[2] ?? '');
  if (host === undefined || host === '')
    throw new XferError('ERR_XFER_BAD_ADDRESS', `no valid host in ${JSON.stringify(text)}`);
  const port = match[3] === undefined ? fallback.port(scheme) : Number(match[3]);
  if (port > 65_535) throw new XferError('ERR_XFER_BAD_ADDRESS', `no such port: ${port}`);
  return { scheme, host, port };
}

/** `parseAddress` with the default ports; a bare host is tcp, the way that connects first. */
export function parseUrl(text: string): Address {
  const ports = defaultPorts as Readonly<Record<string, number | undefined>>;
  return parseAddress(text, { scheme: 'tcp', port: (scheme) => ports[scheme] ?? defaultPorts.tcp });
}

/** The URL form, which `parseAddress` takes back unchanged. */
export function formatAddress(address: Address): string {
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  return `${address.scheme}://${host}:${address.port}`;
}

function unbracket(host: string): string | undefined {
  if (!host.startsWith('[')) return host;
  const inner = host.slice(1, -1);
  return isIPv6(inner.split('%')[0] ?? '') ? inner : undefined;
}
