import { XferError, type FabricProvider, type TransportTuning } from 'xfer/plugin';

/** What a dialer offers: a provider, and which one it is exactly. */
export interface Offer {
  readonly provider: string;
  readonly fabric: string;
  readonly domain: string;
  readonly version: string;
}

/** Names of users, and of libfabric; the preferred first where both ends are on different hosts. */
const providerNames: ReadonlyMap<string, string> = new Map([
  ['efa', 'efa'],
  ['verbs', 'verbs;ofi_rxm'],
  ['tcp', 'tcp;ofi_rxm'],
  ['shm', 'shm'],
]);

/** Carries within one host only. */
export const sharedMemory = 'shm';
/** Those that are reached at an IP address of the machine. */
const overIp: ReadonlySet<string> = new Set(['verbs;ofi_rxm', 'tcp;ofi_rxm']);

export const isOverIp = (provider: string): boolean => overIp.has(provider);

/** The provider that is meant, as libfabric names it; undefined: any. Throws ERR_XFER_USAGE. */
export function pinnedProvider(scheme: string, { provider }: TransportTuning = {}): string | undefined {
  const bySchema = providerNames.get(scheme.split('+', 2)[1] ?? '');
  const byTuning = provider === undefined ? undefined : providerNamed(provider);
  if (bySchema !== undefined && byTuning !== undefined && bySchema !== byTuning)
    throw new XferError('ERR_XFER_USAGE', `${scheme}:// is the provider ${bySchema}, so not ${byTuning}`, {
      remedy: 'leave --provider out, or use rdma://',
    });
  return bySchema ?? byTuning;
}

function providerNamed(name: string): string {
  const known = providerNames.get(name) ?? [...providerNames.values()].find((full) => full === name);
  if (known !== undefined) return known;
  throw new XferError('ERR_XFER_USAGE', `${JSON.stringify(name)} is no provider of rdma`, {
    remedy: `use one of ${[...providerNames.keys()].join(', ')}`,
  });
}

/**
 * What this machine has of it, one of each provider: shared memory first, which only a listener on the same host takes,
 * then in libfabric's order. Throws ERR_XFER_NO_TRANSPORT where there is none.
 */
export function usableProviders(
  found: readonly FabricProvider[],
  pinned: string | undefined,
): readonly FabricProvider[] {
  const names = [...new Set(found.map(({ provider }) => provider))];
  const known = [...providerNames.values()];
  const wanted = names.filter((name) => known.includes(name) && (pinned === undefined || name === pinned));
  const inOrder = [...wanted.filter(isShared), ...wanted.filter((name) => !isShared(name))];
  if (inOrder.length > 0)
    return inOrder.flatMap((name) => found.find(({ provider }) => provider === name) ?? []);
  const there = names.length === 0 ? 'no provider' : names.join(', ');
  throw new XferError(
    'ERR_XFER_NO_TRANSPORT',
    `libfabric has no provider ${pinned ?? 'for rdma'} on this machine, but ${there}`,
    { remedy: 'xfer doctor says what is missing; or use rdma://, or another transport' },
  );
}

const isShared = (name: string): boolean => name === sharedMemory;

/** Of what is offered that which we have, each once, in the order of the offers; shared memory only within one host. */
export function commonProviders(
  offers: readonly Offer[],
  ours: readonly FabricProvider[],
  isOneHost: boolean,
): readonly FabricProvider[] {
  const names = [...new Set(offers.map(({ provider }) => provider))];
  return names.flatMap((name) => {
    if (isShared(name) && !isOneHost) return [];
    return ours.find((own) => own.provider === name) ?? [];
  });
}
