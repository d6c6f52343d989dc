import { relayDefaults } from '../config/index.js';
import { asXferError } from '../errors/index.js';
import { DialPolicy, parseDialRules } from '../relay/dial-policy.js';
import type { ForwardingOptions } from '../relay/forwarder.js';
import { RelayGuard } from '../relay/relay-guard.js';
import type { RelaySharesOptions } from '../relay/relay-shares.js';
import { Relay } from '../relay/relay.js';
import { parseUrl } from '../transport/address.js';
import type { Listener } from '../transport/contract.js';
import { openListeners } from './listeners.js';
import type { CommonOptions } from './options.js';
import { relayAccess, type RelayAccessOptions } from './relay-access.js';
import type { RelayConfig } from './relay-config.js';
import { relayForwarding } from './relay-forwarding.js';
import { relayLimits } from './relay-limits.js';
import { readTlsFiles, type TlsFiles } from './tls-files.js';
import { RelayOperations, type RelayOperationOptions } from './relay-operations.js';

export interface RelayRunOptions
  extends
    RelayOperationOptions,
    Pick<CommonOptions, 'home' | 'signal' | 'onEvent' | 'transports' | 'tuning'> {
  /** What it dials for strangers: public, private, loopback, any, addresses and networks. Default: as configured, else nothing. */
  readonly dial?: readonly string[];
  /** Who is let in. Default: everybody. */
  readonly access?: RelayAccessOptions;
  /** For `wss` listeners. Default: as configured. */
  readonly tls?: TlsFiles;
  /** Whether peers may measure the path to it (`xfer doctor`). Default: true. */
  readonly measures?: boolean;
  /** Default: as configured, else streams are piped. */
  readonly forwarding?: ForwardingOptions;
}

/**
 * Forwards streams for others. Goes on until `drain` is aborted and its streams are over, then it resolves; at the signal
 * it rejects with ERR_XFER_INTERRUPTED.
 */
export async function relay(options: RelayRunOptions): Promise<void> {
  const { signal, transports, tuning, onEvent } = options;
  const operations = await RelayOperations.begin(options);
  const { settings, observer } = operations;
  const urls = operations.listen;
  const loopbackOnly = urls.length > 0 && urls.every((url) => isLoopback(parseUrl(url).host));
  const { identify, prove, key, fingerprint } = await relayAccess(options.home, {
    ...options.access,
    peers: settings,
  });
  const policyOf = ({ dial }: RelayConfig) => {
    const said = options.dial ?? dial;
    return new DialPolicy({ rules: said && parseDialRules(said), loopbackOnly });
  };
  const { handshakeTimeout, idleTimeout } = settings.config.limits ?? {};
  const limits = relayLimits(settings.config);
  const guard = new RelayGuard({
    policy: policyOf(settings.config),
    limits,
    shares: sharesOf(settings.config),
  });
  guard.configure(sharesOf(settings.config), isAnybodyListed(settings.config, options.access));
  settings.onChange((config) => {
    guard.policy = policyOf(config);
    guard.configure(sharesOf(config), isAnybodyListed(config, options.access));
  });
  const forwarding = new Relay({
    transports,
    guard,
    observer,
    identify,
    prove,
    tuning,
    measures: options.measures,
    forwarding: relayForwarding(settings.config, options.forwarding),
    ...(handshakeTimeout === undefined ? {} : { handshakeTimeoutMs: handshakeTimeout }),
    ...(idleTimeout === undefined ? {} : { idleTimeoutMs: idleTimeout }),
  });
  const most = limits.maxAdmittedConnections ?? relayDefaults.maxAdmittedConnections;
  const files = options.tls ?? settings.config.tls;
  const tls = files && (await readTlsFiles(files));
  let listeners: Listener[] = [];
  const stopped = new Promise<never>((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(asXferError(signal.reason)), { once: true });
  });
  stopped.catch(() => undefined);
  try {
    listeners = await openListeners({
      ...{ transports, urls },
      options: {
        onConnection: (connection, admission) => forwarding.handleConnection(connection, admission),
        admit: (source) => forwarding.admit(source),
        limits: guard.connectionLimits,
        ...(tls ? { tls } : {}),
        ...(tuning ? { tuning } : {}),
        // The relay counts them itself.
        maxConnections: most,
        maxConnectionsPerAddress: most,
      },
      onNote: (message) => onEvent({ event: 'note', message }),
    });
    await operations.start(forwarding, listeners, { key, fingerprint });
    signal.throwIfAborted();
    await Promise.race([stopped, operations.drained(forwarding, listeners)]);
  } finally {
    await Promise.all(listeners.map((listener) => listener.close()));
    await forwarding.close();
    await operations.close();
  }
}

const isLoopback = (host: string) => host === 'localhost' || host === '::1' || /^127\./.test(host);

/** Whoever is has a weight of its own. */
function isAnybodyListed({ peers = [], tokens = [] }: RelayConfig, access: RelayAccessOptions = {}): boolean {
  const given = [access.allow, access.tokens, access.tokenFile].some(
    (one) => one !== undefined && one.length > 0,
  );
  return given || peers.length > 0 || tokens.length > 0;
}

const sharesOf = ({ rate, unknownWeight }: RelayConfig): RelaySharesOptions => ({
  capacityBytesPerSecond: rate,
  strangersWeight: unknownWeight,
});
