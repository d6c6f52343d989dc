import type { FabricFinding } from './fabric-api.js';

/** libfabric by its addon, or why it cannot be used; loaded at the first call: most programs that import xfer never need it. */
export async function fabricApi(): Promise<FabricFinding> {
  const fabric = await import('./fabric.js');
  await fabric.preload();
  return fabric.fabricApi();
}
