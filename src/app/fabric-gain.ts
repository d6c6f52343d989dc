import type { FabricFinding } from '../native/fabric-api.js';
import { fabricApi } from '../native/load-fabric.js';
import { rdmaDevices, type RdmaDevice } from './machine-facts.js';

/** Providers of this machine that gain something over tcp, by the names that stand behind `rdma+`, or why there are none. */
export type FabricGain =
  | { readonly ok: true; readonly providers: readonly string[]; readonly isOffloaded: boolean }
  | { readonly ok: false; readonly reason: string };

/** Where it is asked. Default: this machine. */
export interface FabricSource {
  devices(): Promise<readonly Pick<RdmaDevice, 'name'>[]>;
  fabric(): Promise<FabricFinding>;
}

/** Asks this machine. libfabric is loaded by `fabric()` alone. */
export const ownFabric: FabricSource = { devices: () => rdmaDevices(), fabric: fabricApi };

/**
 * What fabrics are good for toward a host so far away. Over a network only those with hardware of their own gain something:
 * software providers send through the kernel's TCP as tcp does. On one host there is shared memory. Where no device is, and the
 * host is another, nothing is loaded. Never rejects.
 */
export async function fabricGain(isSameHost: boolean, source: FabricSource = ownFabric): Promise<FabricGain> {
  const hasDevice = (await source.devices()).length > 0;
  if (!hasDevice && !isSameHost)
    return {
      ok: false,
      reason: 'no EFA or verbs device is here, and without one a fabric gains nothing over tcp',
    };
  const names = await providerNames(source);
  if (typeof names === 'string') return { ok: false, reason: names };
  const hardware = hasDevice ? names.filter((name) => name === 'efa' || name === 'verbs') : [];
  const shared = isSameHost ? names.filter((name) => name === 'shm') : [];
  const providers = [...hardware, ...shared];
  if (providers.length > 0) return { ok: true, providers, isOffloaded: hardware.length > 0 };
  return { ok: false, reason: 'libfabric has no provider here that gains something over tcp' };
}

/** Of what `verbs;ofi_rxm` is made of, what is below: `verbs`. */
export const coreProvider = (provider: string): string => provider.split(';', 1)[0] ?? provider;

async function providerNames(source: FabricSource): Promise<readonly string[] | string> {
  try {
    const finding = await source.fabric();
    if (!finding.ok) return finding.reason;
    const providers = await finding.api.providers();
    return [...new Set(providers.map(({ provider }) => coreProvider(provider)))];
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
