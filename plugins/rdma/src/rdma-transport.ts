import { fabricApi, XferError, type FabricFinding, type ProbeResult, type Transport } from 'xfer/plugin';
import type { RdmaOptions } from './rdma-options.js';

export async function rdmaTransport({ fabric }: RdmaOptions): Promise<Transport> {
  const finding: FabricFinding = fabric ? { ok: true, api: fabric } : await fabricApi();
  return {
    probe: () => probe(finding),
    listen: () => Promise.reject(unavailable(finding)),
    dial: () => Promise.reject(unavailable(finding)),
  };
}

function unavailable(finding: FabricFinding): XferError {
  return new XferError('ERR_XFER_NO_TRANSPORT', finding.ok ? 'no fabric' : finding.reason);
}

async function probe(finding: FabricFinding): Promise<ProbeResult> {
  if (!finding.ok) return finding;
  const providers = await finding.api.providers();
  return {
    ok: true,
    detail: `libfabric ${finding.api.version}: ${providers.map((p) => p.provider).join(', ')}`,
  };
}
