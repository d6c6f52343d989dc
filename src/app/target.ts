import { XferError } from '../errors/index.js';
import { parseAddress, parseUrl, type Address } from '../transport/address.js';
import type { NamedHost } from './ways-plan.js';

/** Where a transfer goes. */
export type Target =
  | { readonly kind: 'address'; readonly address: Address }
  /** Without a scheme: over whatever leads there. */
  | ({ readonly kind: 'host' } & NamedHost)
  | { readonly kind: 'local'; readonly directory: string }
  /** At a relay; an empty one is that of the code. */
  | { readonly kind: 'room'; readonly room: string };

const localPrefix = 'local:';
const roomPrefix = 'room:';

/** Reads `[scheme://]host[:port]`, `local:DIR` or `room:ROOM`. Throws ERR_XFER_BAD_ADDRESS or ERR_XFER_USAGE. */
export function parseTarget(text: string): Target {
  if (text.startsWith(roomPrefix)) return { kind: 'room', room: text.slice(roomPrefix.length) };
  if (!text.startsWith(localPrefix))
    return scheme.test(text) ? { kind: 'address', address: parseUrl(text) } : namedHost(text);
  const directory = text.slice(localPrefix.length);
  if (directory === '') throw new XferError('ERR_XFER_USAGE', 'local: needs a directory behind it');
  return { kind: 'local', directory };
}

const scheme = /^[a-z][a-z0-9+.-]*:\/\//i;

function namedHost(text: string): Target {
  const { host, port } = parseAddress(text, { scheme: '', port: () => -1 });
  return { kind: 'host', host, port: port === -1 ? undefined : port };
}
