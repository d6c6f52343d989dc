import {
  fabricApi,
  isXferError,
  XferError,
  type FabricApi,
  type FabricFinding,
  type ProbeResult,
  type Transport,
} from 'xfer/plugin';
import { rdmaConfig } from './config.js';
import { usableProviders } from './provider-choice.js';
import { foundProviders, rdmaContext } from './rdma-context.js';
import { dialRdma } from './rdma-dialer.js';
import { listenRdma } from './rdma-listener.js';
import type { RdmaOptions } from './rdma-options.js';

/** Never throws for want of libfabric: `probe` says so, and so does each call. */
export async function rdmaTransport(options: RdmaOptions): Promise<Transport> {
  // What is wrong with the options is wrong at once.
  rdmaConfig(options.rdma);
  const finding: FabricFinding = options.fabric ? { ok: true, api: options.fabric } : await fabricApi();
  return {
    probe: async () => (finding.ok ? probe(finding.api) : finding),
    listen: async (at, listen) => listenRdma(at, listen, rdmaContext(finding, options)),
    dial: async (to, dial) => dialRdma(to, dial, rdmaContext(finding, options)),
  };
}

async function probe(api: FabricApi): Promise<ProbeResult> {
  try {
    const usable = usableProviders(await foundProviders(api), undefined);
    const names = usable.map(({ provider, device }) => (device ? `${provider} (${device})` : provider));
    return { ok: true, detail: `libfabric ${api.version}: ${names.join(', ')}` };
  } catch (thrown) {
    const { code, message, remedy } = isXferError(thrown)
      ? thrown
      : new XferError('ERR_XFER_NO_TRANSPORT', String(thrown));
    return { ok: false, code, reason: message, remedy };
  }
}
