import type { FabricApi, MuxBudget, MuxConfig } from 'xfer/plugin';
import type { RdmaConfig } from './config.js';

/** What a program that uses the plugin as a library may set. */
export interface RdmaOptions {
  /** In place of `muxDefaults`. */
  readonly mux?: Partial<MuxConfig>;
  /** In place of `rdmaDefaults`. */
  readonly rdma?: Partial<RdmaConfig>;
  /** Shared by all connections. */
  readonly budget?: MuxBudget;
  /** Default: libfabric, where its addon was built. */
  readonly fabric?: FabricApi;
}
