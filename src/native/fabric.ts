import type { FabricFinding } from './fabric-api.js';

/** libfabric by its addon. */
export function fabricApi(): FabricFinding {
  return {
    ok: false,
    code: 'ERR_XFER_NO_TRANSPORT',
    reason: 'the addon for fabrics is not built',
    remedy: 'install libfabric',
  };
}
