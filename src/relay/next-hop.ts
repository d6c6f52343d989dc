import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { asXferError, networkError, XferError } from '../errors/index.js';
import { parseUrl } from '../transport/address.js';
import type { Connection, ConnectionLimits, TransportTuning } from '../transport/contract.js';
import type { TransportRegistry } from '../transport/registry.js';
import type { DialPolicy, DialTrust } from './dial-policy.js';
import type { ProveHop } from './prove-hop.js';

export interface NextHopOptions {
  readonly transports: TransportRegistry;
  readonly signal: AbortSignal;
  readonly limits?: ConnectionLimits;
  readonly tuning?: TransportTuning | undefined;
  readonly policy: Pick<DialPolicy, 'allows' | 'opensAnything'>;
  /** Of the peer that asks. */
  readonly trust: DialTrust;
  /** For tests. Default: the resolver of the system. */
  resolve?(host: string): Promise<string[]>;
  /** Where it is a relay that is to know who dials. */
  readonly prove?: ProveHop | undefined;
}

/**
 * Dials where a peer wants to go, if the policy allows the address that its name stands for now: that very address is
 * connected to. Rejects with ERR_XFER_RELAY_REFUSED, _BAD_ADDRESS, _NO_TRANSPORT, _UNKNOWN_HOST or what `dial` and `prove` do.
 */
export async function dialNextHop(url: string, options: NextHopOptions): Promise<Connection> {
  const { transports, signal, limits, tuning, policy, trust, prove, resolve = lookUp } = options;
  if (!policy.opensAnything(trust)) throw refused();
  const mayDial = (ip: string) => policy.allows(ip, trust);
  const address = parseUrl(url);
  const transport = await transports.get(address.scheme);
  const isAddress = isIP(address.host.split('%')[0] ?? '') !== 0;
  const found = isAddress ? [address.host] : await resolve(address.host);
  const resolved = found.filter(mayDial);
  signal.throwIfAborted();
  if (resolved.length === 0 || address.port === 0) throw refused();
  const connection = await transport.dial(address, {
    ...{ signal, resolved },
    ...(limits ? { limits } : {}),
    ...(tuning ? { tuning } : {}),
  });
  try {
    // A transport that resolved by itself after all could be led elsewhere.
    if (!mayDial(connection.remote.host)) throw refused();
    await prove?.(connection, address, signal);
    return connection;
  } catch (thrown) {
    const error = asXferError(thrown);
    connection.abort(error);
    throw error;
  }
}

async function lookUp(host: string): Promise<string[]> {
  try {
    return (await lookup(host, { all: true, verbatim: true })).map(({ address }) => address);
  } catch (error) {
    throw networkError(error, host);
  }
}

const refused = () =>
  new XferError('ERR_XFER_RELAY_REFUSED', 'the relay dials no such address for this peer');
