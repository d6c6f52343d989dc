import { XferError } from '../errors/index.js';
import type { Path } from '../relay/routed-connection.js';
import { formatAddress, parseUrl, type Address } from '../transport/address.js';
import type { Target } from './target.js';

/** How to get to the other side. */
export interface Route {
  /** An address to dial, or the way there over relays. */
  readonly way: Address | Path;
  /** Under which known peers are looked for; undefined where none can be known by it. */
  readonly host: string | undefined;
  /** Of the first hop. */
  readonly transport: string;
  readonly path: 'direct' | 'relayed';
}

/**
 * The way to a target, over the relays of `via`: nearest first, alternatives of one hop with commas between them.
 * Throws ERR_XFER_BAD_ADDRESS or ERR_XFER_USAGE.
 */
export function routeTo(target: Exclude<Target, { kind: 'local' }>, via: readonly string[]): Route {
  if (via.length === 0) {
    if (target.kind === 'address') return direct(target.address);
    throw new XferError('ERR_XFER_USAGE', 'a room is at a relay', { remedy: 'name the relay by --via' });
  }
  const relays = relaysOf(via);
  const to = target.kind === 'address' ? formatAddress(target.address) : `room:${target.room}`;
  const transport = parseUrl(relays[0]?.[0] ?? '').scheme;
  const host = target.kind === 'address' ? target.address.host : undefined;
  return { way: { relays, to }, host, transport, path: 'relayed' };
}

/** `--via` as the relays of a path. */
export function relaysOf(via: readonly string[]): string[][] {
  return via.map((hop) => hop.split(',').map((url) => formatAddress(parseUrl(url))));
}

const direct = (address: Address): Route => ({
  way: address,
  host: address.host,
  transport: address.scheme,
  path: 'direct',
});
