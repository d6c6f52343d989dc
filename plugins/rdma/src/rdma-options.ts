import type { FabricApi, MuxBudget, MuxConfig } from 'xfer/plugin';

/** What a program that uses the plugin as a library may set. */
export interface RdmaOptions {
  readonly mux?: Partial<MuxConfig>;
  /** Shared by all connections. */
  readonly budget?: MuxBudget;
  /** Default: libfabric, where its addon was built. */
  readonly fabric?: FabricApi;
}
