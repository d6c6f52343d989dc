import { defaultPorts } from '../config/index.js';
import { XferError } from '../errors/index.js';
import type { Path } from '../relay/routed-connection.js';
import { formatAddress, parseUrl, type Address } from '../transport/address.js';
import type { Target } from './target.js';
import type { NamedHost } from './ways-plan.js';

/** How to get to the other side. */
export interface Route {
  /** An address to dial, a host that is to be reached somehow, or the way there over relays. */
  readonly way: Address | NamedHost | Path;
  /** Under which known peers are looked for; undefined where none can be known by it. */
  readonly host: string | undefined;
  readonly path: 'direct' | 'relayed';
}

/** One that is known to lead there. */
export interface FoundRoute extends Route {
  readonly way: Address | Path;
}

/**
 * The way to a target, over the relays of `via`: nearest first, alternatives of one hop with commas between them. `use`:
 * schemes, where not all may be used. Throws ERR_XFER_BAD_ADDRESS or ERR_XFER_USAGE.
 */
export function routeTo(
  target: Exclude<Target, { kind: 'local' }>,
  via: readonly string[],
  use?: readonly string[],
): Route {
  if (via.length === 0) return directTo(target, use);
  if (use)
    throw new XferError('ERR_XFER_USAGE', '--transport is for a direct way', {
      remedy: 'write the transport of each hop in the URL of its relay, as in --via udp://relay.example',
    });
  const relays = relaysOf(via);
  return { way: { relays, to: endOf(target) }, host: hostOf(target), path: 'relayed' };
}

/** `--via` as the relays of a path. */
export function relaysOf(via: readonly string[]): string[][] {
  return via.map((hop) => hop.split(',').map((url) => formatAddress(parseUrl(url))));
}

function directTo(target: Exclude<Target, { kind: 'local' }>, use: readonly string[] | undefined): Route {
  if (target.kind === 'room')
    throw new XferError('ERR_XFER_USAGE', 'a room is at a relay', { remedy: 'name the relay by --via' });
  if (target.kind === 'host') {
    const { host, port } = target;
    return { way: { host, port }, host, path: 'direct' };
  }
  const { address } = target;
  if (use && !use.includes(address.scheme))
    throw new XferError(
      'ERR_XFER_USAGE',
      `${formatAddress(address)} is none of --transport ${use.join(', ')}`,
      {
        remedy: 'leave out --transport, or the scheme of the target',
      },
    );
  return { way: address, host: address.host, path: 'direct' };
}

/** As the last relay is told; over relays nothing is tried, and a host without a scheme is dialled by tcp. */
function endOf(target: Exclude<Target, { kind: 'local' }>): string {
  if (target.kind === 'room') return `room:${target.room}`;
  if (target.kind === 'address') return formatAddress(target.address);
  const { host, port = defaultPorts.tcp } = target;
  return formatAddress({ scheme: 'tcp', host, port });
}

function hostOf(target: Exclude<Target, { kind: 'local' }>): string | undefined {
  if (target.kind === 'room') return undefined;
  return target.kind === 'host' ? target.host : target.address.host;
}
