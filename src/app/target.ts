import { defaultPorts } from '../config/index.js';
import { XferError } from '../errors/index.js';
import { parseAddress, type Address } from '../transport/address.js';

/** Where a transfer goes. */
export type Target =
  | { readonly kind: 'address'; readonly address: Address }
  | { readonly kind: 'local'; readonly directory: string };

const localPrefix = 'local:';

/** Reads `[scheme://]host[:port]` or `local:DIR`. Throws ERR_XFER_BAD_ADDRESS or ERR_XFER_USAGE. */
export function parseTarget(text: string): Target {
  if (!text.startsWith(localPrefix)) return { kind: 'address', address: parseWithDefaults(text) };
  const directory = text.slice(localPrefix.length);
  if (directory === '') throw new XferError('ERR_XFER_USAGE', 'local: needs a directory behind it');
  return { kind: 'local', directory };
}

/** A bare host is tcp, the way that connects first. */
export function parseWithDefaults(text: string): Address {
  return parseAddress(text, { scheme: 'tcp', port: portOf });
}

function portOf(scheme: string): number {
  return (defaultPorts as Readonly<Record<string, number | undefined>>)[scheme] ?? defaultPorts.tcp;
}
