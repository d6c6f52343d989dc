import { XferError } from '../errors/index.js';
import { formatAddress, parseUrl } from '../transport/address.js';
import type { TransportTuning } from '../transport/contract.js';
import type { TransportRegistry } from '../transport/registry.js';
import type { BenchPlace } from './contract.js';
import { startLocalBench, type LocalBench } from './local-end.js';
import { parseTarget } from '../app/target.js';

/** The name by which the stream layer alone is asked for: two ends in memory, which no transport joins. */
export const streamLayerName = 'memory';

/** One transport that is to be measured. */
export interface BenchWay {
  /** As it was asked for: a transport's name or a scheme. */
  readonly transport: string;
  readonly scheme: string;
  /** Of the other end. Default: that is started on this machine. */
  readonly address?: string;
}

/** What was asked for, or all that can be measured: transports, the stream layer too where both ends are here; with a scheme in the target that one. */
export function transportsAsked(
  transports: TransportRegistry,
  names: readonly string[] | undefined,
  target: string | undefined,
): readonly string[] {
  if (names !== undefined) return names;
  const all = transports.descriptors().map(({ name }) => name);
  if (target === undefined) return [...all, streamLayerName];
  const parsed = parseTarget(target);
  return parsed.kind === 'address' ? [parsed.address.scheme] : all;
}

/**
 * The ways that were asked for: `names` of transports or schemes, none: all that there are, or that of the target. Throws
 * ERR_XFER_USAGE for a target that is no `[scheme://]host[:port]`, or names another scheme.
 */
export function benchWays(
  transports: TransportRegistry,
  names: readonly string[],
  text: string | undefined,
): readonly BenchWay[] {
  const target = text === undefined ? undefined : parseTarget(text);
  if (target && target.kind !== 'host' && target.kind !== 'address')
    throw new XferError('ERR_XFER_USAGE', 'the bench takes [scheme://]host[:port] as its target');
  const all = transports.descriptors();
  const schemeOf = (name: string): string => all.find((one) => one.name === name)?.schemes[0] ?? name;
  if (target?.kind === 'address') {
    const { scheme } = target.address;
    if (names.some((name) => schemeOf(name) !== scheme))
      throw new XferError('ERR_XFER_USAGE', `the target is ${scheme}, --transport says ${names.join(', ')}`);
    return [{ transport: names[0] ?? scheme, scheme, address: formatAddress(target.address) }];
  }
  const dialled = names.filter((name) => name !== streamLayerName);
  return (names.length > 0 ? dialled : all.map(({ name }) => name)).map((transport) => {
    const scheme = schemeOf(transport);
    if (!target) return { transport, scheme };
    const named = parseUrl(`${scheme}://${target.host.includes(':') ? `[${target.host}]` : target.host}`);
    return { transport, scheme, address: formatAddress({ ...named, port: target.port ?? named.port }) };
  });
}

/** The other end: where it was said to be, or a child of this process. */
export async function otherEnd(
  { scheme, address }: BenchWay,
  tuning: TransportTuning,
  place: BenchPlace,
): Promise<LocalBench> {
  return address === undefined ? startLocalBench(scheme, tuning, place) : { address, stop: () => undefined };
}
