import { XferError, type FabricApi, type FabricFinding, type FabricProvider } from 'xfer/plugin';
import { rdmaConfig, type RdmaConfig } from './config.js';
import { hostIdentity } from './host-identity.js';
import { usableProviders } from './provider-choice.js';
import type { RdmaOptions } from './rdma-options.js';

/** What every dial and every listener of the transport needs. */
export interface RdmaContext {
  readonly options: RdmaOptions;
  readonly config: RdmaConfig;
  readonly api: FabricApi;
}

/** Throws ERR_XFER_NO_TRANSPORT where libfabric cannot be used. */
export function rdmaContext(finding: FabricFinding, options: RdmaOptions): RdmaContext {
  if (!finding.ok) throw new XferError('ERR_XFER_NO_TRANSPORT', finding.reason, { remedy: finding.remedy });
  return { options, config: rdmaConfig(options.rdma), api: finding.api };
}

/** What this machine has to offer. */
export interface OwnFabrics {
  readonly providers: readonly FabricProvider[];
  readonly host: Uint8Array | undefined;
}

/** Asked each time: devices come and go. Rejects with ERR_XFER_NO_TRANSPORT. */
export async function ownFabrics({ api }: RdmaContext, pinned: string | undefined): Promise<OwnFabrics> {
  const [found, host] = await Promise.all([foundProviders(api), hostIdentity()]);
  return { providers: usableProviders(found, pinned), host };
}

export async function foundProviders(api: FabricApi): Promise<readonly FabricProvider[]> {
  try {
    return await api.providers();
  } catch (cause) {
    throw new XferError('ERR_XFER_NO_TRANSPORT', `libfabric ${api.version}: ${wordsOf(cause)}`, {
      cause,
      remedy: 'xfer doctor says more; use another transport',
    });
  }
}

/** What a provider, or the system, says of its failure. */
export const wordsOf = (thrown: unknown): string =>
  thrown instanceof Error ? thrown.message : String(thrown);
