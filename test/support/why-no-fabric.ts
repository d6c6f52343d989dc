import { fabricApi } from 'xfer/plugin';

/** Why this machine cannot carry anything by both software providers; undefined where it can. */
export async function whyNoFabric(): Promise<string | undefined> {
  const finding = await fabricApi();
  if (!finding.ok) return finding.reason;
  const found = new Set((await finding.api.providers()).map(({ provider }) => provider));
  const missing = ['shm', 'tcp;ofi_rxm'].filter((name) => !found.has(name));
  return missing.length > 0 ? `libfabric has no ${missing.join(' and no ')}` : undefined;
}
