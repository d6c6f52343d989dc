import { defaultPorts, relayDefaults } from '../config/index.js';
import { asXferError } from '../errors/index.js';
import { DialPolicy, parseDialRules } from '../relay/dial-policy.js';
import { RelayGuard } from '../relay/relay-guard.js';
import { Relay } from '../relay/relay.js';
import { formatAddress, parseUrl } from '../transport/address.js';
import type { Listener } from '../transport/contract.js';
import type { CommonOptions } from './options.js';
import { relayAccess, type RelayAccessOptions } from './relay-access.js';

export interface RelayRunOptions extends Pick<CommonOptions, 'home' | 'signal' | 'onEvent' | 'transports'> {
  /** URLs; default: tcp on every address, port 4840. */
  readonly listen: readonly string[];
  /** What it dials for strangers: public, private, loopback, any, addresses and networks. Default: nothing. */
  readonly dial?: readonly string[];
  /** Who is let in. Default: everybody. */
  readonly access?: RelayAccessOptions;
}

/** Forwards streams for others. Goes on until the signal: then it rejects with ERR_XFER_INTERRUPTED. */
export async function relay(options: RelayRunOptions): Promise<void> {
  const { signal, transports, onEvent } = options;
  const urls = options.listen.length > 0 ? options.listen : [`tcp://[::]:${defaultPorts.tcp}`];
  const addresses = urls.map(parseUrl);
  const rules = options.dial === undefined ? undefined : parseDialRules(options.dial);
  const loopbackOnly = addresses.every(({ host }) => isLoopback(host));
  const { identify, prove, key, fingerprint } = await relayAccess(options.home, options.access ?? {});
  const guard = new RelayGuard({ policy: new DialPolicy({ rules, loopbackOnly }) });
  const forwarding = new Relay({ transports, guard, identify, prove });
  const listeners: Listener[] = [];
  const stopped = new Promise<never>((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(asXferError(signal.reason)), { once: true });
  });
  stopped.catch(() => undefined);
  try {
    for (const address of addresses) {
      const transport = await transports.get(address.scheme);
      listeners.push(
        await transport.listen(address, {
          onConnection: (connection, admission) => forwarding.handleConnection(connection, admission),
          admit: (source) => forwarding.admit(source),
          limits: guard.connectionLimits,
          // The relay counts them itself.
          maxConnections: relayDefaults.maxAdmittedConnections,
          maxConnectionsPerAddress: relayDefaults.maxAdmittedConnections,
        }),
      );
    }
    signal.throwIfAborted();
    const listening = listeners.map(({ address }) => formatAddress(address));
    onEvent({ event: 'listening', addresses: listening, key, fingerprint });
    await stopped;
  } finally {
    await Promise.all(listeners.map((listener) => listener.close()));
    await forwarding.close();
  }
}

const isLoopback = (host: string) => host === 'localhost' || host === '::1' || /^127\./.test(host);
