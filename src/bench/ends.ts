import { XferError } from '../errors/index.js';
import { formatAddress, parseUrl } from '../transport/address.js';
import type { TransportTuning } from '../transport/contract.js';
import type { TransportRegistry } from '../transport/registry.js';
import { startLocalBench } from './local-end.js';
import { parseTarget } from '../app/target.js';

/** One transport that is to be measured. */
export interface BenchWay {
  /** As it was asked for: a transport's name or a scheme. */
  readonly transport: string;
  readonly scheme: string;
  /** Of the other end. Default: that is started on this machine. */
  readonly address?: string;
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
  return (names.length > 0 ? names : all.map(({ name }) => name)).map((transport) => {
    const scheme = schemeOf(transport);
    if (!target) return { transport, scheme };
    const named = parseUrl(`${scheme}://${target.host.includes(':') ? `[${target.host}]` : target.host}`);
    return { transport, scheme, address: formatAddress({ ...named, port: target.port ?? named.port }) };
  });
}

/** The other end: where it was said to be, or a child of this process. */
export async function otherEnd(
  { scheme, address }: BenchWay,
  tuning: TransportTuning | undefined,
): Promise<{ readonly address: string; stop(): void }> {
  return address === undefined ? startLocalBench(scheme, tuning) : { address, stop: () => undefined };
}
