import {
  DialLimit,
  lateSignal,
  XferError,
  type Address,
  type Connection,
  type DialOptions,
  type FabricProvider,
} from 'xfer/plugin';
import type { Socket } from 'node:net';
import { BootstrapChannel } from './bootstrap-channel.js';
import { exchangeAsDialer, ProviderFailed, type Exchanged } from './bootstrap-dialer.js';
import { connectSocket } from './connect-socket.js';
import { connectionOver } from './fabric-connection.js';
import { FabricLink } from './fabric-link.js';
import { openedWithin, openEndpoint, type OpenEndpoint } from './open-endpoint.js';
import { pinnedProvider } from './provider-choice.js';
import { ownFabrics, wordsOf, type OwnFabrics, type RdmaContext } from './rdma-context.js';

/** Dials with all providers that this machine has: where one turns out not to carry, with the others again. */
export async function dialRdma(to: Address, dial: DialOptions, context: RdmaContext): Promise<Connection> {
  const pinned = pinnedProvider(to.scheme, dial.tuning);
  const limit = new DialLimit(dial, `${to.host}:${to.port}`);
  limit.signal.throwIfAborted();
  let own = await ownFabrics(context, pinned);
  let first: XferError | undefined;
  for (;;) {
    try {
      return await dialOnce(to, dial, context, own, limit);
    } catch (thrown) {
      if (!(thrown instanceof ProviderFailed)) throw first ?? limit.errorOf(thrown);
      first ??= thrown.error;
      own = without(own, thrown.provider);
      if (own.providers.length === 0) throw first;
    }
  }
}

function without(own: OwnFabrics, failed: string): OwnFabrics {
  return { ...own, providers: own.providers.filter(({ provider }) => provider !== failed) };
}

async function dialOnce(
  to: Address,
  dial: DialOptions,
  context: RdmaContext,
  own: OwnFabrics,
  limit: DialLimit,
): Promise<Connection> {
  const socket = await connectSocket(to, limit, dial.resolved);
  const { local, remote } = endsOf(socket, to.scheme);
  const name = `${to.host}:${to.port}`;
  const channel = new BootstrapChannel(socket, name);
  const { api, config } = context;
  const open = (provider: FabricProvider): Promise<OpenEndpoint> =>
    openedWithin(limit.signal, openEndpoint(api, provider, channel.localHost, config), (late) =>
      late.close(),
    );
  let exchanged: Exchanged;
  try {
    exchanged = await exchangeAsDialer(channel, own, open, name, limit.signal);
  } catch (thrown) {
    channel.abort();
    throw thrown;
  }
  const { endpoint, events } = exchanged.ours;
  const link = new FabricLink({ endpoint, events, channel, config, name });
  await prove(link, exchanged, name, context, limit);
  const connection = connectionOver(
    { link, endpoint, role: 'dialer', local, remote, limits: dial.limits },
    context,
  );
  // Behind all that waits for the dial: a stream that the other side opens finds its handler.
  setImmediate(() => link.begin());
  return connection;
}

async function prove(
  link: FabricLink,
  { provider, peer }: Exchanged,
  name: string,
  { config }: RdmaContext,
  limit: DialLimit,
): Promise<void> {
  const late = lateSignal(config.fabricTimeoutMs);
  try {
    await link.prove(peer, AbortSignal.any([limit.signal, late]));
  } catch (thrown) {
    if (limit.signal.aborted) throw thrown;
    throw new ProviderFailed(
      provider.provider,
      unproven(provider, name, late.aborted ? undefined : thrown, config.fabricTimeoutMs),
    );
  }
}

/** The words for a fabric that does not carry although TCP does. */
function unproven(
  { provider, domain }: FabricProvider,
  name: string,
  cause: unknown,
  timeoutMs: number,
): XferError {
  const why = cause === undefined ? `nothing came over it in ${timeoutMs / 1000} s` : wordsOf(cause);
  return new XferError(
    'ERR_XFER_UNREACHABLE',
    `${name}: the exchange of addresses worked, the fabric did not: ${provider} (${domain}): ${why}`,
    { cause, remedy: remedyOf(provider) },
  );
}

function remedyOf(provider: string): string {
  if (provider === 'efa')
    return 'both instances need a security group that allows all traffic to and from itself, in one subnet: see docs/rdma.md';
  if (provider === 'shm') return 'both processes need one /dev/shm with room in it: see docs/rdma.md';
  return 'check firewalls between the two: libfabric uses ports of its own; see docs/rdma.md';
}

function endsOf(
  { localAddress, localPort, remoteAddress, remotePort }: Socket,
  scheme: string,
): { readonly local: Address; readonly remote: Address } {
  return {
    local: { scheme, host: localAddress ?? '', port: localPort ?? 0 },
    remote: { scheme, host: remoteAddress ?? '', port: remotePort ?? 0 },
  };
}
